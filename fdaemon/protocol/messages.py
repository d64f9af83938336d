"""Job messages as the Director gets them: numbers, prefixes, wire form, and what each does to a job."""

from dataclasses import dataclass
from enum import IntEnum

from fdaemon.errors import RemoteProtocolError
from fdaemon.outcome import Status
from fdaemon.wire.scan import Scanner


class MessageType(IntEnum):
    """Message type numbers (core/src/lib/message_severity.h). ABORT and ERROR_TERM are never sent."""

    ABORT = 1
    DEBUG = 2
    FATAL = 3
    ERROR = 4
    WARNING = 5
    INFO = 6
    SAVED = 7
    NOTSAVED = 8
    SKIPPED = 9
    MOUNT = 10
    ERROR_TERM = 11
    TERM = 12
    RESTORED = 13
    SECURITY = 14
    ALERT = 15
    VOLMGMT = 16
    AUDIT = 17

    @property
    def keyword(self) -> str:
        """Its word in a Messages resource, in lower case; empty for ERROR_TERM, which has none."""
        return _KEYWORDS.get(self, self.name.lower())

    @property
    def prefix(self) -> bytes:
        """What stands between `NAME JobId N: ` and the text (protocol/01 section 9.1)."""
        return _PREFIXES.get(self, b"")

    @property
    def effect(self) -> "Effect":
        """What issuing a message of this type does to the job."""
        return _EFFECTS.get(self, _NO_EFFECT)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a message changes: status announced, errors counted or raised to at least, warnings counted."""

    status: Status | None = None
    errors: int = 0
    errors_at_least: int = 0
    warnings: int = 0

    def errors_after(self, errors: int) -> int:
        """The error counter after the message."""
        return max(errors + self.errors, self.errors_at_least)


_NO_EFFECT = Effect()
_EFFECTS = {
    MessageType.FATAL: Effect(status=Status.FATAL, errors_at_least=1),
    MessageType.ERROR: Effect(errors=1),
    MessageType.WARNING: Effect(warnings=1),
}
_PREFIXES = {
    MessageType.FATAL: b"Fatal error: ",
    MessageType.ERROR: b"Error: ",
    MessageType.WARNING: b"Warning: ",
    MessageType.SECURITY: b"Security violation: ",
}
_KEYWORDS = {MessageType.TERM: "terminate", MessageType.ERROR_TERM: ""}

_SENDABLE = frozenset(MessageType) - {MessageType.ABORT, MessageType.ERROR_TERM}
_HEADER = Scanner("Jmsg Job=%127s type=%d level=%lld")


@dataclass(frozen=True, slots=True)
class JobMessage:
    """One message. `when` is Unix seconds (the wire calls it `level`), `text` has prefix and newline."""

    job: bytes
    type: int
    when: int
    text: bytes


def format_text(name: bytes, job_id: int, type: MessageType, text: bytes) -> bytes:
    """The text of a message with the daemon's name, the JobId and the prefix of its type before it."""
    return b"%b JobId %d: %b%b" % (name, job_id, type.prefix, text)


def encode_job_message(job: bytes, type: MessageType, when: int, text: bytes) -> bytes:
    """The packet of a job message; `text` is what `format_text` made.

    Director: core/src/dird/getmsg.cc: BgetDirmsg. NULs would end the text there, so the text is cut at the
    first.
    """
    if type not in _SENDABLE:
        type = MessageType.ERROR
    return b"Jmsg Job=%b type=%d level=%d %b" % (job, type, when, text.partition(b"\0")[0])


def decode_job_message(packet: bytes) -> JobMessage:
    """A job message as the Director reads it: the text starts one space after the third word."""
    values = _HEADER.scan(packet)
    words = packet.split(b" ", 4)
    if values is None or len(words) != 5:
        raise RemoteProtocolError(f"not a job message: {packet[:80]!r}")
    job, type, when = values
    assert isinstance(job, bytes)
    return JobMessage(job, int(type), int(when), words[4])
