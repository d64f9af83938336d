"""What is in a backup, decoded without the daemon's own codecs: numbers, attributes, compression, extended
attributes. Raises DecodeError for whatever does not follow the format; never touches files."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lz4 import block as lz4_block  # type: ignore[import-untyped]
from lzallright import LZOCompressor, LZOError

DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
STAT_FIELDS: Final = (
    *("dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks"),
    *("atime", "mtime", "ctime", "link_index", "flags", "stream"),
)
LSTAT_FIELDS: Final = tuple(
    name for name in STAT_FIELDS if name not in ("atime", "link_index", "flags", "stream")
)
"""The fields that must be as lstat tells them; reading a file may change its atime."""
XATTR_MAGIC: Final = 0x005C5884
_CONTAINER: Final = b"FastLZ\0"


class DecodeError(ValueError):
    """Not what the format says."""


def number(text: bytes) -> int:
    """A number in radix 64, most significant digit first (protocol/04 §2.3)."""
    negative, text = text.startswith(b"-"), text.removeprefix(b"-")
    if not text or any(digit not in DIGITS for digit in text):
        raise DecodeError(f"not a number: {text!r}")
    value = 0
    for digit in text:
        value = value * 64 + DIGITS.index(digit)
    if len(text) > 1 and text[:1] == b"A":
        raise DecodeError(f"a number with a leading zero: {text!r}")
    return -value if negative else value


def stat_fields(text: bytes) -> dict[str, int]:
    """The sixteen fields of a stat record, by name."""
    parts = text.split(b" ")
    if len(parts) != len(STAT_FIELDS):
        raise DecodeError(f"a stat record of {len(parts)} fields: {text!r}")
    return {name: number(part) for name, part in zip(STAT_FIELDS, parts, strict=True)}


@dataclass(frozen=True, slots=True)
class Attributes:
    """An attributes record (protocol/04 §2.1)."""

    index: int
    type: int
    name: bytes
    stat: dict[str, int]
    link: bytes
    extended: bytes
    delta: int


def attributes(record: bytes) -> Attributes:
    """All five parts, each ended by a NUL."""
    head = record.split(b" ", 2)
    if len(head) != 3 or not (head[0].isdigit() and head[1].isdigit()):
        raise DecodeError(f"attributes that do not begin with two numbers: {record[:60]!r}")
    parts = head[2].split(b"\0")
    if len(parts) != 6 or parts[5]:
        raise DecodeError(f"attributes of {len(parts) - 1} parts: {record[:200]!r}")
    name, stat, link, extended, delta, _ = parts
    if not delta.isdigit():
        raise DecodeError(f"delta sequence {delta!r}")
    return Attributes(int(head[0]), int(head[1]), name, stat_fields(stat), link, extended, int(delta))


def packed(block: bytes) -> tuple[bytes, int, bytes]:
    """One compressed block with its header: magic, level, plain bytes (protocol/04 §3.5)."""
    if len(block) < 12:
        raise DecodeError(f"a compressed block of {len(block)} bytes")
    magic, size, level, version = struct.unpack(">4sIHH", block[:12])
    if version != 1 or size != len(block) - 12:
        raise DecodeError(f"compression header: version {version}, size {size} of {len(block) - 12}")
    try:
        return magic, level, _unpacked(magic, block[12:])
    except DecodeError:
        raise
    except (zlib.error, lz4_block.LZ4BlockError, LZOError, ValueError) as error:
        raise DecodeError(f"{magic!r} data: {error}") from error


def _unpacked(magic: bytes, data: bytes) -> bytes:
    match magic:
        case b"GZIP":
            inflate = zlib.decompressobj()
            plain = inflate.decompress(data)
            if not inflate.eof or inflate.unused_data:
                raise DecodeError("the zlib stream does not end where the block ends")
            return plain
        case b"LZOX":
            return bytes(LZOCompressor().decompress(data))
        case b"FZFZ" | b"FZ4L" | b"FZ4H":
            return _container(data, fast=magic == b"FZFZ")
        case _:
            raise DecodeError(f"magic {magic!r}")


def _container(data: bytes, *, fast: bool) -> bytes:
    """The fastlzlib container: one block and the end marker."""
    if len(data) < 32 or data[:7] != _CONTAINER or data[7] not in (0xC8, 0x18):
        raise DecodeError(f"not a FastLZ container: {data[:16]!r}")
    stored, size = struct.unpack("<II", data[8:16])
    body, end = data[16 : 16 + stored], data[16 + stored :]
    if len(body) != stored or end != _CONTAINER + b"\xc8" + bytes(8):
        raise DecodeError(f"a container of {stored} bytes that ends in {end!r}")
    if data[7] == 0x18:
        plain = body
    else:
        plain = fastlz(body) if fast else bytes(lz4_block.decompress(body, uncompressed_size=size))
    if len(plain) != size:
        raise DecodeError(f"{len(plain)} bytes where the container says {size}")
    return plain


def fastlz(data: bytes) -> bytes:
    """A FastLZ stream of level 1 or 2."""
    level = (data[0] >> 5) + 1
    if level not in (1, 2):
        raise DecodeError(f"FastLZ level {level}")
    out = bytearray()
    at, control = 1, data[0] & 31
    try:
        while True:
            if control < 32:
                out += data[at : at + control + 1]
                at += control + 1
            else:
                length, offset = (control >> 5) - 1, (control & 31) << 8
                if length == 6:
                    while True:
                        length += (more := data[at])
                        at += 1
                        if level == 1 or more != 255:
                            break
                low = data[at]
                at += 1
                offset += low
                if level == 2 and low == 255 and control & 31 == 31:
                    offset = (data[at] << 8) + data[at + 1] + 8191
                    at += 2
                start = len(out) - offset - 1
                if start < 0:
                    raise DecodeError("a FastLZ reference before the start")
                for place in range(start, start + length + 3):
                    out.append(out[place])
            if at >= len(data):
                return bytes(out)
            control = data[at]
            at += 1
    except IndexError:
        raise DecodeError("a FastLZ stream that stops short") from None


def plain(stream: int, blocks: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Address and bytes of every data message of a stream that is not encrypted."""
    at, found = 0, []
    for block in blocks:
        if stream in (6, 30):
            if len(block) < 8:
                raise DecodeError("a sparse block without an address")
            at, block = int.from_bytes(block[:8], "big"), block[8:]
        if stream in (29, 30):
            block = packed(block)[2]
        elif stream not in (2, 6):
            raise DecodeError(f"stream {stream} is not plain data")
        found.append((at, block))
        at += len(block)
    return found


def joined(blocks: Sequence[tuple[int, bytes]], size: int) -> bytes:
    """What a restore makes of the blocks: a file of `size` bytes, zeros where nothing was sent."""
    end = max((at + len(block) for at, block in blocks), default=0)
    out = bytearray(max(end, size) if end < size else end)
    for at, block in blocks:
        out[at : at + len(block)] = block
    return bytes(out)


def xattrs(record: bytes) -> dict[bytes, bytes]:
    """The extended attributes of a file (protocol/04 §6.3), in order."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(record):
        if len(record) < at + 12:
            raise DecodeError("an extended attribute that stops short")
        magic, size = struct.unpack_from(">II", record, at)
        if len(record) < at + 12 + size:
            raise DecodeError("an extended attribute that stops short")
        if magic != XATTR_MAGIC:
            raise DecodeError(f"extended attribute magic {magic:#x}")
        name = record[at + 8 : at + 8 + size]
        (length,) = struct.unpack_from(">I", record, at + 8 + size)
        at += 12 + size + length
        found[name] = record[at - length : at]
        if at > len(record):
            raise DecodeError("an extended attribute that stops short")
    return found
