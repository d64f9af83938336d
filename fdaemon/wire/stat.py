"""The sixteen numbers of a stat record, encoded on the hot path of every backup. Never touches the file
system.

Layout: protocol/04 section 2.2; source: core/src/lib/attribs.cc: EncodeStat, DecodeStat.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, Protocol

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.numbers import ENCODED, PAIRS, decode_number, encode_number

_UNSIGNED = (1 << 64) - 1
_GROUPS_LIMIT = 8192
"""Distinct (mode, links, owner, device) groups remembered; a file tree has some dozens."""


class StatLike(Protocol):
    """What `encode_stat` reads: an `os.stat_result`, whose ten sequence fields hold whole-second times."""

    def __iter__(self) -> Iterator[Any]: ...

    @property
    def st_rdev(self) -> int: ...

    @property
    def st_blksize(self) -> int: ...

    @property
    def st_blocks(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StatRecord:
    """A decoded stat record, fields in wire order. Times are whole seconds; numbers are signed 64-bit.

    `link_index` is the FileIndex of the first link of a hard link, `flags` BSD's st_flags, `stream` the
    number of the data stream that belongs to the file.
    """

    dev: int = 0
    ino: int = 0
    mode: int = 0
    nlink: int = 0
    uid: int = 0
    gid: int = 0
    rdev: int = 0
    size: int = 0
    blksize: int = 0
    blocks: int = 0
    atime: int = 0
    mtime: int = 0
    ctime: int = 0
    link_index: int = 0
    flags: int = 0
    stream: int = 0

    def encode(self) -> bytes:
        """The wire form."""
        return b" ".join([encode_number(number) for number in astuple(self)])


_groups: dict[tuple[int, int, int, int, int], bytes] = {}
_tails: dict[tuple[int, int], bytes] = {}


def _encode_group(key: tuple[int, int, int, int, int]) -> bytes:
    if len(_groups) >= _GROUPS_LIMIT:
        _groups.clear()
    text = _groups[key] = b" ".join([encode_number(_wrap(number)) for number in key])
    return text


def _encode_tail(key: tuple[int, int]) -> bytes:
    link_index, stream = key
    if len(_tails) >= _GROUPS_LIMIT:
        _tails.clear()
    numbers = (encode_number(link_index), b"A", encode_number(stream))
    text = _tails[key] = b" ".join(numbers)
    return text


def _wrap(number: int) -> int:
    """An unsigned 64-bit value as the signed one that C++ prints (st_dev above 2**63 appears negative)."""
    return number - _UNSIGNED - 1 if number >> 63 == 1 else number


def encode_stat(st: StatLike, link_index: int = 0, stream: int = 0) -> bytes:
    """The stat record of `st` (an `os.stat_result`). `stream` is the data stream of the file (0: none).

    Costs about 1.6 µs: whatever repeats from file to file comes out of bounded caches, and large numbers are
    put together from a cached upper part and a table of their low 12 bits.
    """
    mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime = st
    encoded = ENCODED
    group = (mode, nlink, uid, gid, st.st_rdev)
    tail = (link_index, stream)
    return b" ".join(
        (
            encoded[dev] if dev >> 63 == 0 else encode_number(_wrap(dev)),
            encoded[ino >> 12] + PAIRS[ino & 4095] if 4095 < ino < 1 << 63 else encode_number(_wrap(ino)),
            _groups.get(group) or _encode_group(group),
            encoded[size >> 12] + PAIRS[size & 4095] if size > 4095 else encoded[size],
            encoded[st.st_blksize],
            encoded[st.st_blocks],
            encoded[atime >> 12] + PAIRS[atime & 4095] if atime > 4095 else encode_number(atime),
            encoded[mtime >> 12] + PAIRS[mtime & 4095] if mtime > 4095 else encode_number(mtime),
            encoded[ctime >> 12] + PAIRS[ctime & 4095] if ctime > 4095 else encode_number(ctime),
            _tails.get(tail) or _encode_tail(tail),
        )
    )


def decode_stat(text: bytes) -> StatRecord:
    """A stat record from its wire form: 13 to 16 numbers, single spaces between them (protocol/04 section
    2.4).

    LinkFI, flags and stream are 0 when absent. Anything else than numbers, or a leftover, is a
    RemoteProtocolError.
    """
    fields = text.split(b" ")
    if not 13 <= len(fields) <= 16:
        raise RemoteProtocolError(f"stat record with {len(fields)} fields: {text[:200]!r}")
    return StatRecord(*[decode_number(field) for field in fields])
