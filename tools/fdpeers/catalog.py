"""The Director peer's memory in SQLite: jobs, where their records lie, and the messages. Which files they
hold is `catalog_files`.

Stores what a real Director would store, and nothing a real Director could not know.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fdpeers.errors import CatalogError
from fdpeers.volume_writer import Span

SCHEMA_VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE job (
    job_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, base TEXT NOT NULL, client TEXT NOT NULL,
    fileset TEXT NOT NULL, type TEXT NOT NULL, level TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
    status TEXT NOT NULL, session_id INTEGER NOT NULL, session_time INTEGER NOT NULL, files INTEGER NOT NULL
    DEFAULT 0,
    read_bytes INTEGER NOT NULL DEFAULT 0, job_bytes INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL
    DEFAULT 0
);
CREATE TABLE fileset (fileset TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE media (
    job_id INTEGER NOT NULL REFERENCES job, volume TEXT NOT NULL, first_index INTEGER NOT NULL,
    last_index INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL
);
CREATE INDEX media_job ON media (job_id);
CREATE TABLE message (
    job_id INTEGER NOT NULL REFERENCES job, time INTEGER NOT NULL, type INTEGER NOT NULL, text BLOB NOT NULL
);
CREATE INDEX message_job ON message (job_id);
CREATE TABLE path (path_id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE file (
    job_id INTEGER NOT NULL REFERENCES job, file_index INTEGER NOT NULL, path_id INTEGER NOT NULL REFERENCES
    path,
    name BLOB NOT NULL, type INTEGER NOT NULL, lstat BLOB NOT NULL, digest BLOB, digest_stream INTEGER,
    delta_seq INTEGER NOT NULL
);
CREATE INDEX file_job ON file (job_id, path_id, name);
CREATE TABLE object (
    job_id INTEGER NOT NULL REFERENCES job, file_index INTEGER NOT NULL, record BLOB NOT NULL
);
"""

_FETCH: Final = 1000
"""Rows taken at a time from a long answer."""

_COLUMNS: Final = (
    "job_id, name, base, client, fileset, type, level, started, ended, status, session_id, session_time,"
    " files, read_bytes, job_bytes, errors"
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job. Times in seconds since 1970; type, level and status are the daemons' letters; status C while
    it runs.

    `fileset` identifies what was to be saved: a changed file set is another one, and breaks the chain of
    levels.
    """

    job_id: int
    name: str
    base: str
    client: str
    fileset: str
    type: str
    level: str
    started: int
    ended: int | None
    status: str
    session_id: int
    session_time: int
    files: int = 0
    read_bytes: int = 0
    job_bytes: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class MediaRow:
    """A span of one job's records on a volume."""

    volume: str
    span: Span


class Catalog:
    """One SQLite database. Methods block for the disk: call them from a worker thread; calls are
    serialised.
    """

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA foreign_keys = ON")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            self._database.close()
            raise CatalogError(f"{path} is a catalog of version {version}, not {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, undone by an exception. Raises CatalogError for what SQLite refuses, a full disk
        included.
        """
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                self._undo()
                raise CatalogError(f"the catalog refused a change: {error}") from error
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        if self._database.in_transaction:  # a full disk may have ended the transaction already
            self._database.execute("ROLLBACK")

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def each(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[object, ...]]:
        """The rows of a query without holding them all."""
        with self._lock:
            cursor = self._database.execute(query, values)
        while True:
            with self._lock:
                some = cursor.fetchmany(_FETCH)
            if not some:
                return
            yield from some

    def next_job_id(self) -> int:
        """The number of the next job: one more than the highest ever used."""
        ((highest,),) = self.rows("SELECT coalesce(max(job_id), 0) FROM job")
        return int(str(highest)) + 1

    def add_job(self, job: JobRow) -> None:
        """Note a job before it starts."""
        marks = ", ".join("?" * 16)
        with self.change() as database:
            database.execute(f"INSERT INTO job ({_COLUMNS}) VALUES ({marks})", _values(job))

    def finish_job(self, job: JobRow, media: Iterable[MediaRow] = ()) -> None:
        """Note how a job ended and where its records lie."""
        with self.change() as database:
            database.execute(
                "UPDATE job SET ended = ?, status = ?, files = ?, read_bytes = ?, job_bytes = ?, errors = ?"
                " WHERE job_id = ?",
                (job.ended, job.status, job.files, job.read_bytes, job.job_bytes, job.errors, job.job_id),
            )
            database.executemany(
                "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (job.job_id, m.volume, m.span.first_index, m.span.last_index, m.span.start, m.span.end)
                    for m in media
                ],
            )

    def keep_fileset(self, fileset: str, lines: Sequence[bytes]) -> None:
        """Remember the packets of a file set under its name."""
        with self.change() as database:
            values = (fileset, b"\0".join(lines))
            database.execute("INSERT OR IGNORE INTO fileset VALUES (?, ?)", values)

    def fileset(self, fileset: str) -> list[bytes]:
        """The packets of a file set. Raises CatalogError."""
        found = self.rows("SELECT content FROM fileset WHERE fileset = ?", (fileset,))
        if not found:
            raise CatalogError(f"file set {fileset} is not known")
        return _bytes(found[0][0]).split(b"\0")

    def forget_files(self, job_id: int) -> None:
        """Drop the file records of a job that failed."""
        with self.change() as database:
            database.execute("DELETE FROM file WHERE job_id = ?", (job_id,))
            database.execute("DELETE FROM object WHERE job_id = ?", (job_id,))

    def add_messages(self, job_id: int, messages: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep job messages: (time, type, text)."""
        with self.change() as database:
            database.executemany(
                "INSERT INTO message VALUES (?, ?, ?, ?)", [(job_id, *message) for message in messages]
            )

    def messages(self, job_id: int) -> list[tuple[int, int, bytes]]:
        """(time, type, text) of a job, in order of arrival."""
        found = self.rows("SELECT time, type, text FROM message WHERE job_id = ? ORDER BY rowid", (job_id,))
        return [(int(str(when)), int(str(kind)), _bytes(text)) for when, kind, text in found]

    def jobs(self, *, type: str | None = None) -> list[JobRow]:
        """All jobs, oldest first."""
        clause, values = ("WHERE type = ? ", (type,)) if type else ("", ())
        return [_job(row) for row in self.rows(f"SELECT {_COLUMNS} FROM job {clause}ORDER BY job_id", values)]

    def job(self, job_id: int) -> JobRow:
        """One job. Raises CatalogError."""
        found = self.rows(f"SELECT {_COLUMNS} FROM job WHERE job_id = ?", (job_id,))
        if not found:
            raise CatalogError(f"there is no job {job_id}")
        return _job(found[0])

    def media(self, job_id: int) -> list[MediaRow]:
        """Where a job's records lie, in written order."""
        found = self.rows(
            "SELECT volume, first_index, last_index, start, stop FROM media WHERE job_id = ? ORDER BY rowid",
            (job_id,),
        )
        return [MediaRow(str(volume), Span(*(int(str(n)) for n in span))) for volume, *span in found]

    def chain(self, base: str, client: str, fileset: str, *, before: int | None = None) -> list[JobRow]:
        """The good jobs whose merged files are the newest state: the last Full, the last Differential after
        it, and the
        Incrementals after that (protocol/07 §3.6). Empty without a Full. `before` looks only at jobs up to
        that JobId.
        """
        good = [
            job
            for job in self.jobs(type="B")
            if (job.base, job.client, job.fileset) == (base, client, fileset)
            and job.status in ("T", "W")
            and (before is None or job.job_id <= before)
        ]
        last_full = next((at for at in reversed(range(len(good))) if good[at].level == "F"), None)
        if last_full is None:
            return []
        chain, later = [good[last_full]], good[last_full + 1 :]
        last_differential = next((at for at in reversed(range(len(later))) if later[at].level == "D"), None)
        if last_differential is not None:
            chain.append(later[last_differential])
            later = later[last_differential + 1 :]
        return chain + [job for job in later if job.level == "I"]


def _values(job: JobRow) -> tuple[object, ...]:
    return tuple(getattr(job, name.strip()) for name in _COLUMNS.split(","))


def _job(row: tuple[object, ...]) -> JobRow:
    return JobRow(*row)  # type: ignore[arg-type]


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise CatalogError(f"{value!r} is not a blob")
    return value
