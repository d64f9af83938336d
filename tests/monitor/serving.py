"""A monitor on real sockets for the time of a block, and simple clients for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from fdaemon.monitor.door import Door
from fdaemon.monitor.service import Served, serve_monitor
from fdaemon.monitor.settings import MonitorSettings
from fdaemon.views import DaemonView

from .pictures import daemon, job

TOKEN = "0123456789abcdef-token"


@dataclass
class Site:
    """The served monitor, what it logged, and the view that it looks at."""

    served: Served
    logged: list[str]
    view: DaemonView = field(default_factory=lambda: daemon(job()))

    @property
    def port(self) -> int:
        return self.served.port

    @property
    def door(self) -> Door:
        assert self.served.door is not None
        return self.served.door

    async def all_left(self) -> None:
        """Wait until no viewer is there; the test's own limit ends a vain wait."""
        while self.door.viewers:
            await trio.lowlevel.checkpoint()


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Site]:
    """Serve on a free loopback port unless the settings say something else."""
    values: dict[str, Any] = {"listens": True, "token": TOKEN.encode()}
    chosen = MonitorSettings(**(values | settings))
    logged: list[str] = []
    site: Site | None = None

    def look() -> DaemonView:
        return site.view if site is not None else daemon(job())

    async with trio.open_nursery() as nursery:
        served = await nursery.start(serve_monitor, chosen, look, logged.append)
        site = Site(served, logged)
        yield site
        nursery.cancel_scope.cancel()


def head(path: str = "/v1/feed", token: str | None = TOKEN, extra: str = "") -> bytes:
    """A request head."""
    shown = "" if token is None else f"Authorization: Bearer {token}\r\n"
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{upgrade}{shown}{extra}\r\n".encode()


async def say(port: int, data: bytes) -> bytes:
    """Send bytes and read until the other side closes."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        answer = b""
        try:
            await stream.send_all(data)
            while more := await stream.receive_some(65536):
                answer += more
        except trio.BrokenResourceError:
            pass
        return answer


def file_with(path: Path, text: str, mode: int = 0o600) -> Path:
    """A small file with exactly this mode."""
    path.write_text(text)
    path.chmod(mode)
    return path
