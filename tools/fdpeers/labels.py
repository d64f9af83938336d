"""Volume and session labels of a Bareos volume (protocol/04 §10.3), packed and unpacked. Pure; leftovers
are errors.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from fdpeers.errors import VolumeError

IDENTIFIER: Final = b"Bareos 2.0 immortal\n"
VERSION: Final = 20


class Label(IntEnum):
    """FileIndex values that mark labels (core/src/stored/record.h)."""

    PRE = -1
    VOLUME = -2
    END_OF_MEDIUM = -3
    SESSION_START = -4
    SESSION_END = -5


@dataclass(frozen=True, slots=True)
class VolumeLabel:
    """The first record of a volume. `labelled` and `written` are microseconds since 1970."""

    volume: bytes
    labelled: int
    written: int
    host: bytes
    pool: bytes = b"Default"
    media_type: bytes = b"File"
    program: bytes = b"fdpeers"
    program_version: bytes = b"Ver. 25.1.0 03 August 2026"
    program_date: bytes = b"Build 2026-08-03"
    previous: bytes = b""
    pool_type: bytes = b"Backup"


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """What the end-of-session label adds. Addresses are bytes from the start of the volume, `status` a
    status letter.
    """

    files: int
    bytes: int
    start: int
    end: int
    errors: int
    status: str


@dataclass(frozen=True, slots=True)
class SessionLabel:
    """Begin (`totals` is None) or end of one job's records. `written` is microseconds since 1970; type and
    level are letters.
    """

    job_id: int
    written: int
    job: bytes
    job_base: bytes
    client: bytes
    fileset: bytes
    type: str = "B"
    level: str = "F"
    fileset_md5: bytes = b""
    pool: bytes = b"Default"
    pool_type: bytes = b"Backup"
    totals: SessionTotals | None = None


def _text(*values: bytes) -> bytes:
    for value in values:
        if b"\0" in value:
            raise ValueError(f"a label text cannot hold NUL: {value!r}")
    return b"".join(value + b"\0" for value in values)


def pack_volume_label(label: VolumeLabel) -> bytes:
    """Record data of a volume label."""
    return (
        _text(IDENTIFIER)
        + struct.pack(">Iqqdd", VERSION, label.labelled, label.written, 0.0, 0.0)
        + _text(label.volume, label.previous, label.pool, label.pool_type, label.media_type)
        + _text(label.host, label.program, label.program_version, label.program_date)
    )


def pack_session_label(label: SessionLabel) -> bytes:
    """Record data of a session label, with the totals if it is the closing one."""
    data = (
        _text(IDENTIFIER)
        + struct.pack(">IIqd", VERSION, label.job_id, label.written, 0.0)
        + _text(label.pool, label.pool_type, label.job_base, label.client, label.job, label.fileset)
        + struct.pack(">II", ord(label.type), ord(label.level))
        + _text(label.fileset_md5)
    )
    if label.totals is not None:
        t = label.totals
        start_file, start_block = t.start >> 32, t.start & 0xFFFFFFFF
        end_file, end_block = t.end >> 32, t.end & 0xFFFFFFFF
        data += struct.pack(
            ">IQIIIIII",
            t.files,
            t.bytes,
            start_block,
            end_block,
            start_file,
            end_file,
            t.errors,
            ord(t.status),
        )
    return data


class _Reader:
    """Pulls fields off a label; whatever is short or left over is a VolumeError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def text(self) -> bytes:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise VolumeError("label text without its NUL")
        value = self._data[self._at : end]
        self._at = end + 1
        return value

    def numbers(self, layout: str) -> tuple[int, ...]:
        packed = struct.Struct(layout)
        if self._at + packed.size > len(self._data):
            raise VolumeError("label is cut")
        values = packed.unpack_from(self._data, self._at)
        self._at += packed.size
        return values

    def head(self) -> None:
        if (identifier := self.text()) != IDENTIFIER:
            raise VolumeError(f"label identifier {identifier!r}")

    def end(self) -> None:
        if self._at != len(self._data):
            raise VolumeError(f"{len(self._data) - self._at} bytes too many in a label")


def unpack_volume_label(data: bytes) -> VolumeLabel:
    """The inverse of `pack_volume_label`. Raises VolumeError."""
    reader = _Reader(data)
    reader.head()
    version, labelled, written = reader.numbers(">Iqq16x")
    if version != VERSION:
        raise VolumeError(f"volume label version {version}")
    volume, previous, pool, pool_type, media_type = (reader.text() for _ in range(5))
    host, program, program_version, program_date = (reader.text() for _ in range(4))
    reader.end()
    return VolumeLabel(
        volume=volume,
        labelled=labelled,
        written=written,
        host=host,
        pool=pool,
        media_type=media_type,
        program=program,
        program_version=program_version,
        program_date=program_date,
        previous=previous,
        pool_type=pool_type,
    )


def unpack_session_label(data: bytes, kind: Label) -> SessionLabel:
    """The inverse of `pack_session_label`; `kind` is SESSION_START or SESSION_END. Raises VolumeError."""
    reader = _Reader(data)
    reader.head()
    version, job_id, written = reader.numbers(">IIq8x")
    if version != VERSION:
        raise VolumeError(f"session label version {version}")
    pool, pool_type, job_base, client, job, fileset = (reader.text() for _ in range(6))
    job_type, level = reader.numbers(">II")
    fileset_md5 = reader.text()
    totals: SessionTotals | None = None
    if kind is Label.SESSION_END:
        files, size, start_block, end_block, start_file, end_file, errors, status = reader.numbers(
            ">IQIIIIII"
        )
        totals = SessionTotals(
            files, size, start_file << 32 | start_block, end_file << 32 | end_block, errors, _letter(status)
        )
    reader.end()
    return SessionLabel(
        job_id=job_id,
        written=written,
        job=job,
        job_base=job_base,
        client=client,
        fileset=fileset,
        type=_letter(job_type),
        level=_letter(level),
        fileset_md5=fileset_md5,
        pool=pool,
        pool_type=pool_type,
        totals=totals,
    )


def _letter(code: int) -> str:
    if code > 0x7F:
        raise VolumeError(f"session label with the letter {code:#x}")
    return chr(code)
