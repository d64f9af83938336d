"""The File Daemon that does the work: the real one, served inside this program on a loopback port with a
password nobody else knows.
"""

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import trio

from fdaemon.config.lexer import Source
from fdaemon.config.load import check, parse
from fdaemon.config.options import Options
from fdaemon.config.resources import Configuration
from fdaemon.daemon import serve
from fdaemon.session.services import Services
from fdlocal.access import Access
from fdlocal.backup import CLIENT
from fdpeers.director import DirectorPeer
from statecharts.tracker import Transition

DIRECTOR: Final = "fdlocal-dir"

_LONGEST: Final = 40
"""States remembered of one chart: the verify chart goes round once for every file."""

_WAIT: Final = 5
"""Seconds the daemon gets to close its books after it has said goodbye."""


class Paths:
    """The states that each chart went through since the last question, in order."""

    def __init__(self) -> None:
        self._paths: dict[str, list[str]] = {}
        self._is_closed = trio.Event()

    def observe(self, step: Transition) -> None:
        """Called by the daemon's trackers at every transition."""
        path = self._paths.setdefault(step.chart, [str(step.source.value)])
        if len(path) < _LONGEST and path[-1] != step.target.value:
            path.append(str(step.target.value))
        if step.chart == "job" and step.target.value == "Closed":
            self._is_closed.set()

    async def take(self) -> tuple[tuple[str, str], ...]:
        """(chart, path) of the job that just ended; the next one starts afresh."""
        with trio.move_on_after(_WAIT):
            await self._is_closed.wait()
        paths = tuple((chart, " > ".join(path)) for chart, path in self._paths.items())
        self._paths = {}
        self._is_closed = trio.Event()
        return paths


def configuration(directory: Path, password: str, *, tls: bool, workers: int) -> Configuration:
    """A daemon for one Director on the loopback, on any free port."""
    enable = "yes" if tls else "no"
    text = f"""
Client {{
  Name = {CLIENT}
  Working Directory = "{directory}"
  Address = 127.0.0.1
  TLS Enable = {enable}
  Maximum Workers Per Job = {workers}
}}
Director {{
  Name = {DIRECTOR}
  Password = "{password}"
  TLS Enable = {enable}
}}
Messages {{
  Name = Standard
  Director = {DIRECTOR} = all, !skipped, !restored
}}
"""
    settings = check(parse([Source("fdlocal", text.encode())]))
    # The configuration language has no word for "any free port", the daemon's listener does.
    anywhere = tuple(replace(place, port=0) for place in settings.client.addresses)
    return replace(settings, client=replace(settings.client, addresses=anywhere))


@asynccontextmanager
async def file_daemon(*, tls: bool = True, workers: int = 2) -> AsyncIterator[Access]:
    """Serve the daemon for the time of the block."""
    password = secrets.token_hex(16)
    paths = Paths()
    with tempfile.TemporaryDirectory(prefix="fdlocal-") as directory:
        settings = configuration(Path(directory), password, tls=tls, workers=workers)
        async with trio.open_nursery() as nursery:

            async def start(*, task_status: trio.TaskStatus[Services]) -> None:
                await serve(settings, Options(), observers=(paths.observe,), task_status=task_status)

            services = await nursery.start(start)
            (address,) = services.addresses
            director = DirectorPeer(DIRECTOR, password=password, port=address[1], tls=tls)
            try:
                yield Access(director, tls=tls, states=paths.take, look=services.view)
            finally:
                nursery.cancel_scope.cancel()
