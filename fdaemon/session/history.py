"""The list of terminated jobs on disk, in the form of the C++ daemon, so that each finds the other's.

Source: protocol/06 section 9.1. Only `load` and `store` touch the disk, and never raise for what they find there.
"""

import contextlib
import os
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

from fdaemon.views import JobView

_HEAD = struct.Struct("=14s2xi4xQQ152x")
_COUNT = struct.Struct("=I")
_RECORD = struct.Struct("=16xiiiiIIIIQqq128s")
_MARK = b"Bareos State\n\0"
_VERSION = 4
_LIST_AT = 192
_LONGEST = 40
"""Records that a reader accepts."""
_32_BITS, _64_BITS, _MOST_ERRORS = (1 << 32) - 1, (1 << 64) - 1, (1 << 31) - 1
_KINDS = frozenset("BVRgcD")
"""Job types that are recorded."""
ERASE_LIMIT = 10.0
"""Seconds for the secure erase command."""


class BadHistory(Exception):
    """The file is no list of terminated jobs."""


def state_path(directory: str, port: int) -> Path:
    """Where a daemon on this port keeps its list."""
    return Path(directory) / f"bareos-fd.{port}.state"


def encode_history(jobs: Iterable[JobView]) -> bytes:
    """The file for these jobs, oldest first. Session numbers are not kept: nothing shows them."""
    records = [_encode(job) for job in jobs if job.job_id and job.type in _KINDS]
    return b"".join((_HEAD.pack(_MARK, _VERSION, _LIST_AT, 0), _COUNT.pack(len(records)), *records))


def _encode(job: JobView) -> bytes:
    """One record. Figures that do not fit are cut as in C++: a Director may send any JobId and FileIndex."""
    name = job.name.encode("utf-8", "surrogateescape")[:127]
    letters = (ord(word[0]) if word else 0 for word in (job.type, job.status, job.level))
    kind, status, level = letters
    return _RECORD.pack(
        min(job.errors, _MOST_ERRORS),
        kind,
        status,
        level,
        job.job_id & _32_BITS,
        0,
        0,
        job.files & _32_BITS,
        job.job_bytes & _64_BITS,
        int(job.started),
        int(job.ended or job.started),
        name,
    )


def decode_history(data: bytes) -> tuple[JobView, ...]:
    """The jobs in a file, oldest first. Raises BadHistory; a header alone is an empty list."""
    try:
        mark, version, place, _end = _HEAD.unpack_from(data)
        if mark != _MARK or version != _VERSION:
            raise BadHistory("not a state file of version 4")
        if len(data) == _HEAD.size:
            return ()
        (count,) = _COUNT.unpack_from(data, place)
        if count > _LONGEST:
            raise BadHistory(f"{count} records")
        start = place + _COUNT.size
        return tuple(_decode(_RECORD.unpack_from(data, start + n * _RECORD.size), n) for n in range(count))
    except struct.error as error:
        raise BadHistory(str(error)) from None


def _decode(fields: tuple[int | bytes, ...], number: int) -> JobView:
    errors, kind, status, level, job_id, _session, _time, files, size, started, ended, name = fields
    assert isinstance(name, bytes)
    return JobView(
        job_id=int(job_id),
        name=name.partition(b"\0")[0].decode("utf-8", "surrogateescape"),
        type=_letter(kind),
        level=_letter(level),
        director="",
        status=_letter(status),
        started=float(started),
        ended=float(ended),
        files=int(files),
        examined=int(files),
        read_bytes=int(size),
        job_bytes=int(size),
        errors=int(errors),
        warnings=0,
        current=b"",
        bandwidth=0,
        storage_packets=None,
        storage_fd=-1,
        key=-1 - number,
    )


def _letter(code: int | bytes) -> str:
    assert isinstance(code, int)
    return chr(code) if 0 < code < 0x7F else ""


def load(path: Path) -> tuple[JobView, ...]:
    """The jobs that `path` lists; nothing when it is missing, unreadable or something else."""
    try:
        return decode_history(path.read_bytes())
    except (OSError, BadHistory):
        return ()


def store(path: Path, jobs: Iterable[JobView], erase: str = "") -> str:
    """Write the list; what went wrong, or an empty text.

    The new file takes the place of the old one in one step, so a crash leaves one of both. `erase` is the secure
    erase command, which gets the old file before.
    """
    fresh = path.with_suffix(".state.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "wb"
        ) as file:
            file.write(encode_history(jobs))
        if erase and path.exists():
            words = [*erase.split(), str(path)]
            subprocess.run(words, check=True, timeout=ERASE_LIMIT, stdin=subprocess.DEVNULL)
        fresh.replace(path)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{path}: {error}"
    return ""
