"""The append stream of a backup as the real Storage daemon takes it (protocol/07 §4.3): sans I/O, strict,
or merely counting.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fdpeers.errors import StreamRefused
from fdpeers.link import MAX_PACKET

_HIGHEST: Final = 2**31 - 1
"""The real daemon scans a FileIndex as a signed number of 32 bits."""
_LENGTH: Final = struct.Struct(">i")
_HEADER: Final = re.compile(rb"(-?\d+) (-?\d+)(?: |$)")
_TOLERATED: Final = frozenset({-3, -5, -6, -7})
"""STATUS, POLL and heartbeats pass the real daemon's reader unseen (core/src/lib/bget_msg.cc)."""

Consumer = Callable[[int, int, memoryview], object]
"""(FileIndex, stream, data) of one record; the view is only valid during the call."""


@dataclass(slots=True)
class Figures:
    """How far a stream has come; read by anyone while it runs. `size` is in bytes, `current` the last
    attributes record
    seen.
    """

    files: int = 0
    records: int = 0
    size: int = 0
    current: bytes = b""


class AppendStream:
    """Reads groups of one header and its data packets, and hands every data packet to `consume` as one
    record. `after` is the FileIndex of the last file of an incomplete job that is run again.
    """

    def __init__(self, consume: Consumer, figures: Figures, after: int = 0) -> None:
        self._consume = consume
        self._figures = figures
        self._partial = bytearray()
        self._index = after
        self._stream = 0
        self._in_data = False
        self.ended = False
        self.leftover = b""

    def feed(self, data: bytes | memoryview) -> None:
        """Take wire bytes in any cut. Raises StreamRefused with the real daemon's words."""
        if self._partial:
            self._partial += data
            data = bytes(self._partial)
        view = memoryview(data)
        at, end = 0, len(view)
        while end - at >= 4:
            (length,) = _LENGTH.unpack_from(view, at)
            if length >= 0:
                if length > MAX_PACKET:
                    raise StreamRefused(f"Packet size too big from FD: {length}")
                stop = at + 4 + length
                if stop > end:
                    break
                if self._in_data:
                    self._figures.records += 1
                    self._figures.size += length
                    self._consume(self._index, self._stream, view[at + 4 : stop])
                else:
                    self._header(bytes(view[at + 4 : stop]))
                at = stop
                continue
            at += 4
            if length == -1 and self._in_data:
                self._in_data = False
            elif length == -1:
                self.ended = True
                self.leftover = bytes(view[at:])
                return
            elif length not in _TOLERATED:
                raise StreamRefused(f"Unexpected signal from FD: {length}")
        self._partial = bytearray(view[at:])

    def _header(self, payload: bytes) -> None:
        match = _HEADER.match(payload)
        if match is None:
            raise StreamRefused(f"Malformed data header from FD: {payload[:200]!r}")
        index, self._stream = int(match[1]), int(match[2])
        if not 0 < index <= _HIGHEST or index not in (self._index, self._index + 1):
            raise StreamRefused(f"FileIndex={index} from FD not positive or sequential={self._index}")
        self._index = self._figures.files = index
        self._in_data = True


class CountingStream:
    """Finds the end of the stream and counts, for benchmarks: no record is copied, no rule beyond the
    framing is checked.
    """

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._partial = b""
        self._skip = 0
        self._in_data = False
        self.ended = False
        self.leftover = b""

    def feed(self, data: bytes | memoryview) -> None:
        """Take wire bytes in any cut. Raises StreamRefused on an oversized packet."""
        if self._skip:
            if self._skip >= len(data):
                self._skip -= len(data)
                return
            data = memoryview(data)[self._skip :]
            self._skip = 0
        if self._partial:
            data = self._partial + bytes(data)
        at, end = 0, len(data)
        in_data = self._in_data
        records = size = 0
        header = None
        unpack = _LENGTH.unpack_from
        while end - at >= 4:
            (length,) = unpack(data, at)
            if length >= 0:
                if length > MAX_PACKET:
                    raise StreamRefused(f"Packet size too big from FD: {length}")
                stop = at + 4 + length
                if in_data:
                    records += 1
                    size += length
                    at = stop
                    continue
                if stop > end:
                    break
                header = (at + 4, stop)
                at = stop
                in_data = True
                continue
            at += 4
            if length == -1:
                if not in_data:
                    self.ended = True
                    break
                in_data = False
        figures = self._figures
        figures.records += records
        figures.size += size
        if header is not None:
            figures.files = int(bytes(data[header[0] : header[1]]).split(b" ", 1)[0])
        self._in_data = in_data
        self._skip = max(0, at - end)
        rest = bytes(data[at:])
        self._partial, self.leftover = (b"", rest) if self.ended else (rest, b"")
