"""The limit on one wait for the peer (`Absolute Job Timeout`): the connection counts as broken, in both directions."""

import pytest
import trio
import trio.testing

from fdaemon.errors import PeerGone
from fdaemon.net.packets import PacketStream

LIMIT = 30.0


async def test_a_silent_peer_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    packets = PacketStream(ours, "Storage daemon")
    packets.read_patience = LIMIT
    with pytest.raises(PeerGone, match="Storage daemon has been silent for 30 secs"):
        await packets.receive()
    assert trio.current_time() == pytest.approx(LIMIT)
    assert packets.stopped
    assert not await packets.send(b"too late")


async def test_each_wait_begins_anew(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    packets, peer = PacketStream(ours, "Director"), PacketStream(theirs, "client")
    packets.read_patience = LIMIT

    async def talk() -> None:
        for _ in range(5):
            await trio.sleep(LIMIT - 1)
            await peer.send(b"still here")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk)
        for _ in range(5):
            assert await packets.receive() == b"still here"
    assert trio.current_time() > LIMIT


async def test_a_peer_that_takes_nothing_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    ours, _theirs = trio.testing.lockstep_stream_pair()
    packets = PacketStream(ours, "Storage daemon")
    packets.write_patience = LIMIT
    assert not await packets.send(b"hello")
    assert trio.current_time() == pytest.approx(LIMIT)
    assert packets.stopped
    assert "silent for 30 secs" in str(packets.error)


async def test_without_a_limit_a_wait_lasts(autojump_clock: trio.testing.MockClock) -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    packets = PacketStream(ours, "Storage daemon")
    with trio.move_on_after(100_000) as scope:
        await packets.receive()
    assert scope.cancelled_caught
    assert not packets.stopped
