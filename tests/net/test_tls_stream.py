"""Bytes through a TLS stream: both directions at once, tiny records, cuts, goodbyes."""

import random
import ssl

import pytest
import trio
import trio.testing

from fdaemon.errors import LocalProtocolError, PeerGone, RemoteProtocolError
from fdaemon.net.faults import Direction, Fault, FaultyStream
from fdaemon.net.tls import TlsSettings, TlsStream, client_context
from tests.net.tls_pairs import IDENTITY, KEY, connected_pair, lookup

versions = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


async def receive_exactly(stream: trio.abc.ReceiveStream, size: int) -> bytes:
    received = b""
    while len(received) < size:
        data = await stream.receive_some()
        assert data, f"the stream ended after {len(received)} of {size} bytes"
        received += data
    return received


async def socket_pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    left, right = trio.socket.socketpair()
    return trio.SocketStream(left), trio.SocketStream(right)


@versions
async def test_full_duplex_over_sockets_that_fill_up(version: str) -> None:
    client, server = await connected_pair(version, await socket_pair())
    there, back = random.Random(1).randbytes(5_000_000), random.Random(2).randbytes(5_000_000)
    got: dict[str, bytes] = {}

    async def send(stream: TlsStream, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), 1 << 20):
            await stream.send_all(view[start : start + (1 << 20)])

    async def receive(name: str, stream: TlsStream, size: int) -> None:
        got[name] = await receive_exactly(stream, size)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, client, there)
        nursery.start_soon(send, server, back)
        nursery.start_soon(receive, "there", server, len(there))
        nursery.start_soon(receive, "back", client, len(back))
    assert got["there"] == there
    assert got["back"] == back
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.aclose)
        nursery.start_soon(server.aclose)


async def test_many_tiny_records_arrive_as_one_object() -> None:
    client, server = await connected_pair()
    for index in range(3000):
        await server.send_all(index.to_bytes(20))
    data = await client.receive_some()
    assert data == b"".join(index.to_bytes(20) for index in range(3000))


@versions
@pytest.mark.parametrize("end", ["client", "server"])
async def test_one_byte_segments(version: str, end: str) -> None:
    left, right = trio.testing.memory_stream_pair()
    transports: tuple[trio.abc.Stream, trio.abc.Stream] = (
        FaultyStream(left, Fault.SPLIT, 0, Direction.RECEIVE if end == "client" else Direction.SEND),
        right,
    )
    client, server = await connected_pair(version, transports)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, b"from the client" * 100)
        nursery.start_soon(server.send_all, b"from the server" * 100)
        assert await receive_exactly(server, 1500) == b"from the client" * 100
        assert await receive_exactly(client, 1500) == b"from the server" * 100


async def test_limit_on_received_bytes() -> None:
    client, server = await connected_pair()
    await server.send_all(b"0123456789")
    assert [await client.receive_some(4) for _ in range(3)] == [b"0123", b"4567", b"89"]


async def test_data_sent_with_the_end_of_the_handshake_is_not_lost() -> None:
    client, server = await connected_pair()
    await client.send_all(b"")
    await client.send_all(memoryview(b"Hello").cast("B"))
    assert await server.receive_some() == b"Hello"


@versions
async def test_orderly_close_is_an_end_not_an_error(version: str) -> None:
    client, server = await connected_pair(version)
    await server.send_all(b"last words")

    async def read_to_the_end() -> None:
        assert await client.receive_some() == b"last words"
        assert await client.receive_some() == b""
        assert await client.receive_some() == b""
        await client.aclose()

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.aclose)
            nursery.start_soon(read_to_the_end)


@versions
async def test_close_discards_unread_data_and_hears_the_goodbye(version: str) -> None:
    client, server = await connected_pair(version)
    await server.send_all(b"never read")
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.aclose)
            nursery.start_soon(server.aclose)
    with pytest.raises(PeerGone, match="Socket is closed"):
        await client.receive_some()
    with pytest.raises(PeerGone, match="Socket is closed"):
        await client.send_all(b"x")
    await client.aclose()


async def test_close_waits_two_seconds_for_a_silent_peer(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await connected_pair()
    start = trio.current_time()
    await client.aclose()
    assert trio.current_time() - start == pytest.approx(2)
    assert await server.receive_some() == b""
    await server.aclose()


async def test_close_while_another_task_is_stuck(autojump_clock: trio.testing.MockClock) -> None:
    client, server = await connected_pair(transports=trio.testing.lockstep_stream_pair())
    outcome: list[str] = []

    async def send() -> None:
        with pytest.raises(PeerGone):
            await client.send_all(bytes(1 << 20))
        outcome.append("sender")

    async def receive() -> None:
        with pytest.raises(PeerGone):
            await client.receive_some()
        outcome.append("receiver")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        await client.aclose()
    assert sorted(outcome) == ["receiver", "sender"]
    await server.transport.aclose()


async def test_end_without_goodbye_is_peer_gone() -> None:
    client, server = await connected_pair()
    await server.send_all(b"data")
    await server.transport.aclose()
    assert await client.receive_some() == b"data"
    for _ in range(2):
        with pytest.raises(PeerGone, match="without a close_notify"):
            await client.receive_some()
    with pytest.raises(PeerGone):
        await client.send_all(b"x")
    await client.aclose()


async def test_reset_by_peer_keeps_the_systems_words() -> None:
    client, server = await connected_pair(transports=await socket_pair())
    await client.send_all(b"unread data makes the kernel reset the connection")
    await server.transport.aclose()
    with pytest.raises(PeerGone, match="Connection reset by peer"):
        await client.receive_some()
    with pytest.raises(PeerGone, match="Broken pipe"):
        await client.send_all(b"x")
    await client.aclose()


async def test_garbled_record() -> None:
    left, right = trio.testing.memory_stream_pair()
    client, server = await connected_pair(transports=(left, right))
    faulty = FaultyStream(left, Fault.GARBLE, 100, Direction.RECEIVE)
    client.transport = faulty
    await server.send_all(b"good")
    assert await client.receive_some() == b"good"
    await server.send_all(b"spoilt" * 40)
    with pytest.raises(RemoteProtocolError, match="bad record"):
        await client.receive_some()
    await client.aclose()
    with pytest.raises(RemoteProtocolError, match="alert bad record mac"):
        await server.receive_some()


async def test_cancelled_send_spoils_the_stream() -> None:
    client, server = await connected_pair(transports=await socket_pair())
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, bytes(1 << 24))
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    with pytest.raises(PeerGone, match="did not finish"):
        await client.send_all(b"x")
    await client.aclose()
    await server.aclose()


async def test_cancelled_receive_loses_nothing() -> None:
    client, server = await connected_pair()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.receive_some)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    await server.send_all(b"still here")
    assert await client.receive_some() == b"still here"


async def test_one_owner_for_each_direction() -> None:
    client, _server = await connected_pair()
    with pytest.RaisesGroup(trio.BusyResourceError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.receive_some)
            nursery.start_soon(client.receive_some)


async def test_use_before_the_handshake_is_our_bug() -> None:
    left, right = trio.testing.memory_stream_pair()
    client = TlsStream(left, client_context(TlsSettings(), IDENTITY, KEY))
    with pytest.raises(LocalProtocolError):
        await client.receive_some()
    await client.aclose()
    assert await right.receive_some() == b""


@versions
async def test_against_trios_own_tls(version: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@STRENGTH")
    context.maximum_version = {
        "TLSv1.2": ssl.TLSVersion.TLSv1_2,
        "TLSv1.3": ssl.TLSVersion.TLSv1_3,
    }[version]
    context.set_psk_server_callback(lookup)
    left, right = trio.testing.memory_stream_pair()
    client = TlsStream(left, client_context(TlsSettings(), IDENTITY, KEY))
    server = trio.SSLStream(right, context, server_side=True)

    async def serve() -> None:
        data = b""
        while part := await server.receive_some():
            data += part
            await server.send_all(part.upper())
        assert data == b"hello, session tickets"
        await server.aclose()

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            await client.handshake()
            await client.send_all(b"hello, session tickets")
            assert await receive_exactly(client, 22) == b"HELLO, SESSION TICKETS"
            await client.aclose()
