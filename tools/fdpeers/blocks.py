"""Blocks of a Bareos volume (protocol/04 §10.1): header, checksum, payload. Pure; never reads or writes a
file.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from fdpeers.errors import VolumeError

MAGIC: Final = b"BB02"
HEADER: Final = struct.Struct(">III4sII")
"""Checksum, length with header, block number, magic, VolSessionId, VolSessionTime."""

DEFAULT_SIZE: Final = 1 << 20
"""Maximum Block Size of a File device since Bareos 23.0."""

LABEL_SIZE: Final = 64512
"""Label Block Size: no reader has to look at more than this to find the volume label."""

SIZE_LIMIT: Final = 20_000_000
"""Readers discard blocks and records from this length on (protocol/04 §10.1, §10.2)."""


@dataclass(frozen=True, slots=True)
class Block:
    """One verified block. `offset` is its place in the volume in bytes, `payload` the records without the
    header.
    """

    offset: int
    number: int
    session_id: int
    session_time: int
    payload: memoryview


def seal(buffer: bytearray, used: int, *, number: int, session_id: int, session_time: int) -> memoryview:
    """Write header and checksum into the first 24 bytes of `buffer` and return a view of the `used` bytes
    of the block.
    """
    HEADER.pack_into(buffer, 0, 0, used, number, MAGIC, session_id, session_time)
    view = memoryview(buffer)[:used]
    struct.pack_into(">I", buffer, 0, zlib.crc32(view[4:]))
    return view


def block_length(header: bytes | memoryview, offset: int) -> int:
    """Length in bytes that the 24-byte `header` at volume offset `offset` announces. Raises VolumeError."""
    _, length, _, magic, _, _ = HEADER.unpack(header)
    if magic != MAGIC:
        raise VolumeError(f"no block at offset {offset}: identifier {bytes(magic)!r} instead of {MAGIC!r}")
    if not HEADER.size <= length < SIZE_LIMIT:
        raise VolumeError(f"block at offset {offset} announces {length} bytes")
    return int(length)


def open_block(raw: memoryview, offset: int) -> Block:
    """Check a whole block and give its parts. A checksum of 0 means that the writer had checksums off.
    Raises VolumeError.
    """
    checksum, length, number, _, session_id, session_time = HEADER.unpack_from(raw)
    if block_length(raw[: HEADER.size], offset) != len(raw):
        raise VolumeError(f"block at offset {offset} is cut: {len(raw)} of {length} bytes")
    computed = zlib.crc32(raw[4:])
    if checksum not in (0, computed):
        raise VolumeError(
            f"block at offset {offset} has checksum {computed:#x}, its header says {checksum:#x}"
        )
    return Block(offset, number, session_id, session_time, raw[HEADER.size :])
