"""The attributes record as a restore needs it: the few fields that are used, decoded at once and fast. Pure.

`wire.attributes` and `wire.stat` are the complete readers; this one costs a fifth of them, for the path that
every restored file takes. Layout: protocol/04 sections 2.1, 2.2 and 2.4.
"""

import re
from binascii import a2b_base64
from typing import NamedTuple

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.attributes import decode_attributes
from fdaemon.wire.numbers import decode_number
from fdaemon.wire.stat import StatRecord, decode_stat

_NUMBER = rb"-?[A-Za-z0-9+/]+"
_KEPT = rb"(" + _NUMBER + rb") "
_PASSED = _NUMBER + rb" "
_RECORD = re.compile(
    rb"(\d{1,10}) (\d{1,10}) ([^\0]+)\0"
    # dev ino mode nlink uid gid rdev size blksize blocks atime mtime ctime link_index flags stream
    rb"(" + 2 * _PASSED + _KEPT + _PASSED + 4 * _KEPT + 2 * _PASSED + 2 * _KEPT + _PASSED
    + rb"(?:" + 2 * _PASSED + rb"(" + _NUMBER + rb")))\0"
    rb"([^\0]*)\0[^\0]*\0\d{1,10}\0?"
)  # fmt: skip
_PADDING = (b"", b"AAA", b"AA", b"A")
_SURE_DIGITS = 10
"""Up to this length a radix-64 number is below 2**60 and cannot wrap."""
CACHE_LIMIT = 4096
"""Numbers remembered before the cache starts afresh."""


def _decode(text: bytes) -> int:
    """`decode_number` of digits that the pattern has checked, by way of the C decoder of base 64."""
    size = len(text)
    if size > _SURE_DIGITS or text[0] == 45:  # "-"
        return decode_number(text)
    return int.from_bytes(a2b_base64(_PADDING[size & 3] + text), "big")


class _Numbers(dict[bytes, int]):
    """Decoded numbers that repeat from file to file: modes, owners, devices, stream numbers."""

    def __missing__(self, text: bytes) -> int:
        if len(self) >= CACHE_LIMIT:
            self.clear()
        number = self[text] = _decode(text)
        return number


_numbers = _Numbers()


class RestoredFile(NamedTuple):
    """One file to restore. `type` is a FileType number, sizes in bytes, times in whole seconds.

    `name` has a trailing `/` for directories; `link` is a symlink's target or a hard link's first name.
    """

    file_index: int
    type: int
    name: bytes
    link: bytes
    mode: int
    uid: int
    gid: int
    rdev: int
    size: int
    atime: int
    mtime: int
    stream: int
    stat: bytes

    def full_stat(self) -> StatRecord:
        """All sixteen numbers, for listings."""
        return decode_stat(self.stat)


def decode_restored(payload: bytes) -> RestoredFile:
    """Strict reader; missing trailing parts are taken as empty or 0.

    Raises RemoteProtocolError with the fatal text of the C++ daemon, `Error scanning attributes: …`.
    """
    match = _RECORD.fullmatch(payload)
    if match is None:
        return _decode_slowly(payload)
    index, kind, name, stat, mode, uid, gid, rdev, size, atime, mtime, stream, link = match.groups()
    numbers = _numbers
    return RestoredFile(
        int(index),
        int(kind) & 0xFFFF,
        name,
        link,
        numbers[mode],
        numbers[uid] & 0xFFFF_FFFF,
        numbers[gid] & 0xFFFF_FFFF,
        numbers[rdev],
        _decode(size),
        _decode(atime),
        _decode(mtime),
        numbers[stream],
        stat,
    )


def _decode_slowly(payload: bytes) -> RestoredFile:
    record = decode_attributes(payload)
    try:
        stat = decode_stat(record.stat)
    except RemoteProtocolError as error:
        text = b"Error scanning attributes: " + payload[:200] + b"\n"
        raise RemoteProtocolError(str(error), fatal=text) from None
    return RestoredFile(
        record.file_index,
        record.type,
        record.name,
        record.link,
        stat.mode,
        stat.uid & 0xFFFF_FFFF,
        stat.gid & 0xFFFF_FFFF,
        stat.rdev,
        stat.size,
        stat.atime,
        stat.mtime,
        stat.stream,
        record.stat,
    )
