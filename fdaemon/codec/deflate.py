"""Which deflate encoder makes the zlib streams of a GZIP level: the fastest that stays within 5 % of zlib's size.

The choice was measured on eight kinds of data; the table is in docs/encoders.md. All three libraries release the GIL.
"""

import zlib
from collections.abc import Buffer, Callable
from typing import cast

import deflate as libdeflate
from isal import igzip_lib, isal_zlib

_ISAL_ERROR = cast("type[Exception]", igzip_lib.IsalError)
_ISAL_LEVEL = {1: 2, 2: 2, 3: 3}
"""Levels at which ISA-L is never more than 5 % larger than zlib; from 4 on it is by up to 17 % on text."""
_LIBDEFLATE_LEVEL = {4: 2, 5: 3, 6: 4, 7: 4, 8: 6, 9: 6}
"""libdeflate levels for the rest."""
_SMALL = 4096
"""Blocks up to this size: ISA-L's level 3 stays within 5 % of every zlib level and takes a third of the time."""
_PROBE = 32768
"""Bytes, but at most a quarter of the block, compressed to see whether a block is worth libdeflate's effort."""
_POOR = 0.6
"""Above this ratio ISA-L's level 3 is within 5 % of zlib at every level, several times faster."""


def deflate(level: int) -> Callable[[Buffer], bytes]:
    """A function that makes one zlib stream (header, deflate, Adler-32) of a block, at `level` 0 to 9."""
    if level in _ISAL_LEVEL:
        return _isal(_ISAL_LEVEL[level])
    if level in _LIBDEFLATE_LEVEL:
        return _adaptive(_LIBDEFLATE_LEVEL[level])
    return _plain(level)


def _plain(level: int) -> Callable[[Buffer], bytes]:
    return lambda block: zlib.compress(block, level)


def _isal(level: int) -> Callable[[Buffer], bytes]:
    return lambda block: isal_zlib.compress(block, level)


def _adaptive(level: int) -> Callable[[Buffer], bytes]:
    def compress(block: Buffer) -> bytes:
        view = memoryview(block)
        size = len(view)
        if size <= _SMALL:
            return isal_zlib.compress(block, 3)
        probe = min(_PROBE, size // 4)
        start = (size - probe) // 2
        if len(isal_zlib.compress(view[start : start + probe], 1)) > _POOR * probe:
            packed = isal_zlib.compress(block, 3)
            if len(packed) > _POOR * size:
                return packed
        return bytes(libdeflate.zlib_compress(block, level))

    return compress


def inflate(stream: Buffer, limit: int) -> bytes:
    """The content of a zlib stream, at most `limit` bytes. ValueError when it is damaged, cut short or larger.

    Bytes after the end of the stream are passed over, as the C++ daemon does.
    """
    decoder = isal_zlib.decompressobj()
    try:
        data = decoder.decompress(stream, limit)
    except _ISAL_ERROR as error:
        raise ValueError(str(error)) from error
    if not decoder.eof:
        raise ValueError("incomplete or too large")
    return data
