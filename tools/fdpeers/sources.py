"""Where the records of a restore come from: volumes, memory, or a wire stream built beforehand. Called from
one worker thread at a time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fdaemon.wire.headers import record_header
from fdaemon.wire.streams import ATTRIBUTES, STREAM_MASK
from fdpeers.append import Figures
from fdpeers.errors import VolumeError
from fdpeers.link import packet
from fdpeers.sinks import StoredRecord
from fdpeers.volume_reader import VolumeRecord, Wanted, read_records

BATCH: Final = 1 << 19
"""Wire bytes sent at a time: large enough that the cost per send disappears, small enough to stay in the
cache.
"""


class Source(Protocol):
    """Gives the framed packets of a read session in order: for each record its header and its data.

    `figures` moves while they are taken; its `size` is counted by whoever sends them.
    """

    figures: Figures

    def packets(self) -> Iterator[bytes]:
        """Wire bytes, one packet an item. Raises VolumeError or OSError."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """What to read of one session on one volume: ranges of file indexes (ends included), and the byte
    ranges to look at.

    `spans` (start, end excluded) are sorted and do not overlap; None means the whole volume.
    """

    volume: str
    session_id: int
    session_time: int
    indexes: tuple[tuple[int, int], ...]
    spans: tuple[tuple[int, int], ...] | None = None


def batches(packets: Iterable[bytes], size: int = BATCH) -> Iterator[bytes]:
    """Packets joined to pieces of about `size` bytes."""
    held: list[bytes] = []
    filled = 0
    for item in packets:
        held.append(item)
        filled += len(item)
        if filled >= size:
            yield b"".join(held)
            held.clear()
            filled = 0
    if held:
        yield b"".join(held)


class VolumeSource:
    """The selected records of volumes in `directory`, piece by piece, in written order."""

    def __init__(self, directory: Path, pieces: Sequence[Piece]) -> None:
        self._directory = directory
        self._pieces = tuple(pieces)
        self.figures = Figures()

    def packets(self) -> Iterator[bytes]:
        """As in `Source`."""
        for piece in self._pieces:
            session = (piece.session_id, piece.session_time)
            wanted = _wanted(piece)
            with (self._directory / piece.volume).open("rb", buffering=0) as file:
                for start, end in _merged(piece.spans):
                    for record in read_records(
                        file,
                        start=start,
                        end=end,
                        wanted=wanted,
                    ):
                        self._count(record)
                        yield packet(
                            record_header(*session, record.file_index, record.stream, len(record.data))
                        )
                        yield packet(record.data)

    def _count(self, record: VolumeRecord) -> None:
        self.figures.records += 1
        if record.stream & STREAM_MASK in ATTRIBUTES:
            self.figures.files += 1
            self.figures.current = record.data


class MemorySource:
    """Records given as a list."""

    def __init__(self, records: Iterable[StoredRecord], *, session_id: int, session_time: int) -> None:
        self._records = list(records)
        self._session = (session_id, session_time)
        self.figures = Figures()

    def packets(self) -> Iterator[bytes]:
        """As in `Source`."""
        for record in self._records:
            yield packet(record_header(*self._session, record.file_index, record.stream, len(record.data)))
            yield packet(record.data)


class Replay:
    """Wire bytes built beforehand, sent as they are; the pieces need not end at packets. For benchmarks."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = tuple(pieces)
        self.figures = Figures()

    @classmethod
    def of(cls, source: Source, size: int = BATCH) -> "Replay":
        """Everything `source` has, held in memory."""
        return cls(list(batches(source.packets(), size)))

    def packets(self) -> Iterator[bytes]:
        """As in `Source`, but in the pieces given."""
        return iter(self.pieces)


def _wanted(piece: Piece) -> Wanted:
    ordered = sorted(piece.indexes)
    starts = [first for first, _ in ordered]
    ends = [last for _, last in ordered]
    session = (piece.session_id, piece.session_time)

    def is_wanted(session_id: int, session_time: int, index: int) -> bool:
        at = bisect_right(starts, index) - 1
        return at >= 0 and index <= ends[at] and (session_id, session_time) == session

    return is_wanted


def _merged(spans: tuple[tuple[int, int], ...] | None) -> list[tuple[int, int | None]]:
    """Touching spans joined, so that a record that runs from one into the next is read whole."""
    if spans is None:
        return [(0, None)]
    joined: list[tuple[int, int | None]] = []
    for start, end in sorted(spans):
        if joined and (last := joined[-1][1]) is not None and start <= last:
            if start < last:
                raise VolumeError(f"spans overlap at offset {start}")
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
