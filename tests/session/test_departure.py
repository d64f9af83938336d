"""Connections that the daemon begins: parked at a Director, taken up, replaced, and patient with a bad one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio
import trio.testing

from fdaemon.config import DirectorResource
from fdaemon.errors import PeerGone
from fdaemon.net.packets import PacketStream
from fdaemon.protocol.cram import Acceptor
from fdaemon.protocol.hello import RETRY_DELAY
from fdaemon.protocol.messages import MessageType
from fdaemon.session.departure import FIRST_PAUSE, Pause, call_director
from fdaemon.wire.framing import Signal

from .talking import JOB, KEY, OK_JOB, House, house

CALLED = """
  Address = 127.0.0.1
  Connection From Client To Director = yes
"""


@dataclass(slots=True)
class Door:
    """Where the Director listens; `arrived` gives its ends of the connections that came."""

    port: int
    arrived: trio.MemoryReceiveChannel[PacketStream]

    async def next(self) -> PacketStream:
        """The next caller, who has said hello, proved itself and been greeted."""
        packets = await self.arrived.receive()
        assert await packets.receive() == b"Hello Client fd FdProtocolVersion=54 calling\n"
        exchange = Acceptor(KEY, b"R_DIRECTOR::bareos-dir", 0, 4711, 1_700_000_000)
        first = exchange.start()
        assert first is not None
        await packets.send(first)
        while not exchange.done:
            for reply in exchange.receive(await packets.receive()):
                await packets.send(reply)
        await packets.send(b"1000 OK: bareos-dir Version: 25.1.0 (03 August 2026)\n")
        return packets


UNREACHED = 'Failed to connect to Director "bareos-dir". Retry in 60s.\n'


async def complaint(where: House) -> str:
    """The next error that the daemon logs of itself."""
    heard = trio.Event()
    said: list[str] = []

    def log(kind: MessageType, text: str) -> None:
        if kind is MessageType.ERROR:
            said.append(text)
            heard.set()

    where.services.log = log
    await heard.wait()
    return said[0]


@asynccontextmanager
async def director_waiting() -> AsyncIterator[Door]:
    send, arrived = trio.open_memory_channel[PacketStream](10)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def handle(stream: trio.SocketStream) -> None:
        send.send_nowait(PacketStream(stream, "client"))
        await trio.sleep_forever()

    with arrived, send:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, handle, [listener])
            yield Door(listener.socket.getsockname()[1], arrived)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def calling(where: House, door: Door) -> AsyncIterator[DirectorResource]:
    director = replace(where.services.configuration.directors[0], port=door.port)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call_director, where.services, director, nursery)
        yield director
        nursery.cancel_scope.cancel()


async def test_a_parked_connection_is_taken_up_and_replaced_at_once(tmp_path: Path) -> None:
    where = house(tmp_path, director=CALLED)
    with trio.fail_after(10):
        async with director_waiting() as door, calling(where, door):
            first = await door.next()
            assert len(where.services.registry) == 0
            await first.send(JOB)
            answer = await first.receive()
            assert isinstance(answer, bytes)
            assert answer.startswith(OK_JOB)
            second = await door.next()
            assert [found.director for found in where.services.registry] == ["bareos-dir"]
            await second.send(b".status current\n")
            assert await second.receive() == b"2000 OK .status\n"
            third = await door.next()
            await first.send_signal(Signal.TERMINATE)
            with pytest.raises(PeerGone):
                await first.receive()
            assert await third.send(b".status current\n")


async def test_a_director_that_hangs_up_is_called_again_after_a_pause(tmp_path: Path) -> None:
    where = house(tmp_path, director=CALLED)
    with trio.fail_after(10):
        async with director_waiting() as door, calling(where, door):
            began = trio.current_time()
            await (await door.next()).aclose()
            await door.next()
            assert trio.current_time() - began >= FIRST_PAUSE


async def test_the_pause_doubles_up_to_a_minute(autojump_clock: trio.testing.MockClock) -> None:
    pause, waits = Pause(), []
    for _ in range(8):
        began = trio.current_time()
        await pause()
        waits.append(trio.current_time() - began)
    assert waits == [1, 2, 4, 8, 16, 32, RETRY_DELAY, RETRY_DELAY]
    pause.reset()
    assert pause.seconds == FIRST_PAUSE


async def test_a_director_that_is_not_there_is_told_and_tried_again(tmp_path: Path) -> None:
    where = house(tmp_path, director=CALLED)
    async with director_waiting() as door:
        gone = Door(door.port, door.arrived)
    with trio.fail_after(10):
        async with calling(where, gone):
            assert await complaint(where) == UNREACHED


async def test_a_fault_of_ours_ends_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """No thread for the name server, for example."""
    where = house(tmp_path, director=CALLED, faulty=True)
    times: list[float] = []

    async def reach(*_: object) -> PacketStream:
        times.append(trio.current_time())
        if len(times) == 3:
            await trio.sleep_forever()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("fdaemon.session.departure._reach", reach)
    with trio.move_on_after(200):
        async with calling(where, Door(1, trio.open_memory_channel[PacketStream](0)[1])):
            await trio.sleep_forever()
    assert [times[1] - times[0], times[2] - times[1]] == [RETRY_DELAY, RETRY_DELAY]
    assert [text.partition("\n")[0] for _, text in where.logged] == [
        "Internal error, please report it; the Director is called again."
    ] * 2


async def test_a_director_with_another_password_is_not_served(tmp_path: Path) -> None:
    where = house(tmp_path, director=CALLED)
    with trio.fail_after(10):
        async with director_waiting() as door, calling(where, door):
            packets = await door.arrived.receive()
            await packets.receive()
            exchange = Acceptor(b"x" * 32, b"R_DIRECTOR::bareos-dir", 0, 4711, 1_700_000_000)
            first = exchange.start()
            assert first is not None
            await packets.send(first)
            exchange.receive(await packets.receive())
            assert exchange.failure is not None
            await packets.aclose()
            assert await complaint(where) == UNREACHED
