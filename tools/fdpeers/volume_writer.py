"""Puts records into blocks and blocks onto a volume (protocol/04 §10.2). Sans I/O: finished blocks go to a
`write` callable.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fdpeers import blocks
from fdpeers.labels import Label, SessionLabel, VolumeLabel, pack_session_label, pack_volume_label

RECORD: Final = struct.Struct(">iiI")
"""FileIndex, stream, length of the data."""

SPAN: Final = 32 << 20
"""Bytes of volume per index entry: a restore of one file reads about this much to find it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of whole blocks of one job: file indexes first..last begin or continue between `start` and
    `end` (bytes, end excluded).
    """

    first_index: int
    last_index: int
    start: int
    end: int


class VolumeWriter:
    """Writes one session's records as blocks. `write` gets a view that is only valid during the call.

    `position` is the byte offset on the volume where the first block will lie.
    """

    def __init__(
        self,
        write: Callable[[memoryview], object],
        *,
        session_id: int,
        session_time: int,
        position: int = 0,
        block_size: int = blocks.DEFAULT_SIZE,
    ) -> None:
        if not 1024 <= block_size < blocks.SIZE_LIMIT:
            raise ValueError(f"block size {block_size} is out of range")
        self._write = write
        self._session_id = session_id
        self._session_time = session_time
        self._buffer = bytearray(block_size)
        self._size = block_size
        self._used = blocks.HEADER.size
        self._number = 0
        self._position = position
        self._first = self._last = 0
        self._span_start = position
        self.spans: list[Span] = []

    @property
    def position(self) -> int:
        """Bytes on the volume, without the block that is being filled."""
        return self._position

    def volume_label(self, label: VolumeLabel) -> None:
        """Write the label block; must be the first thing on a volume."""
        if self._position or self._used > blocks.HEADER.size:
            raise ValueError("a volume label belongs at the start of the volume")
        self._whole(Label.VOLUME, 0, pack_volume_label(label))
        if self._used > blocks.LABEL_SIZE:
            raise ValueError("volume label too long")
        self.flush()
        self._number = 0
        self._span_start = self._position

    def begin(self, label: SessionLabel) -> None:
        """Write the begin-of-session label."""
        self._whole(Label.SESSION_START, label.job_id, pack_session_label(label))

    def end(self, label: SessionLabel) -> None:
        """Write the end-of-session label, the last block, and close the index."""
        self._whole(Label.SESSION_END, label.job_id, pack_session_label(label))
        self.flush()
        self._close_span()

    def record(self, file_index: int, stream: int, data: bytes | memoryview) -> None:
        """Append one record; large ones are split over blocks with continuation headers (negated stream)."""
        used, size = self._used, len(data)
        if used + RECORD.size + size <= self._size and used + RECORD.size < self._size:
            RECORD.pack_into(self._buffer, used, file_index, stream, size)
            used += RECORD.size
            self._buffer[used : used + size] = data
            self._used = used + size
            self._last = file_index
            if not self._first:
                self._first = file_index
            return
        self._split(file_index, stream, memoryview(data))

    def _split(self, file_index: int, stream: int, data: memoryview) -> None:
        header_stream = stream
        while True:
            # A block is ended rather than left with a header and no data byte behind it: readers would see
            # an extra empty record.
            if self._size - self._used <= RECORD.size:
                self.flush()
            self._last = file_index
            if not self._first:
                self._first = file_index
            RECORD.pack_into(self._buffer, self._used, file_index, header_stream, len(data))
            self._used += RECORD.size
            part = data[: self._size - self._used]
            self._buffer[self._used : self._used + len(part)] = part
            self._used += len(part)
            data = data[len(part) :]
            if not len(data):
                return
            self.flush()
            header_stream = -stream

    def _whole(self, file_index: Label, stream: int, data: bytes) -> None:
        if self._used + RECORD.size + len(data) > self._size:
            self.flush()
        if self._used + RECORD.size + len(data) > self._size:
            raise ValueError(f"a label of {len(data)} bytes does not fit into one block")
        RECORD.pack_into(self._buffer, self._used, file_index, stream, len(data))
        self._used += RECORD.size
        self._buffer[self._used : self._used + len(data)] = data
        self._used += len(data)

    def flush(self) -> None:
        """End the block in work and hand it to `write`; nothing happens when it is empty."""
        if self._used == blocks.HEADER.size:
            return
        block = blocks.seal(
            self._buffer,
            self._used,
            number=self._number,
            session_id=self._session_id,
            session_time=self._session_time,
        )
        self._write(block)
        block.release()
        self._position += self._used
        self._number += 1
        self._used = blocks.HEADER.size
        if self._position - self._span_start >= SPAN:
            self._close_span()

    def _close_span(self) -> None:
        if self._first:
            self.spans.append(Span(self._first, self._last, self._span_start, self._position))
        self._first = 0
        self._span_start = self._position
