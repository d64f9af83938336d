"""The "fastlzlib" container around LZ4 or FastLZ blocks, and a decoder for the FastLZ format.

Layout and format: protocol/04 section 3.5 (core/src/fastlz/src/fastlzlib.c). Container numbers are little-endian.
FastLZ is only read here, never written: no library for Python is fit for use, and a Python encoder reaches 5 MB/s.
Readers go by the magic of each block, so where FastLZ is asked for LZ4 is written (docs/encoders.md).
"""

from collections.abc import Buffer
from struct import Struct

from lz4 import block as lz4_block  # type: ignore[import-untyped]

MAGIC = b"FastLZ\0"
COMPRESSED = 0xC8
RAW = 0x18
"""Type nibble and block-size nibble: 8 is 2**(10+8) = 262144 bytes, the largest plain block."""
LARGEST = 262_144
RAW_UP_TO = 64
"""Blocks this small are always stored raw."""

_HEAD = Struct("<7sBII")
_END = _HEAD.pack(MAGIC, COMPRESSED, 0, 0)
_RUN = 32
"""Controls below this are literal runs of up to this many bytes."""


def wrap(plain: Buffer, packed: bytes) -> bytes:
    """The container of `plain`, given its compressed form; raw when that saves nothing.

    ValueError for a block that no reader would take.
    """
    size = memoryview(plain).nbytes
    if size > LARGEST:
        raise ValueError(f"block of {size} bytes")
    if size <= RAW_UP_TO or len(packed) >= size:
        return b"".join((_HEAD.pack(MAGIC, RAW, size, size), plain, _END))
    return b"".join((_HEAD.pack(MAGIC, COMPRESSED, len(packed), size), packed, _END))


def unwrap(container: Buffer, limit: int, *, lz4: bool) -> bytes:
    """The plain content of a container of one or more blocks, at most `limit` bytes; `lz4` or else FastLZ inside.

    ValueError when anything is damaged, unknown, or left over. (The C++ reader takes a wrong magic for an empty
    block, and looks at the first block only.)
    """
    view = memoryview(container).cast("B")
    pieces: list[bytes] = []
    at = total = 0
    while True:
        if at + _HEAD.size > len(view):
            raise ValueError("container without its end")
        magic, kind, stored, plain = _HEAD.unpack_from(view, at)
        at += _HEAD.size
        if magic != MAGIC:
            raise ValueError("wrong magic")
        if not stored and not plain:
            break
        body = view[at : at + stored]
        at += stored
        total += plain
        if len(body) != stored or total > limit:
            raise ValueError("wrong size")
        pieces.append(_open(kind >> 4, body, plain, lz4))
    if at != len(view):
        raise ValueError("bytes after the end")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _open(kind: int, body: memoryview, plain: int, lz4: bool) -> bytes:
    if kind == RAW >> 4:
        data = bytes(body)
    elif kind != COMPRESSED >> 4:
        raise ValueError("unknown block type")
    elif lz4:
        try:
            data = lz4_block.decompress(body, uncompressed_size=plain)
        except lz4_block.LZ4BlockError as error:
            raise ValueError(str(error)) from error
    else:
        data = decode(body, plain)
    if len(data) != plain:
        raise ValueError("wrong plain size")
    return data


def decode(stream: Buffer, size: int) -> bytes:
    """The content of a FastLZ stream of level 1 or 2 that holds exactly `size` bytes; ValueError if it does not."""
    data = bytes(stream)
    if not data or data[0] >> 5 > 1:
        raise ValueError("unknown FastLZ level")
    try:
        out = _decode(data, size, second=bool(data[0] >> 5))
    except IndexError:
        raise ValueError("FastLZ stream cut short") from None
    if len(out) != size:
        raise ValueError("wrong plain size")
    return bytes(out)


def _decode(data: bytes, size: int, *, second: bool) -> bytearray:
    out = bytearray()
    control, at, end = data[0] & 31, 1, len(data)
    while True:
        if control < _RUN:
            stop = at + control + 1
            if stop > end:
                raise ValueError("FastLZ literals cut short")
            out += data[at:stop]
            at = stop
        else:
            length, distance = (control >> 5) + 2, (control & 31) << 8
            if length == 9:
                more = 255
                while more == 255:
                    more = data[at]
                    length += more
                    at += 1
                    if not second:
                        break
            low = data[at]
            at += 1
            if second and low == 255 and distance == 31 << 8:
                distance = 8191 + (data[at] << 8 | data[at + 1])
                at += 2
            else:
                distance += low
            distance += 1
            start = len(out) - distance
            if start < 0:
                raise ValueError("FastLZ match before the beginning")
            if length > size - len(out):
                raise ValueError("wrong plain size")
            if distance >= length:
                out += out[start : start + length]
            else:
                piece = bytes(out[start:])
                out += (piece * (length // distance + 1))[:length]
        if len(out) > size:
            raise ValueError("wrong plain size")
        if at >= end:
            return out
        control = data[at]
        at += 1
