"""Where messages come from: a daemon's feed, again and again, or a recording. Messages are the feed's JSON, as text."""

import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)

from fdmon.errors import MonitorError, Refused

FEED: Final = "/v1/feed"
CONNECT_LIMIT: Final = 10.0
"""Seconds to connect and be let in."""
SILENCE_LIMIT: Final = 20.0
"""Seconds without a message after which the connection is dead: the feed says something every five."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
MOST_MESSAGE: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """A daemon's feed: a Unix socket, or host and port, with TLS checked against `authority` (or the system's)."""

    token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    socket: str = ""
    tls: bool = False
    authority: str = ""

    @property
    def shown(self) -> str:
        """Where it is, in words."""
        return self.socket or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Connected:
    """The feed is there."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The feed is gone, or was not reached; `why`, and the seconds until the next try."""

    why: str
    pause: float


TROUBLE: Final = (OSError, HandshakeError, ConnectionClosed, trio.TooSlowError, trio.BrokenResourceError)
"""What a connection may fail with."""

type Event = Connected | Lost | str
type Sleep = Callable[[float], Awaitable[None]]


async def follow(target: Target, give: Callable[[Event], Awaitable[None]]) -> None:
    """Give messages for ever, calling again whenever the feed is lost. Raises Refused."""
    pause = FIRST_PAUSE
    while True:
        failures: list[BaseException] = []
        try:
            async with calling(target) as connection:
                await give(Connected())
                pause = FIRST_PAUSE
                while True:
                    with trio.fail_after(SILENCE_LIMIT):
                        message = await connection.get_message()
                    await give(_text(message))
        except* TROUBLE as group:
            failures.append(_innermost(group))
        await give(Lost(_judged(target, failures[0]), pause))
        await trio.sleep(pause)
        pause = min(LONGEST_PAUSE, 2 * pause)


async def first_view(target: Target) -> str:
    """The full view of this moment. Raises MonitorError."""
    message: str | bytes = ""
    failures: list[BaseException] = []
    try:
        async with calling(target) as connection:
            with trio.fail_after(CONNECT_LIMIT):
                message = await connection.get_message()
    except* TROUBLE as group:
        failures.append(_innermost(group))
    if failures:
        raise MonitorError(f"{target.shown}: {_judged(target, failures[0])}")
    return _text(message)


@asynccontextmanager
async def calling(target: Target) -> AsyncIterator[WebSocketConnection]:
    """A feed for the time of the block. What goes wrong comes as one of TROUBLE, perhaps in groups."""
    with trio.fail_after(CONNECT_LIMIT):
        transport = await _dial(target)
    async with transport, trio.open_nursery() as nursery:
        with trio.fail_after(CONNECT_LIMIT):
            stream: trio.abc.Stream = transport
            if target.tls:
                context = ssl.create_default_context(cafile=target.authority or None)
                secure = trio.SSLStream(
                    transport, context, server_hostname=target.host, https_compatible=True
                )
                await secure.do_handshake()
                stream = secure
            connection = await wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type]
                target.host,
                FEED,
                extra_headers=[(b"Authorization", b"Bearer " + target.token.encode())],
                max_message_size=MOST_MESSAGE,
            )
        yield connection
        nursery.cancel_scope.cancel()


async def _dial(target: Target) -> trio.SocketStream:
    if target.socket:
        return await trio.open_unix_socket(target.socket)
    return await trio.open_tcp_stream(target.host, target.port)


def _judged(target: Target, error: BaseException) -> str:
    """What happened, in words. Raises Refused where trying again is no use."""
    if isinstance(error, ConnectionRejected) and error.status_code in (400, 401, 404):
        raise Refused(f"{target.shown}: refused with {error.status_code}; is the token right?")
    return reason(error)


async def replay(path: Path, give: Callable[[Event], Awaitable[None]], *, speed: float, sleep: Sleep) -> None:
    """Give a recording's messages in their own time divided by `speed` (0: at once). Raises MonitorError."""
    await give(Connected())
    before: float | None = None
    async for message in recorded(path):
        moment = float(json.loads(message)["time"])
        if speed and before is not None:
            await sleep(max(0.0, moment - before) / speed)
        before = moment
        await give(message)


async def recorded(path: Path) -> AsyncIterator[str]:
    """The lines of a recording. Raises MonitorError for a file that is none."""
    try:
        async with await trio.open_file(path, encoding="utf-8") as file:
            async for line in file:
                try:
                    json.loads(line)["time"]
                except (ValueError, KeyError, TypeError):
                    raise MonitorError(f"{path} is no recording of a feed") from None
                yield line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MonitorError(f"{path}: {error}") from None


class Recorder:
    """Writes messages to a file, one a line. A recording that does not start with a full view is of no use, and the
    feed begins with one.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise MonitorError(f"{path}: {error.strerror}") from None

    def write(self, message: str) -> None:
        """One message."""
        self._file.write(message + "\n")
        self._file.flush()

    def close(self) -> None:
        """The end of the recording."""
        self._file.close()


def reason(error: BaseException) -> str:
    """A short sentence for what happened to a connection."""
    match error:
        case trio.TooSlowError():
            return "no answer"
        case ConnectionClosed() | trio.BrokenResourceError():
            return "the daemon has closed the connection"
        case ConnectionRejected(status_code=int(status)):
            return f"refused with {status}"
        case OSError(strerror=str(text)):
            return text
        case _:
            return str(error) or type(error).__name__


def now() -> float:
    """Unix seconds."""
    return time.time()


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode()


def _innermost(group: BaseException) -> BaseException:
    return _innermost(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
