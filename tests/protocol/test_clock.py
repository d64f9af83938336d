"""The clock exchange: the arithmetic of the C++ daemon, its messages, and the recorded incremental backups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import LocalProtocolError
from fdaemon.protocol.clock import ROUNDS, ClockSync
from fdaemon.protocol.commands import CommandError, SinceLevel
from fdaemon.protocol.dispatch import parse_command
from fdaemon.protocol.messages import MessageType
from tests.support.sessions import Packet, Signalled, recorded

LINE = b"level = since_utime 1700000000 mtime_only=0 prev_job=\n"
LEVEL = SinceLevel(1700000000, 0, b"", LINE)
START = 1_795_403_453_000_000


def run(ahead_usec: int, round_trip: int = 400) -> ClockSync:
    """Ten rounds with a Director whose clock is `ahead_usec` behind ours."""
    sync = ClockSync(LEVEL)
    now = START
    for number in range(ROUNDS):
        assert not sync.done
        sync.poll(now)
        theirs = now + round_trip // 2 - ahead_usec
        now += round_trip
        assert sync.feed(now, b"btime %d\n" % theirs) == (number == ROUNDS - 1)
    return sync


def test_equal_clocks() -> None:
    sync = run(0)
    assert sync.done
    assert (sync.adjustment, sync.since, sync.message) == (0, 1700000000, None)


def test_the_odd_sign_of_the_round_trip_is_kept() -> None:
    """A Director 1000 s behind was reported as 999 (protocol/02 section 1.3)."""
    sync = run(1_000_000_000)
    assert sync.adjustment == 999
    assert sync.since == 1700000999
    assert sync.message == (
        MessageType.WARNING,
        b"DIR and FD clocks differ by 999 seconds, FD automatically compensating.\n",
    )


@pytest.mark.parametrize(
    ("ahead", "kind"),
    [
        (3_900_000, None),
        (4_100_000, MessageType.INFO),
        (-4_100_000, MessageType.INFO),
        (-3_900_000, None),
        (600_900_000, MessageType.INFO),
        (601_100_000, MessageType.WARNING),
        (-601_100_000, MessageType.WARNING),
    ],
)
def test_messages(ahead: int, kind: MessageType | None) -> None:
    message = run(ahead).message
    assert (message[0] if message else None) == kind


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**6))
def test_the_adjustment_is_the_difference_less_a_round_trip(ahead: int, round_trip: int) -> None:
    exact = ahead - 2 * (round_trip // 2)
    expected = abs(exact) // 1_000_000 * (1 if exact >= 0 else -1)
    assert run(ahead, round_trip).adjustment == expected


@pytest.mark.parametrize("packet", [-1, -4, b"", b"2000 OK\n", b"btim 1"])
def test_anything_but_a_time_fails(packet: bytes | int) -> None:
    sync = ClockSync(LEVEL)
    sync.poll(START)
    with pytest.raises(CommandError) as caught:
        sync.feed(START, packet)
    quoted = packet if isinstance(packet, bytes) and packet else LINE
    assert caught.value.fatal == b"Bad level command: %b\n" % quoted
    assert caught.value.reply is None


def test_out_of_turn() -> None:
    sync = ClockSync(LEVEL)
    with pytest.raises(LocalProtocolError):
        sync.feed(START, b"btime 1\n")
    sync.poll(START)
    with pytest.raises(LocalProtocolError):
        sync.poll(START)
    with pytest.raises(LocalProtocolError):
        run(0).poll(START)


def test_the_recorded_exchange() -> None:
    """Ten BTIME signals, ten answers, then EOD and the reply: no difference was reported on one machine."""
    session = recorded("incremental-accurate")
    (connection,) = (number for number, link in session.connections.items() if link == "dir-fd")
    events = session.traffic(connection)
    first = next(i for i, e in enumerate(events) if isinstance(e, Signalled) and e.number == -9)
    since = events[first - 1]
    assert isinstance(since, Packet)
    level = parse_command(since.payload or b"")
    assert isinstance(level, SinceLevel)
    sync = ClockSync(level)
    for poll, reply in zip(events[first::2], events[first + 1 :: 2], strict=False):
        if sync.done:
            break
        assert isinstance(poll, Signalled)
        assert (poll.sender, poll.number) == ("fd", -9)
        assert isinstance(reply, Packet)
        assert reply.payload is not None
        usec = int(reply.payload.split()[1])
        sync.poll(usec)
        sync.feed(usec + 300, reply.payload)
    assert sync.done
    assert (sync.since, sync.message) == (level.since, None)
    end, ok = events[first + 20], events[first + 21]
    assert isinstance(end, Signalled)
    assert end.number == -1
    assert isinstance(ok, Packet)
    assert ok.payload == b"2000 OK level\n"
