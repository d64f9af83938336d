"""Packets over a stream: signals, the stop rules, the Storage daemon's polls, bulk bytes, limits."""

import socket

import pytest
import trio
import trio.testing

from fdaemon.errors import PeerGone, RemoteProtocolError
from fdaemon.net.packets import PacketStream
from fdaemon.net.sockets import set_send_buffer
from fdaemon.net.tls import TlsSettings, client_context, server_context
from fdaemon.wire.framing import EOD, TERMINATE, Signal, frame, signal
from tests.net.tls_pairs import IDENTITY, KEY, lookup


def make_pair() -> tuple[PacketStream, trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]:
    """Our end, and the two halves of the peer's."""
    left, right = trio.testing.memory_stream_pair()
    ours = PacketStream(left, "Storage daemon", address="192.0.2.1")
    return ours, right.send_stream, right.receive_stream


async def test_packets_signals_and_counts() -> None:
    ours, feed, _ = make_pair()
    await feed.send_all(frame(b"one") + frame(b"") + EOD + frame(b"two"))
    assert [await ours.receive() for _ in range(4)] == [b"one", b"", Signal.EOD, b"two"]
    assert ours.packets_received == 4
    assert ours.bytes_received == 7 + 4 + 4 + 7
    assert not ours.stopped


async def test_every_cut_of_the_bytes_gives_the_same_packets() -> None:
    wire = frame(b"abc") + signal(-6) + frame(b"\x00\xff")
    for cut in range(len(wire) + 1):
        ours, feed, _ = make_pair()
        await feed.send_all(wire[:cut])
        async with trio.open_nursery() as nursery:

            async def rest(feed: trio.testing.MemorySendStream = feed, cut: int = cut) -> None:
                await trio.testing.wait_all_tasks_blocked()
                await feed.send_all(wire[cut:] + b"")

            nursery.start_soon(rest)
            assert [await ours.receive() for _ in range(3)] == [b"abc", -6, b"\x00\xff"]


async def test_sending() -> None:
    ours, _, sink = make_pair()
    assert await ours.send(b"2000 OK\n")
    assert await ours.send(b"")
    assert await ours.send_signal(Signal.HEARTBEAT)
    await ours.send_wire(memoryview(EOD))
    expected = frame(b"2000 OK\n") + frame(b"") + signal(-6) + EOD
    assert await sink.receive_some() == expected
    assert ours.bytes_sent == len(expected)


async def test_long_payload_is_several_packets_in_one_piece() -> None:
    ours, _, sink = make_pair()
    payload = bytes(999_996) + b"rest"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ours.send, payload)
        nursery.start_soon(ours.send_signal, Signal.HEARTBEAT)
    wire = bytes(await sink.receive_some())
    assert wire.replace(signal(-6), b"", 1) == frame(payload)
    assert wire.index(signal(-6)) in (0, len(wire) - 4)


async def test_nothing_is_sent_after_a_received_terminate() -> None:
    ours, feed, sink = make_pair()
    await feed.send_all(TERMINATE + frame(b"never seen"))
    assert await ours.receive() == Signal.TERMINATE
    assert ours.terminated
    assert not await ours.send(b"2800 End Job\n")
    assert not await ours.send_signal(Signal.TERMINATE)
    with pytest.raises(PeerGone):
        await ours.send_wire(EOD)
    for _ in range(2):
        with pytest.raises(PeerGone, match="terminated"):
            await ours.receive()
    with pytest.raises(PeerGone):
        await ours.receive_wire()
    await ours.aclose()
    assert await sink.receive_some() == b""


async def test_oversized_packet_is_like_terminate_with_a_message() -> None:
    ours, feed, _ = make_pair()
    await feed.send_all((1_000_001).to_bytes(4) + b"xxxx")
    with pytest.raises(RemoteProtocolError) as caught:
        await ours.receive()
    assert caught.value.fatal == (
        b'Packet size too big from "Storage daemon:192.0.2.1:0. Terminating connection.\n'
    )
    assert ours.terminated
    assert not await ours.send(b"x")


@pytest.mark.parametrize("tail", [b"", b"\x00\x00", frame(b"abcd")[:-1]])
async def test_end_of_stream(tail: bytes) -> None:
    ours, feed, _ = make_pair()
    await feed.send_all(frame(b"last") + tail)
    await feed.aclose()
    assert await ours.receive() == b"last"
    for _ in range(2):
        with pytest.raises(PeerGone):
            await ours.receive()
    assert isinstance(ours.error, PeerGone)
    assert not await ours.send(b"x")


async def test_failed_send_is_remembered() -> None:
    ours, _, sink = make_pair()
    await sink.aclose()
    assert not await ours.send(b"x")
    assert str(ours.error) == "Broken pipe"
    with pytest.raises(PeerGone, match="Broken pipe"):
        await ours.send_wire(EOD)
    with pytest.raises(PeerGone, match="Broken pipe"):
        await ours.receive()


async def test_cancelled_send_stops_the_connection() -> None:
    left, right = trio.testing.lockstep_stream_pair()
    ours = PacketStream(left, "Director")
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ours.send, b"half of this is out")
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert not await ours.send_signal(Signal.TERMINATE)
    assert "cancelled" in str(ours.error)
    await right.aclose()


async def test_local_terminate_is_silent() -> None:
    ours, _, sink = make_pair()
    ours.terminate()
    assert not await ours.send_signal(Signal.TERMINATE)
    await ours.aclose()
    assert await sink.receive_some() == b""


async def test_close_wakes_the_receiver() -> None:
    ours, _, _ = make_pair()

    async def receive() -> None:
        with pytest.raises(PeerGone, match="Socket is closed"):
            await ours.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        await ours.aclose()
    assert not await ours.send(b"x")


async def test_one_receiver_at_a_time() -> None:
    ours, _, _ = make_pair()
    with pytest.RaisesGroup(trio.BusyResourceError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ours.receive)
            nursery.start_soon(ours.receive_from_storage)


async def test_storage_signals() -> None:
    ours, feed, sink = make_pair()
    await feed.send_all(
        signal(-6) + signal(-7) + signal(-5) + signal(-3) + signal(-9) + frame(b"3000 OK data\n")
    )
    unknown: list[int] = []
    assert await ours.receive_from_storage(unknown.append) == b"3000 OK data\n"
    assert unknown == [-9]
    assert await sink.receive_some() == frame(b"2000 OK\n") + frame(b"Status OK\n") + EOD
    await feed.send_all(signal(-2) + EOD + signal(-11) + TERMINATE)
    assert await ours.receive_from_storage() == Signal.EOD_POLL
    assert await sink.receive_some() == frame(b"2000 OK\n")
    assert await ours.receive_from_storage() == Signal.EOD
    assert await ours.receive_from_storage() == Signal.TERMINATE
    assert ours.terminated


async def test_bulk_bytes_and_back() -> None:
    ours, feed, _ = make_pair()
    await feed.send_all(frame(b"3000 OK data\n") + frame(b"rechdr 1") + b"\x00")
    assert await ours.receive() == b"3000 OK data\n"
    assert await ours.receive_wire() == frame(b"rechdr 1") + b"\x00"
    await feed.send_all(b"\x00\x00\x01x" + EOD + frame(b"3000 OK close")[:6])
    assert await ours.receive_wire() == b"\x00\x00\x01x" + EOD + frame(b"3000 OK close")[:6]
    ours.unread_wire(frame(b"3000 OK close")[:6])
    await feed.send_all(frame(b"3000 OK close")[6:])
    assert await ours.receive() == b"3000 OK close"
    await feed.aclose()
    with pytest.raises(PeerGone):
        await ours.receive_wire()
    assert ours.stopped


async def test_throttle_is_charged_for_both_directions() -> None:
    class Meter:
        def __init__(self) -> None:
            self.charged: list[int] = []

        async def charge(self, amount: int) -> None:
            await trio.lowlevel.checkpoint()
            self.charged.append(amount)

    ours, feed, _ = make_pair()
    meter = Meter()
    ours.throttle = meter
    await ours.send(b"12345678")
    await feed.send_all(EOD)
    await ours.receive()
    await ours.send_wire(EOD + EOD)
    assert meter.charged == [12, 4, 8]


async def test_receive_cancelled_by_its_limit_loses_nothing(autojump_clock: trio.testing.MockClock) -> None:
    class Slow:
        async def charge(self, amount: int) -> None:
            await trio.sleep(amount)

    ours, feed, _ = make_pair()
    ours.throttle = Slow()
    await feed.send_all(frame(b"one") + frame(b"two"))
    with trio.move_on_after(1) as scope:
        await ours.receive()
    assert scope.cancelled_caught
    assert await ours.receive() == b"one"
    assert await ours.receive_wire() == frame(b"two")
    ours.unread_wire(frame(b"zero"))
    await feed.send_all(frame(b"three"))
    assert [await ours.receive() for _ in range(2)] == [b"zero", b"three"]


async def test_late_tls_keeps_bytes_that_came_early() -> None:
    left, right = trio.testing.memory_stream_pair()
    server = PacketStream(left, "Director")
    client = PacketStream(right, "File daemon")
    await client.send(b"1000 OK auth\n")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: client.start_tls(client_context(TlsSettings(), IDENTITY, KEY)))
        await trio.testing.wait_all_tasks_blocked()
        # the ClientHello is already here and is read together with the packet before it
        assert await server.receive() == b"1000 OK auth\n"
        tls = await server.start_tls(server_context(TlsSettings(), lookup))
    assert tls.psk_identity == IDENTITY
    assert await server.send(b"2000 OK Hello 54\n")
    assert await client.receive() == b"2000 OK Hello 54\n"


async def test_failed_late_tls_stops_the_connection() -> None:
    ours, feed, _ = make_pair()
    await feed.send_all(b"no TLS at all")
    with pytest.raises(RemoteProtocolError, match="wrong version number"):
        await ours.start_tls(server_context(TlsSettings(), lookup))
    assert ours.stopped


async def test_socket_facts() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listeners[0] as listener:
        port = listener.socket.getsockname()[1]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            accepted = await listener.accept()
            ours = PacketStream(accepted, "Director")
            assert ours.fd == accepted.socket.fileno() >= 0
            assert set_send_buffer(accepted, 65536) == 65536
            assert accepted.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= 65536
            assert (ours.address, ours.port) == ("127.0.0.1", stream.socket.getsockname()[1])
            await ours.aclose()
            assert ours.fd == -1


async def test_a_cancel_never_cuts_a_packet_that_the_kernel_can_take() -> None:
    """The Director's connection must be able to report after a job message was sent from a cancelled scope."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(_accept_one, listener)
        stream = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        packets = PacketStream(stream, "Director")
        for _ in range(200):
            with trio.CancelScope() as scope:
                nursery.start_soon(_cancel, scope)
                await packets.send(b"Jmsg")
                await trio.lowlevel.checkpoint()
            assert await packets.send(b"2800 End Job")
        await packets.aclose()


async def _accept_one(listener: trio.SocketListener) -> None:
    async with await listener.accept() as stream:
        async for _ in stream:
            pass


async def _cancel(scope: trio.CancelScope) -> None:
    scope.cancel()
