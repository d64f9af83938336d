"""The files of catalogued jobs: written from what a Storage daemon forwards, merged over levels, chosen for
a restore (protocol/07 §3.6,
§3.7, §5.3). Names stay bytes."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fdaemon.wire.attributes import FileType
from fdaemon.wire.stat import decode_stat
from fdaemon.wire.streams import ATTRIBUTES, STREAM_MASK, Stream
from fdpeers.catalog import Catalog, JobRow
from fdpeers.errors import CatalogError
from fdpeers.sources import Piece

_BATCH: Final = 2000
"""Rows written at a time: enough to make the cost of a transaction vanish, few enough to hold."""

_PATHS: Final = 50_000
"""Path numbers remembered before asking the database again."""

_RECORD: Final = re.compile(rb"\d+ (\d+) ([^\0]+)\0([^\0]+)\0[^\0]*\0[^\0]*\0(\d+)\0")
"""`FileIndex FileType name NUL lstat NUL link NUL extended NUL deltaseq NUL`; the index in the text does not count."""

_Row = tuple[int, int, int, bytes, int, bytes, bytes | None, int | None, int]


class AttributeWriter:
    """Takes attributes, digests and restore objects of one running job in stream order. `close` writes what
    is left.
    """

    def __init__(self, catalog: Catalog, job_id: int) -> None:
        self._catalog = catalog
        self._job_id = job_id
        self._rows: list[_Row] = []
        self._objects: list[tuple[int, int, bytes]] = []
        self._cached: _Row | None = None
        self._cached_index = 0
        self._paths: dict[bytes, int] = {}
        self.problems: list[str] = []

    def add(self, file_index: int, stream: int, record: bytes) -> None:
        """One forwarded record (core/src/dird/catreq.cc: UpdateAttribute); a broken one goes to `problems`."""
        stream &= STREAM_MASK
        if stream in ATTRIBUTES:
            self._flush_cached()
            self._begin(file_index, record)
        elif stream == Stream.RESTORE_OBJECT:
            self._objects.append((self._job_id, file_index, record))
        elif self._cached is None or file_index != self._cached_index:
            self.problems.append(
                f"digest of file {file_index} not same File={self._cached_index} as attributes"
            )
        else:
            self._cached = (*self._cached[:6], record, stream, self._cached[8])

    def _begin(self, file_index: int, record: bytes) -> None:
        match = _RECORD.fullmatch(record)
        if match is None:
            self.problems.append(f"attributes of file {file_index} are malformed: {record[:100]!r}")
            return
        kind = int(match[1])
        folder, slash, name = match[2].rpartition(b"/")
        index = 0 if kind == FileType.DELETED else file_index
        delta = int(match[4]) if kind == FileType.REG else 0
        path = self._path_id(folder + slash)
        self._cached = (self._job_id, index, path, name, kind, match[3], None, None, delta)
        self._cached_index = file_index

    def close(self) -> None:
        """Write the rest."""
        self._flush_cached()
        self._write()

    def _flush_cached(self) -> None:
        if self._cached is not None:
            self._rows.append(self._cached)
            self._cached = None
            if len(self._rows) >= _BATCH:
                self._write()

    def _write(self) -> None:
        with self._catalog.change() as database:
            database.executemany("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._rows)
            database.executemany("INSERT INTO object VALUES (?, ?, ?)", self._objects)
        self._rows.clear()
        self._objects.clear()

    def _path_id(self, path: bytes) -> int:
        number = self._paths.get(path)
        if number is None:
            with self._catalog.change() as database:
                database.execute("INSERT OR IGNORE INTO path (path) VALUES (?)", (path,))
                (number,) = database.execute("SELECT path_id FROM path WHERE path = ?", (path,)).fetchone()
            if len(self._paths) >= _PATHS:
                self._paths.clear()
            self._paths[path] = number
        return number


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file as its newest job saw it. `digest` is raw, empty if there is none."""

    job_id: int
    file_index: int
    name: bytes
    type: int
    lstat: bytes
    digest: bytes
    digest_stream: int
    delta_seq: int


def merged_files(catalog: Catalog, jobs: Sequence[JobRow]) -> Iterator[FileRow]:
    """The files that exist after `jobs` (oldest first): the newest row of each name, without the deleted
    ones.
    """
    if not jobs:
        return
    marks = ", ".join("?" * len(jobs))
    # Of several rows of one job the last counts, but a hard link to itself never hides the row that has the
    # data.
    query = f"""
        SELECT job_id, file_index, CAST(path || name AS BLOB), type, lstat, digest, digest_stream, delta_seq
        FROM (
            SELECT *, row_number() OVER (
                PARTITION BY path_id, name ORDER BY job_id DESC, type = {int(FileType.LNKSAVED)}, file_index
                DESC
            ) AS place FROM file WHERE job_id IN ({marks})
        ) JOIN path USING (path_id) WHERE place = 1 AND file_index > 0 ORDER BY job_id, file_index
    """
    for row in catalog.each(query, [job.job_id for job in jobs]):
        job_id, index, name, kind, lstat, digest, digest_stream, delta = row
        yield FileRow(
            int(str(job_id)),
            int(str(index)),
            _blob(name),
            int(str(kind)),
            _blob(lstat),
            _blob(digest),
            int(str(digest_stream or 0)),
            int(str(delta)),
        )


def accurate_entries(catalog: Catalog, jobs: Sequence[JobRow], *, digests: bool) -> list[bytes]:
    """The packets of the accurate list. `digests` says whether the file set compares them."""
    entries = []
    for file in merged_files(catalog, jobs):
        digest = b64encode(file.digest).rstrip(b"=") if digests else b""
        entries.append(b"%s\0%s\0%s\0%d" % (file.name, file.lstat, digest, file.delta_seq))
    return entries


@dataclass(frozen=True, slots=True)
class RestoreSet:
    """What a restore will read: pieces of volumes, the number of file indexes in them, and the bytes the
    files had.
    """

    pieces: tuple[Piece, ...]
    files: int
    size: int


def choose(catalog: Catalog, jobs: Sequence[JobRow], wanted: Callable[[bytes], bool]) -> RestoreSet:
    """Select the files whose name `wanted` accepts, and what their hard links need. Raises CatalogError if
    there are none.
    """
    chosen: dict[int, set[int]] = {}
    size = 0
    for file in merged_files(catalog, jobs):
        if not wanted(file.name):
            continue
        indexes = chosen.setdefault(file.job_id, set())
        indexes.add(file.file_index)
        stat = decode_stat(file.lstat)
        if file.type == FileType.LNKSAVED and stat.link_index:
            indexes.add(stat.link_index)
        else:
            size += stat.size if file.type in (FileType.REG, FileType.REGE) else 0
    if not chosen:
        raise CatalogError("no file of these jobs was chosen")
    pieces = [
        piece for job in jobs if job.job_id in chosen for piece in _pieces(catalog, job, chosen[job.job_id])
    ]
    return RestoreSet(tuple(pieces), sum(len(indexes) for indexes in chosen.values()), size)


def _pieces(catalog: Catalog, job: JobRow, indexes: set[int]) -> Iterator[Piece]:
    ranges = _ranges(sorted(indexes))
    media = catalog.media(job.job_id)
    if not media:
        raise CatalogError(f"no volume is known to hold job {job.job_id}")
    for volume in dict.fromkeys(row.volume for row in media):
        spans = [
            (row.span.start, row.span.end)
            for row in media
            if row.volume == volume
            and any(first <= row.span.last_index and last >= row.span.first_index for first, last in ranges)
        ]
        if spans:
            yield Piece(volume, job.session_id, job.session_time, tuple(ranges), tuple(spans))


def _ranges(indexes: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for index in indexes:
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1] = (ranges[-1][0], index)
        else:
            ranges.append((index, index))
    return ranges


def _blob(value: object) -> bytes:
    if value is None:
        return b""
    assert isinstance(value, bytes)
    return value
