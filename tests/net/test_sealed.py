"""Bulk bytes that are received sealed and decrypted by their user, and the packets before and behind them."""

import pytest
import trio
import trio.testing

from fdaemon.errors import PeerGone, RemoteProtocolError
from fdaemon.net.packets import PacketStream
from fdaemon.net.tls import TlsSettings, client_context, server_context
from fdaemon.wire.framing import EOD, frame
from tests.net.tls_pairs import IDENTITY, KEY, lookup

RECORDS = frame(b"rechdr 1 2 3 4 5") + frame(b"12345") * 5000


async def pair(*, tls: bool) -> tuple[PacketStream, PacketStream]:
    """Our end and the Storage daemon's."""
    left, right = trio.testing.memory_stream_pair()
    ours = PacketStream(left, "Storage daemon")
    peer = PacketStream(right, "File daemon")
    if tls:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: peer.start_tls(client_context(TlsSettings(), IDENTITY, KEY)))
            await ours.start_tls(server_context(TlsSettings(), lookup))
    return ours, peer


async def unsealed(ours: PacketStream, size: int, first: bytes = b"") -> bytes:
    data = first
    while len(data) < size:
        data += await trio.to_thread.run_sync(ours.unseal, await ours.receive_sealed())
    return data


@pytest.mark.parametrize("tls", [False, True])
async def test_what_came_before_comes_first_and_what_came_behind_is_not_lost(tls: bool) -> None:
    ours, peer = await pair(tls=tls)
    await peer.send_wire(frame(b"3000 OK data\n") + RECORDS[:100])
    assert await ours.receive() == b"3000 OK data\n"
    early = ours.unseal(b"")
    assert early == RECORDS[:100]
    await peer.send_wire(RECORDS[100:])
    assert await unsealed(ours, len(RECORDS), early) == RECORDS
    await peer.send_wire(EOD + frame(b"3000 OK")[:5])
    assert await unsealed(ours, 9) == EOD + frame(b"3000 OK")[:5]
    await peer.send_wire(frame(b"3000 OK")[5:])
    late = await ours.receive_sealed()
    await peer.send_wire(frame(b"bye"))
    later = await ours.receive_sealed()
    ours.unread_sealed(late)
    ours.unread_sealed(later)
    ours.unread_wire(frame(b"3000 OK")[:5])
    assert [await ours.receive() for _ in range(2)] == [b"3000 OK", b"bye"]
    assert await ours.send(b"still well")
    assert await peer.receive() == b"still well"
    assert ours.bytes_received == peer.bytes_sent


@pytest.mark.parametrize("tls", [False, True])
async def test_the_end_of_the_stream(tls: bool) -> None:
    ours, peer = await pair(tls=tls)
    await peer.send_wire(RECORDS)
    with trio.move_on_after(0):
        await peer.aclose()
    data = ours.unseal(b"")
    while sealed := await ours.receive_sealed():
        data += ours.unseal(sealed)
    assert data == RECORDS
    with pytest.raises(PeerGone):
        ours.unseal(None)
    assert ours.stopped


async def test_an_end_without_goodbye_is_told() -> None:
    ours, peer = await pair(tls=True)
    await peer.send_wire(RECORDS)
    sealed = await ours.receive_sealed()
    assert ours.unseal(sealed[:-5]) + ours.unseal(b"") == RECORDS[: len(RECORDS) - len(RECORDS) % 16384]
    with pytest.raises(PeerGone, match="without a close_notify"):
        ours.unseal(None)


async def test_a_damaged_record_is_told_behind_the_good_ones() -> None:
    ours, peer = await pair(tls=True)
    await peer.send_wire(RECORDS)
    sealed = bytearray(await ours.receive_sealed())
    sealed[-1] ^= 1
    assert ours.unseal(bytes(sealed)) == RECORDS[: len(RECORDS) - len(RECORDS) % 16384]
    with pytest.raises(RemoteProtocolError, match="bad record mac"):
        ours.unseal(b"")
    assert not await ours.send(b"gone")


async def test_a_cancel_while_it_is_charged_loses_nothing(autojump_clock: trio.testing.MockClock) -> None:
    class Slow:
        charged = 0

        async def charge(self, amount: int) -> None:
            await trio.sleep(amount)
            self.charged += amount

    ours, peer = await pair(tls=True)
    ours.throttle = slow = Slow()
    await peer.send(b"one")
    first = await ours.receive_sealed()
    await peer.send(b"two")
    with trio.move_on_after(1) as scope:
        await ours.receive_sealed()
    assert scope.cancelled_caught
    assert slow.charged == 0
    second = await ours.receive_sealed()
    assert slow.charged == len(first)
    assert ours.unseal(first) + ours.unseal(second) == frame(b"one") + frame(b"two")
