"""Compressed blocks with their 12-byte header, both directions. Each block stands alone; knows no files.

Formats and messages: protocol/04 sections 3.5 and 3.6 (core/src/lib/compression.cc).
"""

import importlib
from collections.abc import Buffer, Callable
from enum import Enum
from struct import Struct
from typing import Any

import lzallright
from lz4 import block as lz4_block  # type: ignore[import-untyped]

from fdaemon.codec import fastlz
from fdaemon.codec.deflate import deflate, inflate
from fdaemon.errors import FileProblem

HEADER = Struct(">4sIHH")
"""Magic, bytes that follow, level, version."""
VERSION = 1
LIMIT = 64 * 1024 * 1024
"""Largest plain block accepted. The C++ daemon knows no bound; writers make blocks of at most 262144 bytes, or what
`Maximum Network Buffer Size` says, never above 1,000,000."""


class Algorithm(Enum):
    """A compression algorithm, valued with the magic of its blocks (core/src/include/ch.h)."""

    GZIP = b"GZIP"
    LZO = b"LZOX"
    LZFAST = b"FZFZ"
    LZ4 = b"FZ4L"
    LZ4HC = b"FZ4H"


_OF_MAGIC = {algorithm.value: algorithm for algorithm in Algorithm}
_LEVELS = {Algorithm.LZO: 0, Algorithm.LZ4: 1, Algorithm.LZ4HC: 1}
"""The level field where none is configured."""


class Compressor:
    """Makes records of one algorithm and level. Holds no state between blocks, so any thread may use it."""

    __slots__ = ("_level", "_magic", "_pack")

    def __init__(self, algorithm: Algorithm, level: int = 0) -> None:
        if algorithm is Algorithm.LZFAST:
            algorithm = (
                Algorithm.LZ4
            )  # smaller and 50 times faster here, and every reader of the one reads the other
        self._magic = algorithm.value
        self._level = _LEVELS.get(algorithm, level)
        self._pack = _packer(algorithm, level)

    def compress(self, block: Buffer) -> bytes:
        """The record of one block: header and compressed data. ValueError if the format cannot hold the block."""
        packed = self._pack(block)
        return HEADER.pack(self._magic, len(packed), self._level, VERSION) + packed


def decompress(record: Buffer, max_size: int = LIMIT, /, *, gzip: bool = False, name: bytes = b"") -> bytes:
    """The plain block, at most `max_size` bytes, of a record with header; with `gzip`, of a bare zlib stream as old
    releases wrote them. FileProblem with the C++ message about file `name` if there is none.
    """
    view = memoryview(record).cast("B")
    if gzip:
        return _unpack_gzip(view, max_size, name)
    algorithm, body = _split(view)
    if algorithm is Algorithm.GZIP:
        return _unpack_gzip(body, max_size, name)
    try:
        if algorithm is Algorithm.LZO:
            return _unpack_lzo(body, max_size)
        return fastlz.unwrap(body, max_size, lz4=algorithm is not Algorithm.LZFAST)
    except ValueError as error:
        kind = b"LZO uncompression" if algorithm is Algorithm.LZO else b"Uncompression"
        text = b"%b error on file %b. ERR=%b\n" % (kind, name, str(error).encode())
        raise FileProblem(text) from error


def _split(record: memoryview) -> tuple[Algorithm, memoryview]:
    """Algorithm and compressed data of a record with header."""
    if len(record) < HEADER.size:
        raise FileProblem(b"Compressed header size error. comp_len=0, message_length=%d\n" % len(record))
    magic, size, _, version = HEADER.unpack_from(record)
    if version != VERSION:
        raise FileProblem(b"Compressed header version error. version=0x%x\n" % version)
    if size + HEADER.size != len(record):
        text = b"Compressed header size error. comp_len=%d, message_length=%d\n"
        raise FileProblem(text % (size, len(record)))
    algorithm = _OF_MAGIC.get(magic)
    if algorithm is None:
        number = int.from_bytes(magic, "big")
        raise FileProblem(b"Compression algorithm 0x%x found, but not supported!\n" % number)
    return algorithm, record[HEADER.size :]


def _unpack_gzip(stream: memoryview, max_size: int, name: bytes) -> bytes:
    try:
        return inflate(stream, max_size)
    except ValueError as error:
        raise FileProblem(b"Uncompression error on file %b. ERR=Zlib data error\n" % name) from error


def _packer(algorithm: Algorithm, level: int) -> Callable[[Buffer], bytes]:
    match algorithm:
        case Algorithm.GZIP:
            return deflate(level)
        case Algorithm.LZO:
            return _lzo_packer()
        case Algorithm.LZ4:
            return lambda block: fastlz.wrap(block, lz4_block.compress(block, store_size=False))
        case Algorithm.LZ4HC:
            return lambda block: fastlz.wrap(
                block, lz4_block.compress(block, mode="high_compression", store_size=False)
            )
        case Algorithm.LZFAST:
            raise ValueError("FastLZ is not written")


def _find_lzo() -> Any | None:
    """The optional package python-lzo, the LZO library itself: some 20 times faster than the Rust port."""
    try:
        return importlib.import_module("lzo")
    except ImportError:
        return None


_LZO = _find_lzo()


def _lzo_packer() -> Callable[[Buffer], bytes]:
    if _LZO is not None:
        library = _LZO
        return lambda block: bytes(library.compress(bytes(block), 1, False))
    return lambda block: lzallright.LZOCompressor().compress(bytes(block))


def _unpack_lzo(body: memoryview, limit: int) -> bytes:
    """A raw LZO1X block. It grows by less than 256 times, so a record of one packet cannot fill the memory."""
    try:
        data = bytes(lzallright.LZOCompressor.decompress(bytes(body)))
    except lzallright.LZOError as error:
        raise ValueError(type(error).__name__ if error.args[1:] else str(error)) from error
    if len(data) > limit:
        raise ValueError("too large")
    return data
