"""The verify exchange between two real ends: packets in order, end of data however it stops, nothing cut in two."""

import threading
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing

from fdaemon.channels.verify import END_LIMIT, VerifyBatch, VerifyExchange
from fdaemon.errors import JobCanceled, JobFailed
from fdaemon.net.packets import PacketStream
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.framing import Signal, frame
from statecharts.tracker import Tracker, Transition
from statecharts.verify import VERIFY, VerifyState

EOD, HEARTBEAT = int(Signal.EOD), int(Signal.HEARTBEAT)


class Source:
    """Hands out batches; at an Event among them it waits until that is set or it is stopped."""

    def __init__(self, *steps: VerifyBatch | threading.Event | JobFailed) -> None:
        self.steps = steps
        self.stopped = threading.Event()
        self.closed = False

    def batches(self) -> Generator[VerifyBatch]:
        try:
            for step in self.steps:
                match step:
                    case VerifyBatch():
                        yield step
                    case JobFailed():
                        raise step
                    case _:
                        while not step.wait(0.01):
                            if self.stopped.is_set():
                                raise JobCanceled("stopped")
        finally:
            self.closed = True

    def stop(self) -> None:
        self.stopped.set()


@dataclass(slots=True)
class Ends:
    """The exchange, and both ends of its connection."""

    exchange: VerifyExchange
    packets: PacketStream
    director: PacketStream
    counters: Counters
    messages: list[tuple[MessageType, bytes, int]] = field(default_factory=list)
    path: list[str] = field(default_factory=list)

    async def hear(self) -> list[bytes | int]:
        """All up to the end of data."""
        said: list[bytes | int] = []
        while not said or said[-1] != EOD:
            said.append(await self.director.receive())
        return said

    @property
    def state(self) -> VerifyState:
        return self.exchange.tracker.state


def ends(pair: tuple[trio.abc.Stream, trio.abc.Stream] | None = None, interval: float = 0) -> Ends:
    ours, theirs = pair or trio.testing.memory_stream_pair()
    packets = PacketStream(ours, "Director")
    counters = Counters()
    messages: list[tuple[MessageType, bytes, int]] = []
    path: list[str] = []

    async def deliver(kind: MessageType, text: bytes, extra: int) -> None:
        messages.append((kind, text, extra))
        await packets.send(b"Jmsg " + text)

    def observe(step: Transition) -> None:
        path.append(step.target.name)

    exchange = VerifyExchange(
        packets, Tracker(VERIFY, b"job", [observe]), deliver=deliver, counters=counters, interval=interval
    )
    return Ends(exchange, packets, PacketStream(theirs, "daemon"), counters, messages, path)


def batch(first: int, last: int, *, digested: int = 0, text: bytes = b"") -> VerifyBatch:
    wire = b"".join(frame(b"%d packet" % number) for number in range(first, last + 1))
    message = ((MessageType.ERROR, text, 1),) if text else ()
    files = last - first + 1
    return VerifyBatch(wire, last, b"/f%d" % last, digested, files - digested, messages=message)


async def test_batches_and_messages_in_order() -> None:
    both = ends()
    skipped = VerifyBatch(b"", skipped=3, messages=((MessageType.SKIPPED, b"skipped\n", 0),))
    source = Source(batch(1, 2, digested=1, text=b"cannot open\n"), skipped, batch(3, 400, digested=398))
    assert await both.exchange.run_disk(source)
    heard = await both.hear()
    assert heard == [
        b"1 packet",
        b"2 packet",
        b"Jmsg cannot open\n",
        b"Jmsg skipped\n",
        *[b"%d packet" % number for number in range(3, 401)],
        EOD,
    ]
    assert both.messages == [(MessageType.ERROR, b"cannot open\n", 1), (MessageType.SKIPPED, b"skipped\n", 0)]
    assert (both.counters.files, both.counters.current) == (400, b"/f400")
    assert both.state is VerifyState.ENDED
    assert source.closed
    one, other = ["ATTRIBUTE", "DIGEST", "WALK"], ["WALK"]
    assert both.path == ["WALK", *one, *one, *other, *one, "DONE", "ENDED"]  # a round is told once


async def test_a_failed_walk_is_told_after_what_it_found() -> None:
    both = ends()
    assert not await both.exchange.run_disk(Source(batch(1, 1), JobFailed(b"no plugin\n")))
    assert await both.hear() == [b"1 packet", b"Jmsg no plugin\n", EOD]
    assert both.messages == [(MessageType.FATAL, b"no plugin\n", 0)]


async def test_a_cancel_ends_the_threads_and_sends_end_of_data() -> None:
    both = ends()
    source = Source(batch(1, 1), threading.Event())
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(both.exchange.run_disk, source)
            assert await both.director.receive() == b"1 packet"
            scope.cancel()
    assert scope.cancelled_caught
    assert await both.hear() == [EOD]
    assert source.closed
    assert both.path[-2:] == ["DONE", "ENDED"]


async def test_a_cancel_does_not_cut_the_packet_that_is_being_sent() -> None:
    """The same connection must still carry the report."""
    both = ends(trio.testing.lockstep_stream_pair())
    heard: list[bytes | int] = []
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(both.exchange.run_disk, Source(batch(1, 50), threading.Event()))
            await trio.testing.wait_all_tasks_blocked(
                0.05
            )  # the thread has handed its batch over, nobody reads
            scope.cancel()
            with trio.CancelScope(shield=True):
                heard = await both.hear()
    assert heard == [*[b"%d packet" % number for number in range(1, 51)], EOD]


async def test_a_director_that_reads_no_more_holds_a_cancel_up_for_a_while_only(
    autojump_clock: trio.testing.MockClock,
) -> None:
    both = ends(trio.testing.lockstep_stream_pair())
    source = Source(batch(1, 50), threading.Event())
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(both.exchange.run_disk, source)
            await trio.sleep(5)
            scope.cancel()
    assert trio.current_time() <= 5 + 2 * END_LIMIT + 0.1
    assert both.state is VerifyState.ENDED
    assert source.closed


@pytest.mark.parametrize("goodbye", [False, True])
async def test_a_lost_director_ends_it_at_once(goodbye: bool) -> None:
    both = ends()
    source = Source(batch(1, 1), threading.Event())
    well: list[bool] = []

    async def run() -> None:
        well.append(await both.exchange.run_disk(source))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        assert await both.director.receive() == b"1 packet"
        if goodbye:
            await both.director.send_signal(Signal.TERMINATE)
        else:
            await both.director.stream.aclose()
    assert well == [False]
    assert source.closed
    assert both.state is VerifyState.ENDED
    [(kind, text, _)] = both.messages
    assert kind is MessageType.FATAL
    assert text.startswith(b"Network error in send to Director: ERR=")


async def test_what_is_found_after_the_director_is_lost_goes_nowhere() -> None:
    both = ends()
    source = Source(batch(1, 1))
    source.steps = (batch(1, 1), source.stopped, batch(2, 2))
    well: list[bool] = []

    async def run() -> None:
        well.append(await both.exchange.run_disk(source))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        assert await both.director.receive() == b"1 packet"
        await both.director.stream.aclose()
    assert well == [False]
    assert both.messages[0][1].startswith(b"Network error in send to Director: ERR=")


async def test_a_director_lost_while_it_is_sent_to() -> None:
    ours, theirs = trio.testing.memory_stream_pair()

    async def refuse() -> None:
        raise trio.BrokenResourceError

    ours.send_stream.send_all_hook = refuse
    both = ends((ours, theirs))
    assert not await both.exchange.run_disk(Source(batch(1, 1), threading.Event()))
    assert both.messages[0][1].startswith(b"Network error in send to Director: ERR=")


async def test_what_the_director_says_meanwhile_is_dropped() -> None:
    both = ends()
    gate = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(both.exchange.run_disk, Source(batch(1, 1), gate, batch(2, 2)))
        assert await both.director.receive() == b"1 packet"
        await both.director.send(b"anything\n")
        await both.director.send_signal(HEARTBEAT)
        gate.set()
        assert await both.hear() == [b"2 packet", EOD]
    assert both.messages == []


async def test_heartbeats_while_nothing_is_found(autojump_clock: trio.testing.MockClock) -> None:
    """The virtual clock also jumps while the thread is busy, so heartbeats may come before any packet."""
    both = ends(interval=30)
    both.packets.read_patience = 60  # the Director's silence is no sign that it is lost
    gate = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(both.exchange.run_disk, Source(gate, batch(1, 2)))
        for count in range(1, 6):
            assert await both.director.receive() == HEARTBEAT
            assert trio.current_time() == pytest.approx(30 * count)
        gate.set()
        rest = await both.hear()
    assert [said for said in rest if said != HEARTBEAT] == [b"1 packet", b"2 packet", EOD]
    assert both.messages == []
    assert both.packets.read_patience == 60


async def test_a_bug_of_ours_is_not_hidden_and_still_ends_the_data() -> None:
    both = ends()

    class Broken(Source):
        def batches(self) -> Generator[VerifyBatch]:
            yield batch(1, 1)
            raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError):
        await both.exchange.run_disk(Broken())
    assert (await both.hear())[-1] == EOD
