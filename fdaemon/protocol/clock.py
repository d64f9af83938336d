"""The ten clock polls behind `level = since_utime`, as arithmetic. Reads no clock: every time is an argument.

Source: protocol/02 section 1.3 (Clock sync), core/src/filed/dir_cmd.cc: LevelCmd.
"""

import re

from fdaemon.errors import LocalProtocolError
from fdaemon.protocol.commands import CommandError, SinceLevel
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.scan import Scanner
from fdaemon.wire.text import c_string

ROUNDS = 10
DISCARDED = 2
"""Rounds thrown away before the averaging starts."""
TOLERATED = 3
"""Seconds of difference that are not worth a message."""
ALARMING = 600
"""Seconds of difference above which the message is a warning."""

_BTIME = Scanner("btime %s")
_DIGITS = re.compile(rb"\d{0,20}")


def _quotient(numerator: int, denominator: int) -> int:
    """Integer division that truncates toward zero, as C++ does."""
    quotient = abs(numerator) // denominator
    return -quotient if numerator < 0 else quotient


class ClockSync:
    """One clock exchange. Each round: `poll(now)`, send the BTIME signal, `feed(now, packet)`; times in µs."""

    __slots__ = ("_level", "_round", "_start", "_sum")

    def __init__(self, level: SinceLevel) -> None:
        self._level = level
        self._round = 0
        self._sum = 0
        self._start: int | None = None

    @property
    def done(self) -> bool:
        """All rounds have been played; the driver sends the message if any, EOD, and `2000 OK level`."""
        return self._round == ROUNDS

    def poll(self, now_usec: int) -> None:
        """A BTIME signal is about to be sent."""
        if self.done or self._start is not None:
            raise LocalProtocolError("clock poll out of turn")
        self._start = now_usec

    def feed(self, now_usec: int, packet: bytes | int) -> bool:
        """Take the answer of the Director; True when this was the last round.

        Raises CommandError for a signal, an empty packet or anything that is not `btime <µs>`.
        """
        if self._start is None:
            raise LocalProtocolError("clock answer without a poll")
        values = _BTIME.scan(packet) if isinstance(packet, bytes) and packet else None
        if values is None or not isinstance(values[0], bytes):
            line = c_string(packet) if isinstance(packet, bytes) and packet else self._level.line
            raise CommandError(fatal=b"Bad level command: %b\n" % line)
        digits = _DIGITS.match(values[0])
        theirs = int(digits.group() or b"0") if digits is not None else 0
        if self._round >= DISCARDED:
            round_trip = now_usec - self._start
            self._sum += self._start - theirs - _quotient(round_trip, 2)
        self._start = None
        self._round += 1
        return self.done

    @property
    def adjustment(self) -> int:
        """Seconds by which this machine's clock is ahead of the Director's."""
        return _quotient(_quotient(self._sum, ROUNDS - DISCARDED), 1_000_000)

    @property
    def since(self) -> int:
        """The since time in seconds of this machine's clock."""
        return self._level.since + self.adjustment

    @property
    def message(self) -> tuple[MessageType, bytes] | None:
        """The job message about a difference above three seconds, sent before the EOD."""
        difference = abs(self.adjustment)
        if difference <= TOLERATED:
            return None
        kind = MessageType.WARNING if difference > ALARMING else MessageType.INFO
        text = b"DIR and FD clocks differ by %d seconds, FD automatically compensating.\n"
        return kind, text % self.adjustment
