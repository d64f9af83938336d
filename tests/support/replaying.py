"""Our daemon, set up as the recorded one was, for a session to be played to it."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trio

from fdaemon.config import Configuration, load
from fdaemon.config.options import Options
from fdaemon.daemon import serve
from fdaemon.session.services import Release, Services
from tests.support.replay import Connect, Replay, Staging
from tests.support.sessions import DIRECTOR_PASSWORD, Session, shared

RELEASE = Release(system="Debian GNU/Linux 12 (bookworm)", platform="debian")
"""The system that the recorded daemon ran on."""


def session_named(name: str) -> Session:
    """A recorded session, from the full set if this checkout has not got it."""
    return shared(name)


def configuration(folder: Path, *, name: str = "fd", extra: str = "") -> Configuration:
    """The recorded File daemon's configuration, but on any free port; `extra` goes into the Client resource."""
    path = folder / "fd.conf"
    path.write_text(f"""
Client {{
  Name = {name}
  Working Directory = "{folder}"
  Address = 127.0.0.1
  TLS Enable = no
  {extra}
}}
Director {{
  Name = bareos-dir
  Password = "{DIRECTOR_PASSWORD.decode()}"
  TLS Enable = no
}}
Messages {{
  Name = Standard
  Director = bareos-dir = all
}}
""")
    settings = load(str(path))
    anywhere = tuple(replace(place, port=0) for place in settings.client.addresses)
    return replace(settings, client=replace(settings.client, addresses=anywhere))


@contextmanager
def universal_time() -> Iterator[None]:
    """The time zone in which the recorded daemons counted, for the time of the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@asynccontextmanager
async def daemon(settings: Configuration) -> AsyncIterator[Services]:
    """The daemon, for the time of the block."""
    async with trio.open_nursery() as nursery:

        async def start(*, task_status: trio.TaskStatus[Services]) -> None:
            await serve(settings, Options(), task_status=task_status)

        services = await nursery.start(start)
        services.release = RELEASE
        yield services
        nursery.cancel_scope.cancel()


def dialer(services: Services) -> Connect:
    """How a Director or Storage daemon reaches that daemon."""
    ((host, port),) = services.addresses
    return partial(trio.open_tcp_stream, host, port)


async def play(session: Session, settings: Configuration, staging: Staging) -> Session:
    """Play a whole session to a fresh daemon; what that daemon said."""
    async with daemon(settings) as services:
        return await Replay(session, staging, dialer(services)).play()
