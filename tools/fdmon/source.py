"""Where messages come from: a daemon's feed, again and again, or a recording. Messages are the feed's JSON, as text."""

import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
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


type Event = Connected | Lost | str
type Sleep = Callable[[float], Awaitable[None]]


async def follow(target: Target, give: Callable[[Event], Awaitable[None]]) -> None:
    """Give messages for ever, calling again whenever the feed is lost. Raises Refused."""
    pause = FIRST_PAUSE
    while True:
        try:
            async with trio.open_nursery() as nursery:
                with trio.fail_after(CONNECT_LIMIT):
                    connection = await connect(target, nursery)
                await give(Connected())
                pause = FIRST_PAUSE
                while True:
                    with trio.fail_after(SILENCE_LIMIT):
                        message = await connection.get_message()
                    await give(_text(message))
        except* Refused as group:
            raise _innermost(group) from None
        except* (
            OSError,
            HandshakeError,
            ConnectionClosed,
            trio.TooSlowError,
            trio.BrokenResourceError,
        ) as group:
            why = reason(_innermost(group))
        await give(Lost(why, pause))
        await trio.sleep(pause)
        pause = min(LONGEST_PAUSE, 2 * pause)


async def first_view(target: Target) -> str:
    """The full view of this moment. Raises MonitorError."""
    try:
        async with trio.open_nursery() as nursery:
            with trio.fail_after(CONNECT_LIMIT):
                connection = await connect(target, nursery)
                message = _text(await connection.get_message())
            nursery.cancel_scope.cancel()
    except* Refused as group:
        raise _innermost(group) from None
    except* (OSError, HandshakeError, ConnectionClosed, trio.TooSlowError, trio.BrokenResourceError) as group:
        raise MonitorError(f"{target.shown}: {reason(_innermost(group))}") from None
    return message


async def connect(target: Target, nursery: trio.Nursery) -> WebSocketConnection:
    """A connection that has been let in. Raises Refused for a wrong token, OSError and others for the rest."""
    stream: trio.abc.Stream
    if target.socket:
        stream = await trio.open_unix_socket(target.socket)
    else:
        stream = await trio.open_tcp_stream(target.host, target.port)
    if target.tls:
        context = ssl.create_default_context(cafile=target.authority or None)
        secure = trio.SSLStream(stream, context, server_hostname=target.host, https_compatible=True)
        await secure.do_handshake()
        stream = secure
    try:
        return await wrap_client_stream(
            nursery,
            stream,
            target.host,
            FEED,
            extra_headers=[(b"Authorization", b"Bearer " + target.token.encode())],
            max_message_size=MOST_MESSAGE,
        )
    except ConnectionRejected as error:
        if error.status_code in (401, 404, 400):
            raise Refused(f"{target.shown}: refused with {error.status_code}; is the token right?") from None
        raise


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
