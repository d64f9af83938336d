"""Drives one CRAM-MD5 exchange over a connection, with its time limits and its waits. Decides nothing itself."""

import secrets
import time
from collections.abc import Awaitable, Callable

import trio

from fdaemon.errors import FdaemonError, RemoteProtocolError
from fdaemon.net.packets import PacketStream
from fdaemon.protocol import cram
from fdaemon.protocol.cram import Acceptor, Initiator

type Tell = Callable[[bytes], Awaitable[object]]
"""Issues a fatal job message (or a bare text where there is no job yet)."""


class AuthenticationFailed(FdaemonError):
    """The exchange failed; the peer has been told, the job message is out and the waits are over."""


def fresh(key: bytes, name: bytes, policy: int) -> tuple[bytes, bytes, int, int, int]:
    """The arguments of a new exchange: key, own name, own policy, nonce, time."""
    return key, name, policy, secrets.randbits(32), int(time.time())


async def authenticate(packets: PacketStream, exchange: Acceptor | Initiator, tell: Tell) -> None:
    """Play `exchange` to its end. Raises AuthenticationFailed (protocol/01 section 6.5)."""
    with trio.move_on_after(cram.TOTAL_TIMEOUT):
        first = exchange.start()
        if first is not None:
            await packets.send(first)
        while not exchange.done and exchange.failure is None:
            for reply in await _next(packets, exchange):
                await packets.send(reply)
    if exchange.done:
        return
    if exchange.failure is None:
        exchange.lost()
    failure = exchange.failure
    assert failure is not None
    if not packets.stopped:
        await trio.sleep(failure.delay_before)
    await tell(failure.message(packets.address.encode()))
    if await packets.send(cram.FAILED):
        await trio.sleep(failure.delay_after)
    raise AuthenticationFailed(f"{packets.name} at {packets.address}: {failure.reason.name.lower()}")


async def _next(packets: PacketStream, exchange: Acceptor | Initiator) -> list[bytes]:
    with trio.move_on_after(cram.STEP_TIMEOUT):
        try:
            return exchange.receive(await packets.receive())
        except RemoteProtocolError:
            pass
    exchange.lost()
    return []
