"""Reads blocks and records back from a volume (protocol/04 §10.1, §10.2), strictly: a wrong byte is a
VolumeError with its offset.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from fdpeers.blocks import HEADER, SIZE_LIMIT, Block, block_length, open_block
from fdpeers.errors import VolumeError
from fdpeers.labels import Label, SessionLabel, VolumeLabel, unpack_session_label, unpack_volume_label
from fdpeers.volume_writer import RECORD

Wanted = Callable[[int, int, int], bool]
"""(VolSessionId, VolSessionTime, FileIndex) -> whether the record is asked for."""


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """One reassembled record. A negative `file_index` is a `Label`; its `stream` is then the JobId."""

    session_id: int
    session_time: int
    file_index: int
    stream: int
    data: bytes


@dataclass(slots=True)
class _Pending:
    """A record whose end lies in a later block; `parts` is None when nobody wants it."""

    file_index: int
    stream: int
    missing: int
    parts: list[bytes] | None


def read_blocks(file: BinaryIO, *, start: int = 0, end: int | None = None) -> Iterator[Block]:
    """The blocks from byte `start` up to byte `end` (default: end of the volume). Raises VolumeError."""
    offset = start
    stop = os.fstat(file.fileno()).st_size if end is None else end
    file.seek(start)
    while offset < stop:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            raise VolumeError(f"volume ends inside the block header at offset {offset}")
        length = block_length(header, offset)
        raw = bytearray(length)
        raw[: HEADER.size] = header
        view = memoryview(raw)
        if file.readinto(view[HEADER.size :]) != length - HEADER.size:  # type: ignore[attr-defined]
            raise VolumeError(f"volume ends inside the block at offset {offset}")
        yield open_block(view, offset)
        offset += length


def read_records(
    file: BinaryIO, *, start: int = 0, end: int | None = None, wanted: Wanted | None = None
) -> Iterator[VolumeRecord]:
    """All records in written order; with `wanted` only those it says yes to (labels are then left out).

    From the middle of a volume (`start` > 0) continuations of records that began before are skipped; in a
    whole volume they
    are errors, as is a record whose end never comes. Raises VolumeError.
    """
    open_records: dict[tuple[int, int], _Pending | None] = {}
    for block in read_blocks(file, start=start, end=end):
        session = (block.session_id, block.session_time)
        pending = open_records.get(session)
        payload, at, size = block.payload, 0, len(block.payload)
        while at < size:
            if size - at < RECORD.size:
                raise VolumeError(f"record header cut in the block at offset {block.offset}")
            file_index, stream, length = RECORD.unpack_from(payload, at)
            at += RECORD.size
            if length >= SIZE_LIMIT:
                raise VolumeError(f"record of {length} bytes in the block at offset {block.offset}")
            part = payload[at : at + length]
            at += len(part)
            is_continuation = stream < 0 < file_index
            if pending is not None:
                if not is_continuation or (file_index, -stream, length) != (
                    pending.file_index,
                    pending.stream,
                    pending.missing,
                ):
                    raise VolumeError(
                        f"file {pending.file_index}: a record does not go on in the block at {block.offset}"
                    )
                pending.missing -= len(part)
                if pending.parts is not None:
                    pending.parts.append(bytes(part))
                    if not pending.missing:
                        yield VolumeRecord(*session, file_index, pending.stream, b"".join(pending.parts))
                if not pending.missing:
                    pending = None
                continue
            if is_continuation:
                if start == 0:
                    raise VolumeError(
                        f"continuation without a beginning in the block at offset {block.offset}"
                    )
                continue
            selected = wanted is None or (file_index > 0 and wanted(*session, file_index))
            if len(part) < length:
                pending = _Pending(
                    file_index, stream, length - len(part), [bytes(part)] if selected else None
                )
            elif selected:
                yield VolumeRecord(*session, file_index, stream, bytes(part))
        open_records[session] = pending
    for pending in open_records.values():
        if pending is not None and end is None:
            raise VolumeError(f"the last record of file {pending.file_index} is cut")


def read_volume_label(file: BinaryIO) -> VolumeLabel:
    """The label of a volume. Raises VolumeError when the file does not start with one."""
    for record in read_records(file):
        if record.file_index not in (Label.VOLUME, Label.PRE):
            break
        return unpack_volume_label(record.data)
    raise VolumeError("no volume label")


def session_label(record: VolumeRecord) -> SessionLabel | None:
    """The session label in `record`, or None for any other record. Raises VolumeError on a broken one."""
    if record.file_index in (Label.SESSION_START, Label.SESSION_END):
        return unpack_session_label(record.data, Label(record.file_index))
    return None
