"""Job messages of a restore's worker thread: a list of files travels together, and everything keeps its order."""

from dataclasses import dataclass, field

import trio

from fdaemon.jobs.reporter import LISTED_TOGETHER, Reporter, Standing
from fdaemon.protocol.messages import MessageType

RESTORED, ERROR = MessageType.RESTORED, MessageType.ERROR


@dataclass
class Director:
    """What it was sent, by calls, and what went to a destination of the daemon's own."""

    sent: list[tuple[bytes, ...]] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)

    async def send(self, *packets: bytes) -> None:
        """As `PacketStream.send`."""
        self.sent.append(packets)

    async def keep(self, _kind: MessageType, _when: int, text: bytes) -> None:
        """As `Outlets.take`."""
        self.kept.append(text)

    def reporter(self, wanted: frozenset[MessageType]) -> Reporter:
        """One that sends here."""
        local = frozenset({RESTORED})
        made = Reporter(Standing(), self.send, name=b"fd", wanted=wanted, local=local, also=self.keep)
        made.job_id, made.job_name = 7, b"job"
        return made

    @property
    def said(self) -> list[bytes]:
        """The texts in the order in which they came."""
        return [packet.partition(b"fd JobId 7: ")[2] for packets in self.sent for packet in packets]


async def test_a_list_comes_before_what_is_said_after_it() -> None:
    director = Director()
    reporter = director.reporter(frozenset({RESTORED, ERROR}))

    def work() -> None:
        reporter.report(RESTORED, b"one\n")
        reporter.report(RESTORED, b"two\n")
        reporter.report(ERROR, b"broken\n")
        reporter.report(RESTORED, b"three\n")

    await trio.to_thread.run_sync(work)
    assert director.said == [b"one\n", b"two\n", b"Error: broken\n"]
    assert [len(packets) for packets in director.sent] == [2, 1]
    await reporter.list_all()
    await reporter.list_all()
    assert director.said[3:] == [b"three\n"]
    assert len(director.sent) == 3
    assert director.kept == [b"fd JobId 7: " + text for text in (b"one\n", b"two\n", b"three\n")]


async def test_a_long_list_is_sent_in_parts() -> None:
    director = Director()
    reporter = director.reporter(frozenset({RESTORED}))

    def work() -> None:
        for number in range(LISTED_TOGETHER + 1):
            reporter.report(RESTORED, b"%d\n" % number)

    await trio.to_thread.run_sync(work)
    assert director.said == [b"%d\n" % number for number in range(LISTED_TOGETHER)]
    await reporter.list_all()
    assert director.said[-1] == b"%d\n" % LISTED_TOGETHER


async def test_a_list_that_only_the_daemon_keeps() -> None:
    director = Director()
    reporter = director.reporter(frozenset())
    await trio.to_thread.run_sync(reporter.report, RESTORED, b"one\n")
    await reporter.list_all()
    assert director.sent == []
    assert director.kept == [b"fd JobId 7: one\n"]
