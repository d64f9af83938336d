"""Listening sockets, and what a newcomer speaks: cleartext hello or TLS. Does not decide who is let in."""

import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Never

import trio

from fdaemon.errors import FdaemonError, PeerGone
from fdaemon.net.edge import EDGE, FOREIGN, reason
from fdaemon.net.replay import ReplayStream
from fdaemon.net.sockets import keep_alive
from fdaemon.protocol.hello import FirstBytes
from fdaemon.protocol.hello import classify as decide
from fdaemon.wire.framing import TERMINATE

BACKLOG = 50
BIND_TRIES = 3
BIND_PAUSE = 5.0
"""Backlog, tries and seconds between tries: protocol/01 section 4.1."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
ACCEPT_PAUSE = 0.1
TELL_EVERY = 60.0
"""When there is no room for another connection: as trio's own server, which would print a traceback ten times a
second."""
FIRST_LIMIT = 60.0
"""Seconds a newcomer has for them; the C++ daemon waits for ever (protocol/01 section 4.5)."""
FIRST_READ = 255
"""Bytes looked at, as in the C++ daemon; any number from ten would do."""
REFUSE_LIMIT = 2.0
"""Seconds for the four bytes of a refusal to leave."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A numeric address or host name, and a port (0: any). An `optional` one may be of a family unknown
    here.
    """

    host: str
    port: int
    optional: bool = False


def default_addresses(port: int) -> tuple[ListenAddress, ...]:
    """Any IPv4 and, where the machine has it, any IPv6 address."""
    return ListenAddress("0.0.0.0", port), ListenAddress("::", port, optional=True)


class ListenFailed(FdaemonError):
    """An address could not be bound; none is served then."""


async def open_listeners(
    addresses: Sequence[ListenAddress],
    *,
    backlog: int = BACKLOG,
    on_failure: Callable[[str, int, str], None] | None = None,
) -> list[trio.SocketListener]:
    """Bind all `addresses`, each with three tries five seconds apart; duplicates count once.

    `on_failure` hears of each failed try: address, port, reason. Raises ListenFailed when one stays unbound.
    """
    listeners: list[trio.SocketListener] = []
    bound: set[tuple[socket.AddressFamily, object]] = set()
    try:
        for wanted in addresses:
            try:
                found = await trio.socket.getaddrinfo(
                    wanted.host, wanted.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
                )
            except OSError as error:
                raise ListenFailed(f"cannot resolve {wanted.host}: {reason(error)}") from error
            for family, _kind, _protocol, _name, place in found:
                if (family, place) in bound:
                    continue
                bound.add((family, place))
                listener = await _bind(family, place, wanted, backlog, on_failure)
                if listener is not None:
                    listeners.append(listener)
    except BaseException:
        for listener in listeners:
            listener.socket.close()
        raise
    return listeners


async def _bind(
    family: socket.AddressFamily,
    place: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
    wanted: ListenAddress,
    backlog: int,
    on_failure: Callable[[str, int, str], None] | None,
) -> trio.SocketListener | None:
    for attempt in range(BIND_TRIES):
        try:
            return await _bind_once(family, place, backlog)
        except OSError as error:
            if wanted.optional and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                return None
            if on_failure is not None:
                on_failure(wanted.host, wanted.port, reason(error))
            if attempt + 1 == BIND_TRIES:
                raise ListenFailed(
                    f"cannot bind {wanted.host} port {wanted.port}: {reason(error)}"
                ) from error
            await trio.sleep(BIND_PAUSE)
    raise AssertionError("unreachable")


async def _bind_once(
    family: socket.AddressFamily, place: tuple[object, ...], backlog: int
) -> trio.SocketListener:
    made = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        await made.bind(place)
        made.listen(backlog)
        return trio.SocketListener(made)
    except BaseException:
        made.close()
        raise


async def accept(
    listener: trio.SocketListener,
    handle: Callable[[trio.SocketStream], Awaitable[None]],
    nursery: trio.Nursery,
    tell: Callable[[str], None],
) -> Never:
    """Have each connection served by a task of `nursery`, which it must not end. Until cancelled.

    Newcomers wait while there are no descriptors left, which `tell` hears of once in a while.
    """
    told = -inf
    async with listener:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    raise
                if trio.current_time() - told >= TELL_EVERY:
                    told = trio.current_time()
                    tell(f"Cannot accept a connection: ERR={reason(error)}. Retrying...")
                await trio.sleep(ACCEPT_PAUSE)
            else:
                nursery.start_soon(handle, stream)


@dataclass(frozen=True, slots=True)
class ClearHello:
    """The newcomer begins with a hello in clear text; `stream` delivers it from its first byte."""

    stream: ReplayStream


@dataclass(frozen=True, slots=True)
class TlsClient:
    """The newcomer begins with something else, which can only be TLS; `stream` delivers it from its first
    byte.
    """

    stream: ReplayStream


async def classify(stream: trio.abc.Stream, limit: float = FIRST_LIMIT) -> ClearHello | TlsClient:
    """Look at the first bytes of an accepted connection, consuming none (protocol/01 section 4.2).

    Raises PeerGone when fewer than ten bytes arrive before the end of the stream or within `limit` seconds;
    the caller then refuses.
    """
    first = b""
    with trio.move_on_after(limit), EDGE:
        while decide(first) is FirstBytes.UNDECIDED:
            data = await stream.receive_some(FIRST_READ)
            if not data:
                break
            first += data
    replay = ReplayStream(stream, first)
    match decide(first):
        case FirstBytes.CLEARTEXT:
            return ClearHello(replay)
        case FirstBytes.TLS:
            return TlsClient(replay)
        case FirstBytes.UNDECIDED:
            raise PeerGone(f"only {len(first)} bytes came where a hello or a TLS handshake begins")


def accepted(stream: trio.SocketStream) -> None:
    """Options of an accepted socket: keep-alive with the system's times (protocol/01 section 11.4)."""
    keep_alive(stream.socket)


async def refuse(transport: trio.abc.Stream) -> None:
    """Send TERMINATE in clear text, below any TLS, and close. A peer that is gone is no error."""
    try:
        with trio.move_on_after(REFUSE_LIMIT):
            await transport.send_all(TERMINATE)
    except FOREIGN:
        pass
    finally:
        await transport.aclose()
