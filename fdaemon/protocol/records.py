"""The Storage daemon's side of a restore as records: wire bytes in, (index, stream, data) out. Does no I/O.

Source: protocol/04 section 1.3 and protocol/02 section 5.4; core/src/stored/read.cc,
core/src/lib/bget_msg.cc.
"""

import re
from collections.abc import Buffer
from struct import Struct

from fdaemon.errors import PeerGone, RemoteProtocolError
from fdaemon.wire.framing import EOD, MAX_PACKET, Signal, frame
from fdaemon.wire.streams import FILE_DATA, STREAM_MASK

type Record = tuple[int, int, bytes | memoryview]
"""File index, stream number without its flag bits, data (a view for large blocks of file content)."""

VIEW_FROM = 32 * 1024
"""File content from this size on is handed out without being copied."""
_CONTENT = frozenset(int(stream) for stream in FILE_DATA)

OK_REPLY = frame(b"2000 OK\n")
STATUS_REPLY = frame(b"Status OK\n") + EOD

_LENGTH = Struct(">i")
_HEADER = re.compile(rb"rechdr \d{1,10} \d{1,10} (-?\d{1,10}) (-?\d{1,10}) (\d{1,10})")
_SIGNAL_NAMES = {int(number): number.name for number in Signal}


class RecordReader:
    """Cuts the Storage daemon's bytes into records.

    `feed` hands out the whole records that its bytes complete. What then went wrong, or that the data ended,
    is in `error` and `ended`, so that the records before it are not lost. `replies` collects what has to be
    sent back; `rest` holds the bytes after the end of the data, which belong to the next dialogue; `packets`
    counts the packets of whole records, and the signals; `place` is VolSessionId, VolSessionTime and FileIndex of the
    last header that the last bytes held.
    """

    def __init__(self) -> None:
        self.ended = False
        self.error: RemoteProtocolError | None = None
        self.replies = bytearray()
        self.rest = b""
        self.packets = 0
        self.place: tuple[int, int, int] | None = None
        self._pieces: list[bytes | memoryview] = []
        self._held = 0
        self._wanted = _LENGTH.size
        self._header: tuple[int, int, int] | None = None

    def feed(self, data: Buffer) -> list[Record]:
        """The records completed by `data`, in order; nothing after an end or an error."""
        if self.ended or self.error is not None:
            self.rest += bytes(data)
            return []
        piece = data if isinstance(data, bytes) else bytes(data)
        self._held += len(piece)
        if self._pieces or self._held < self._wanted:
            self._pieces.append(piece)
            if self._held < self._wanted:
                return []
            piece = b"".join(self._pieces)
            self._pieces.clear()
        records: list[Record] = []
        try:
            at = self._cut(piece, records)
        except RemoteProtocolError as error:
            self.error = error
            return records
        if self.ended:
            self.rest = piece[at:]
        elif at < len(piece):
            self._pieces.append(memoryview(piece)[at:])
        self._held = len(piece) - at
        return records

    def receive_eof(self) -> None:
        """The connection ended: an error unless the data had ended before (C++ takes both for the same)."""
        if not self.ended and self.error is None:
            self.error = PeerGone(
                "the Storage daemon closed the connection before the end of the data",
                fatal=b"Data record error. ERR=Connection closed before the end of the data\n",
            )

    def _cut(self, data: bytes, records: list[Record]) -> int:
        """Take packets from `data` while they are whole; returns where the unfinished one starts."""
        at, end = 0, len(data)
        header = self._header
        unpack, match_header = _LENGTH.unpack_from, _HEADER.fullmatch
        match: re.Match[bytes] | None = None
        try:
            while True:
                if end - at < 4:
                    self._wanted = 4
                    return at
                (length,) = unpack(data, at)
                if length < 0:
                    at += 4
                    self._take_signal(length, header is not None)
                    if self.ended:
                        return at
                    continue
                if length > MAX_PACKET:
                    raise _oversized(length)
                stop = at + 4 + length
                if stop > end:
                    self._wanted = 4 + length
                    return at
                if header is None:
                    match = match_header(data, at + 4, stop)
                    if match is None:
                        raise _bad_header(data[at + 4 : stop])
                    index, stream, size = match.groups()
                    header = (int(index), int(stream) & STREAM_MASK, int(size))
                else:
                    self.packets += 2
                    index, stream, size = header
                    if size != length:
                        raise _bad_size(length, size)
                    if length >= VIEW_FROM and stream in _CONTENT:
                        records.append((index, stream, memoryview(data)[at + 4 : stop]))
                    else:
                        records.append((index, stream, data[at + 4 : stop]))
                    header = None
                at = stop
        finally:
            self._header = header
            if match is not None:  # once for all of them: a record has no time for it
                _, session_id, session_time, at_index, *_ = match.group().split(b" ")
                self.place = int(session_id), int(session_time), int(at_index)

    def _take_signal(self, number: int, inside: bool) -> None:
        self.packets += 1
        if number == Signal.HEARTBEAT or number == Signal.HB_RESPONSE:
            return
        if number == Signal.POLL:
            self.replies += OK_REPLY
        elif number == Signal.STATUS:
            self.replies += STATUS_REPLY
        elif number in (Signal.EOD, Signal.EOD_POLL, Signal.TERMINATE):
            if number == Signal.EOD_POLL:
                self.replies += OK_REPLY
            if inside or number == Signal.TERMINATE:
                name = _SIGNAL_NAMES[number]
                raise RemoteProtocolError(
                    f"signal {name} from the Storage daemon where {'data' if inside else 'a header'} is due",
                    fatal=b"Data record error. ERR=Signal %b from the Storage daemon\n" % name.encode(),
                )
            self.ended = True


def _bad_header(packet: bytes) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"not a record header: {packet[:60]!r}",
        fatal=b"Record header scan error: %b\n" % packet[:200].partition(b"\0")[0],
    )


def _bad_size(length: int, announced: int) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"a record of {length} bytes, announced as {announced}",
        fatal=b"Actual data size %d not same as header %d\n" % (length, announced),
    )


def _oversized(length: int) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"a packet of {length} bytes announced, {MAX_PACKET} allowed",
        fatal=b"Packet size too big from Storage daemon: %d\n" % length,
    )
