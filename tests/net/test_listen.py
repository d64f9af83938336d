"""Listening sockets, the decision by the first bytes, and refusals."""

import os
import resource
import socket

import pytest
import trio
import trio.testing

from fdaemon.errors import PeerGone
from fdaemon.net.listen import (
    ClearHello,
    ListenAddress,
    ListenFailed,
    TlsClient,
    accept,
    accepted,
    classify,
    default_addresses,
    open_listeners,
    refuse,
)
from fdaemon.net.tls import TlsSettings, TlsStream, client_context, server_context
from tests.net.resolver import FixedResolver
from tests.net.tls_pairs import IDENTITY, KEY, lookup


async def test_newcomers_wait_for_a_descriptor() -> None:
    told: list[str] = []
    exhausted, served = trio.Event(), trio.Event()

    def tell(text: str) -> None:
        told.append(text)
        exhausted.set()

    async def handle(stream: trio.SocketStream) -> None:
        await stream.aclose()
        served.set()

    (listener,) = await open_listeners([ListenAddress("127.0.0.1", 0)])
    caller = socket.socket()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    with trio.fail_after(10), caller:
        async with trio.open_nursery() as nursery:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                nursery.start_soon(accept, listener, handle, nursery, tell)
                caller.connect(listener.socket.getsockname())
                await exhausted.wait()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            await served.wait()
            nursery.cancel_scope.cancel()
    assert told == ["Cannot accept a connection: ERR=Too many open files. Retrying..."]


HELLO = b"\x00\x00\x00\x22Hello Director bareos-dir calling\n"
CLIENT_HELLO = bytes.fromhex("160301020001000100f1")


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (HELLO, ClearHello),
        (b"\xff\xff\xff\xffHello ", ClearHello),
        (CLIENT_HELLO, TlsClient),
        (b"GET / HTTP/1.0", TlsClient),
    ],
)
async def test_decision_whole_and_byte_by_byte(wire: bytes, kind: type) -> None:
    for step in (len(wire), 1):
        left, right = trio.testing.memory_stream_pair()

        async def feed(end: trio.abc.SendStream = left, step: int = step) -> None:
            for start in range(0, len(wire), step):
                await end.send_all(wire[start : start + step])
                await trio.testing.wait_all_tasks_blocked()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed)
            found = await classify(right)
        assert isinstance(found, kind)
        received = b""
        while len(received) < len(wire):
            received += await found.stream.receive_some(3)
        assert received == wire


async def test_replayed_bytes_then_the_rest() -> None:
    left, right = trio.testing.memory_stream_pair()
    await left.send_all(HELLO)
    found = await classify(right)
    await left.send_all(b"more")
    assert await found.stream.receive_some() == HELLO
    assert await found.stream.receive_some() == b"more"
    await found.stream.send_all(b"back")
    assert await left.receive_some() == b"back"


async def test_too_few_bytes_before_the_end() -> None:
    left, right = trio.testing.memory_stream_pair()
    await left.send_all(b"12345")
    await left.send_eof()
    with pytest.raises(PeerGone, match="only 5 bytes"):
        await classify(right)
    await refuse(right)
    assert await left.receive_some() == b"\xff\xff\xff\xfc"
    assert await left.receive_some() == b""


async def test_too_few_bytes_in_time(autojump_clock: trio.testing.MockClock) -> None:
    left, right = trio.testing.memory_stream_pair()
    await left.send_all(b"\x00\x00\x00\x22")
    with pytest.raises(PeerGone, match="only 4 bytes"):
        await classify(right)
    assert trio.current_time() >= 60


async def test_refusing_a_peer_that_is_gone_is_no_error() -> None:
    left, right = trio.testing.memory_stream_pair()
    await left.aclose()
    await refuse(right)


async def test_refusing_a_peer_that_does_not_read(autojump_clock: trio.testing.MockClock) -> None:
    _left, right = trio.testing.lockstep_stream_pair()
    await refuse(right)
    assert trio.current_time() < 5


async def test_failed_handshake_ends_in_a_clear_refusal() -> None:
    left, right = trio.testing.memory_stream_pair()
    await left.send_all(b"GET / HTTP/1.0\r\n\r\n")
    found = await classify(right)
    assert isinstance(found, TlsClient)
    tls = TlsStream(found.stream, server_context(TlsSettings(), lookup))
    with pytest.raises(Exception, match="http request"):
        await tls.handshake()
    await refuse(found.stream)
    assert await left.receive_some() == b"\xff\xff\xff\xfc"


async def test_tls_over_real_sockets_after_the_decision() -> None:
    listeners = await open_listeners([ListenAddress("127.0.0.1", 0)])
    port = listeners[0].socket.getsockname()[1]

    async def serve(stream: trio.SocketStream) -> None:
        accepted(stream)
        assert stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        found = await classify(stream)
        assert isinstance(found, TlsClient)
        tls = TlsStream(found.stream, server_context(TlsSettings(), lookup))
        await tls.handshake()
        await tls.send_all(await tls.receive_some())
        await tls.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        client = TlsStream(
            await trio.open_tcp_stream("127.0.0.1", port), client_context(TlsSettings(), IDENTITY, KEY)
        )
        await client.handshake()
        await client.send_all(b"echo")
        assert await client.receive_some() == b"echo"
        await client.aclose()
        nursery.cancel_scope.cancel()


async def test_listening_socket_options_and_duplicates() -> None:
    listeners = await open_listeners([ListenAddress("127.0.0.1", 0), ListenAddress("127.0.0.1", 0)])
    assert len(listeners) == 1
    found = listeners[0].socket
    assert found.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    await listeners[0].aclose()


async def test_default_addresses_share_a_port_where_there_is_ipv6() -> None:
    listeners = await open_listeners(default_addresses(0))
    families = [listener.socket.family for listener in listeners]
    assert families in ([socket.AF_INET], [socket.AF_INET, socket.AF_INET6])
    for listener in listeners:
        if listener.socket.family == socket.AF_INET6:
            assert listener.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        await listener.aclose()


async def test_address_in_use(autojump_clock: trio.testing.MockClock) -> None:
    first = await open_listeners([ListenAddress("127.0.0.1", 0)])
    port = first[0].socket.getsockname()[1]
    failures: list[tuple[str, int, str]] = []
    with pytest.raises(ListenFailed, match="Address already in use"):
        await open_listeners(
            [ListenAddress("127.0.0.1", 0), ListenAddress("127.0.0.1", port)],
            on_failure=lambda *told: failures.append(told),
        )
    assert failures == [("127.0.0.1", port, "Address already in use")] * 3
    assert trio.current_time() >= 10
    await first[0].aclose()


async def test_name_that_does_not_resolve() -> None:
    trio.socket.set_custom_hostname_resolver(FixedResolver("sd.example", []))
    with pytest.raises(ListenFailed, match=r"cannot resolve nowhere\.example"):
        await open_listeners([ListenAddress("nowhere.example", 1)])
