"""Outgoing connections: order of addresses, retries on a virtual clock, source address, keep-alive."""

import socket

import pytest
import trio
import trio.testing

from fdaemon.net.dial import DialFailed, NameNotFound, SourceRefused, dial, resolve
from fdaemon.net.listen import ListenAddress, open_listeners
from tests.net.resolver import FixedResolver


@pytest.fixture
async def listener() -> trio.SocketListener:
    return (await open_listeners([ListenAddress("127.0.0.1", 0)]))[0]


def free_port() -> int:
    """A port that nobody listens on, for as long as the machine is quiet."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_connects_with_source_and_keepalive(listener: trio.SocketListener) -> None:
    port = listener.socket.getsockname()[1]
    async with listener, await dial("127.0.0.1", port, source="127.0.0.2", keepalive=77) as stream:
        accepted = await listener.accept()
        assert accepted.socket.getpeername()[0] == "127.0.0.2"
        assert stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 77
        await accepted.aclose()


async def test_ipv6_first_without_duplicates() -> None:
    trio.socket.set_custom_hostname_resolver(
        FixedResolver("sd.example", ["192.0.2.1", "2001:db8::1", "192.0.2.1", "192.0.2.2", "2001:db8::2"])
    )
    assert [place[0] for _, place in await resolve("sd.example", 9103)] == [
        "2001:db8::1",
        "2001:db8::2",
        "192.0.2.1",
        "192.0.2.2",
    ]


async def test_numeric_addresses_need_no_resolver() -> None:
    trio.socket.set_custom_hostname_resolver(FixedResolver("sd.example", []))
    assert await resolve("127.0.0.1", 9103) == [(socket.AF_INET, ("127.0.0.1", 9103))]
    assert await resolve("::1", 9103) == [(socket.AF_INET6, ("::1", 9103, 0, 0))]


async def test_next_address_within_one_attempt(listener: trio.SocketListener) -> None:
    port = listener.socket.getsockname()[1]
    trio.socket.set_custom_hostname_resolver(FixedResolver("sd.example", ["127.0.0.9", "127.0.0.1"]))
    failures: list[tuple[int, str]] = []
    async with (
        listener,
        await dial("sd.example", port, on_failure=lambda *told: failures.append(told)) as stream,
    ):
        assert stream.socket.getpeername()[0] == "127.0.0.1"
    assert not failures


async def test_unknown_name_is_final() -> None:
    resolver = FixedResolver("sd.example", [])
    trio.socket.set_custom_hostname_resolver(resolver)
    with pytest.raises(NameNotFound, match="Name or service not known"):
        await dial("other.example", 9103)
    assert resolver.asked == 1


async def test_retries_until_the_limit(autojump_clock: trio.testing.MockClock) -> None:
    failures: list[tuple[int, str, float]] = []
    start = trio.current_time()

    def note(attempt: int, why: str) -> None:
        failures.append((attempt, why, trio.current_time() - start))

    with pytest.raises(DialFailed, match="Connection refused"):
        await dial("127.0.0.1", free_port(), limit=35, on_failure=note)
    assert [attempt for attempt, _, _ in failures] == [1, 2, 3, 4]
    assert {why for _, why, _ in failures} == {"Connection refused"}
    assert [round(when) for _, _, when in failures] == [0, 10, 20, 30]
    assert trio.current_time() - start == pytest.approx(35, abs=0.5)


async def test_a_peer_that_comes_late_is_reached(autojump_clock: trio.testing.MockClock) -> None:
    port = free_port()
    opened: list[trio.SocketListener] = []

    async def come_late() -> None:
        await trio.sleep(25)
        opened.extend(await open_listeners([ListenAddress("127.0.0.1", port)]))

    attempts: list[int] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_late)
        stream = await dial("127.0.0.1", port, on_failure=lambda attempt, _why: attempts.append(attempt))
    assert attempts == [1, 2, 3]
    await stream.aclose()
    await opened[0].aclose()


async def test_single_attempt(autojump_clock: trio.testing.MockClock) -> None:
    start = trio.current_time()
    failures: list[int] = []
    with pytest.raises(DialFailed):
        await dial(
            "127.0.0.1", free_port(), limit=0, on_failure=lambda attempt, _why: failures.append(attempt)
        )
    assert failures == [1]
    assert trio.current_time() == start


@pytest.mark.parametrize("source", ["192.0.2.77", "::1"])
async def test_source_that_cannot_be_bound_is_final(source: str, listener: trio.SocketListener) -> None:
    port = listener.socket.getsockname()[1]
    async with listener:
        with pytest.raises(SourceRefused):
            await dial("127.0.0.1", port, source=source)


async def test_cancelled_dial_leaves_no_socket(autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(12) as scope:
        await dial("127.0.0.1", free_port())
    assert scope.cancelled_caught
