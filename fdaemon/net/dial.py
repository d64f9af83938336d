"""Outgoing TCP connections with retries. Speaks no protocol; reports every failure to its caller."""

import socket
from collections.abc import Callable

import trio

from fdaemon.errors import PeerGone
from fdaemon.net.edge import reason
from fdaemon.net.sockets import keep_alive

RETRY_EVERY = 10.0
"""Seconds between two attempts (protocol/01 section 11.1)."""
RETRY_LIMIT = 1800.0
"""Seconds for all attempts: the default of `SD Connect Timeout`."""

type Place = tuple[socket.AddressFamily, tuple[object, ...]]


class DialFailed(PeerGone):
    """No connection came about; the text is the reason as job messages show it after `ERR=`."""


class NameNotFound(DialFailed):
    """The address is no number and no name that resolves; retrying is pointless."""


class SourceRefused(DialFailed):
    """Our own source address could not be bound for any of the peer's addresses."""


async def dial(
    address: str,
    port: int,
    *,
    source: str | None = None,
    keepalive: int = 0,
    limit: float = RETRY_LIMIT,
    retry_every: float = RETRY_EVERY,
    on_failure: Callable[[int, str], None] | None = None,
) -> trio.SocketStream:
    """Connect to `address`:`port`, again every `retry_every` seconds until `limit` seconds are over.

    `limit` 0 means a single attempt. `source` is the numeric address to connect from, `keepalive` the probe
    interval in seconds (0: the system's). `on_failure(attempt, reason)` hears of each failed attempt, from 1.
    Raises NameNotFound and SourceRefused at once, DialFailed when the time is over.
    """
    places = await resolve(address, port)
    attempt, why = 0, "Connection timed out"
    with trio.move_on_after(limit if limit > 0 else float("inf")):
        while True:
            attempt += 1
            try:
                return await _connect_first(places, source, keepalive)
            except OSError as error:
                why = reason(error)
            if on_failure is not None:
                on_failure(attempt, why)
            if limit <= 0:
                break
            await trio.sleep(retry_every)
    raise DialFailed(why)


async def resolve(address: str, port: int) -> list[Place]:
    """All addresses of a number or name: IPv6 first, then IPv4, none twice (protocol/01 section 11.3)."""
    try:
        found = await trio.socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameNotFound(reason(error)) from error
    places: list[Place] = [(entry[0], entry[4]) for entry in found]
    return [
        place
        for family in (socket.AF_INET6, socket.AF_INET)
        for place in dict.fromkeys(places)
        if place[0] == family
    ]


async def _connect_first(places: list[Place], source: str | None, keepalive: int) -> trio.SocketStream:
    """Try each address once; OSError of the last one when all fail."""
    last: OSError = ConnectionRefusedError("no address to connect to")
    bound = source is None
    for family, place in places:
        made = trio.socket.socket(family, socket.SOCK_STREAM)
        try:
            keep_alive(made, keepalive)
            if source is not None:
                await made.bind((source, 0))
                bound = True
            await made.connect(place)
        except OSError as error:
            made.close()
            last = error
        except BaseException:
            made.close()
            raise
        else:
            return trio.SocketStream(made)
    if not bound:
        raise SourceRefused(reason(last)) from last
    raise last
