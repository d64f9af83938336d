"""The text packets before stream data: "1 2 0" towards the Storage daemon, "rechdr …" from it. Pure."""

from dataclasses import dataclass

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.scan import Scanner
from fdaemon.wire.text import decimal

_RECORD = Scanner("rechdr %u %u %d %d %u")


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """What announces one stream of one file in a backup."""

    file_index: int
    stream: int


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """What announces one record in a restore; `size` is the length of the packet that follows, in bytes."""

    session_id: int
    session_time: int
    file_index: int
    stream: int
    size: int


def stream_header(file_index: int, stream: int) -> bytes:
    """`<index> <stream> 0`, no newline (protocol/04 section 1.1)."""
    return b"%d %d 0" % (file_index, stream)


def parse_stream_header(payload: bytes) -> StreamHeader:
    """Strict reader of `stream_header`; the third field must be `0`."""
    fields = payload.split(b" ")
    if len(fields) != 3 or fields[2] != b"0":
        raise RemoteProtocolError(f"malformed stream header {payload[:40]!r}")
    return StreamHeader(decimal(fields[0], "file index"), decimal(fields[1], "stream"))


def record_header(session_id: int, session_time: int, file_index: int, stream: int, size: int) -> bytes:
    """`rechdr <session id> <session time> <index> <stream> <size>`, no newline (protocol/04 section 1.3)."""
    return b"rechdr %d %d %d %d %d" % (session_id, session_time, file_index, stream, size)


def parse_record_header(payload: bytes) -> RecordHeader:
    """The header in `payload`, read with the daemons' scanner: a missing number counts as 0.

    Raises RemoteProtocolError with the fatal text of the C++ daemon when it does not scan.
    """
    values = _RECORD.scan(payload)
    if values is None:
        raise RemoteProtocolError(
            f"not a record header: {payload[:60]!r}",
            fatal=b"Record header scan error: " + payload[:200] + b"\n",
        )
    session_id, session_time, file_index, stream, size = (int(value) for value in values)
    return RecordHeader(session_id, session_time, file_index, stream, size)
