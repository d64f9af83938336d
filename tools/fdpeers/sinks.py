"""Where the records of a backup go: memory, a Bareos volume, or nowhere. Called from one worker thread at a
time.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from fdaemon.wire.streams import ATTRIBUTES, DIGESTS, STREAM_MASK, Stream
from fdpeers.append import AppendStream, CountingStream, Figures
from fdpeers.errors import VolumeError
from fdpeers.labels import SessionLabel, SessionTotals, VolumeLabel
from fdpeers.volume_writer import Span, VolumeWriter

FOR_THE_CATALOG: Final = frozenset(int(s) for s in ATTRIBUTES | DIGESTS | {Stream.RESTORE_OBJECT})
"""Streams the Storage daemon forwards to the Director (core/src/stored/append.cc: IsAttribute)."""

AttributeListener = Callable[[int, int, bytes], object]
"""(FileIndex, stream, record) of what a Director would be sent."""


class Sink(Protocol):
    """Takes one append session: chunks of wire bytes until `ended`, then `finish` exactly once."""

    figures: Figures

    @property
    def ended(self) -> bool:
        """The end of the stream was seen."""
        ...

    @property
    def leftover(self) -> bytes:
        """Bytes that came after the end of the stream; the real daemon may swallow them."""
        ...

    def feed(self, data: bytes | memoryview) -> None:
        """Take wire bytes. Raises StreamRefused, or OSError when they cannot be stored."""
        ...

    def finish(self, status: str) -> None:
        """The session is over with this status letter. Raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as the Storage peer got it."""

    file_index: int
    stream: int
    data: bytes


class _Parsing(ABC):
    """Shared by the sinks that look at every record."""

    def __init__(self, attributes: AttributeListener | None, after: int = 0) -> None:
        self.figures = Figures()
        self._attributes = attributes
        self._parser = AppendStream(self._consume, self.figures, after)

    @property
    def ended(self) -> bool:
        return self._parser.ended

    @property
    def leftover(self) -> bytes:
        return self._parser.leftover

    def feed(self, data: bytes | memoryview) -> None:
        self._parser.feed(data)

    def _consume(self, file_index: int, stream: int, data: memoryview) -> None:
        self._store(file_index, stream, data)
        if stream & STREAM_MASK in FOR_THE_CATALOG:
            record = bytes(data)
            if stream & STREAM_MASK in ATTRIBUTES:
                self.figures.current = record
            if self._attributes is not None:
                self._attributes(file_index, stream, record)

    @abstractmethod
    def _store(self, file_index: int, stream: int, data: memoryview) -> None:
        """Keep one record."""


class MemorySink(_Parsing):
    """Keeps every record in `records`, for tests. The first FileIndex must be that behind `after`."""

    def __init__(self, attributes: AttributeListener | None = None, *, after: int = 0) -> None:
        super().__init__(attributes, after)
        self.records: list[StoredRecord] = []
        self.status = ""

    def _store(self, file_index: int, stream: int, data: memoryview) -> None:
        self.records.append(StoredRecord(file_index, stream, bytes(data)))

    def finish(self, status: str) -> None:
        """Note the status."""
        self.status = status


class DiscardSink:
    """Counts and forgets, as fast as the bytes come."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._parser = CountingStream(self.figures)

    @property
    def ended(self) -> bool:
        """As in `Sink`."""
        return self._parser.ended

    @property
    def leftover(self) -> bytes:
        """As in `Sink`."""
        return self._parser.leftover

    def feed(self, data: bytes | memoryview) -> None:
        """As in `Sink`."""
        self._parser.feed(data)

    def finish(self, status: str) -> None:
        """Nothing to do."""


class VolumeSink(_Parsing):
    """Writes one job onto a new volume, or behind the jobs of an old one. After `finish` the data is on the
    disk.

    `label` describes the job; `volume_label` is written when the file is new. `spans` (after `finish`) says
    where
    which file indexes lie.
    """

    def __init__(
        self,
        path: str,
        *,
        session_id: int,
        session_time: int,
        label: SessionLabel,
        volume_label: VolumeLabel,
        attributes: AttributeListener | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(attributes)
        self._clock = clock
        self._label = label
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._start = os.lseek(self._file, 0, os.SEEK_END)
        self._writer = VolumeWriter(
            self._write, session_id=session_id, session_time=session_time, position=self._start
        )
        if not self._start:
            self._writer.volume_label(volume_label)
        self._writer.begin(label)

    @property
    def spans(self) -> list[Span]:
        """Index of the written blocks."""
        return self._writer.spans

    def finish(self, status: str) -> None:
        """Write the end label and the last block, and wait until the disk has them. Raises OSError."""
        if self._file < 0:
            raise VolumeError("the volume is closed already")
        try:
            totals = SessionTotals(
                self.figures.files, self.figures.size, self._start, self._writer.position, 0, status
            )
            self._writer.end(replace(self._label, written=int(self._clock() * 1e6), totals=totals))
            os.fsync(self._file)
        finally:
            os.close(self._file)
            self._file = -1

    def _store(self, file_index: int, stream: int, data: memoryview) -> None:
        self._writer.record(file_index, stream, data)

    def _write(self, block: memoryview) -> None:
        while block:
            block = block[os.write(self._file, block) :]
