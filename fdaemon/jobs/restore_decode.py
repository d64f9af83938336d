"""Turns the records of one file's data stream into plain blocks: decrypt, address, decompress, Windows wrapping.

Order and limits: protocol/04 sections 3.3 to 3.6, 5.4, 8.4 and 8.6. Every failure is a FileProblem; after it the
rest of the file's data is ignored. Never touches the disk.
"""

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Protocol

from fdaemon.codec.compress import decompress
from fdaemon.errors import FileProblem
from fdaemon.wire import streams

ADDRESS_SIZE = 8
MAX_SEALED = 16 * 1024 * 1024
"""Longest length-prefixed block inside a cipher text (section 5.6)."""

_LENGTH = Struct(">I")
_WINDOWS_HEADER = Struct("<IIQI")
_BACKUP_DATA = 1
"""WIN32_STREAM_ID of the file's content (core/src/findlib/bfile.cc: processWin32BackupAPIBlock)."""


type Block = tuple[int | None, bytes | memoryview]
"""Address (None: right after the block before) and bytes."""


class Decryptor(Protocol):
    """Decrypts one file. The last `block_size` bytes of all that `update_into` gives end in padding: `finish` tells how
    many bytes, and raises ValueError when it is wrong.
    """

    @property
    def block_size(self) -> int: ...
    def update_into(self, data: bytes | memoryview, target: memoryview, /) -> int: ...
    def finish(self, last: bytes, /) -> int: ...


class Decoder:
    """Decodes one file's data stream `stream`. `name` is the output name, for messages."""

    def __init__(
        self,
        stream: int,
        name: bytes,
        new_decryptor: Callable[[], Decryptor] | None = None,
    ) -> None:
        self._name = name
        self._sparse = stream in streams.SPARSE_DATA
        self._gzip = stream in streams.GZIP_DATA
        self._compressed = self._gzip or stream in streams.COMPRESSED_DATA
        self._windows = WindowsContent(name) if stream in streams.WIN32_DATA else None
        self._decryptor: Decryptor | None = None
        self._buffer = memoryview(b"")
        self._start = self._end = 0
        if stream in streams.ENCRYPTED_DATA:
            if new_decryptor is None:
                raise FileProblem(b"Missing encryption session data stream for %b\n" % name)
            try:
                self._decryptor = new_decryptor()
            except ValueError:
                text = b"Failed to initialize decryption context for %b\n" % name
                raise FileProblem(text) from None

    def blocks(self, record: bytes | memoryview) -> Iterator[Block]:
        """The (address or None, bytes) that one record yields. Raises FileProblem."""
        decryptor = self._decryptor
        if decryptor is None:
            yield self._block(record)
            return
        self._open(decryptor, record)
        yield from self._unseal(held_back=decryptor.block_size)

    def finish(self) -> Iterator[Block]:
        """What is left at the end of the file. Raises FileProblem for a cut or forged cipher text."""
        decryptor = self._decryptor
        if decryptor is None:
            return
        try:
            held_back = decryptor.finish(bytes(self._buffer[: self._end][-decryptor.block_size :]))
        except ValueError:
            raise self._cut(max(0, self._end - self._start - decryptor.block_size)) from None
        yield from self._unseal(held_back)
        left = self._end - self._start - held_back
        if left:
            raise self._cut(left)

    def _cut(self, size: int) -> FileProblem:
        return FileProblem(b"Decryption error. buf_len=%d decrypt_len=0 on file %b\n" % (size, self._name))

    def content(self, block: bytes | memoryview) -> bytes | memoryview:
        """What of a plain block goes into the file: all of it, or what a Windows wrapping leaves."""
        return block if self._windows is None else self._windows.content(bytes(block))

    def _open(self, decryptor: Decryptor, record: bytes | memoryview) -> None:
        """Decrypt behind what is left of the text before. Blocks given out are views of the buffer, so it is never
        overwritten. A new one has room to spare where a long block comes in short records, which would else cost a
        copy of the block each.
        """
        room = len(record) + decryptor.block_size
        if len(self._buffer) - self._end < room:
            left = self._end - self._start
            spare = left if left > 8 * room else 0
            buffer = memoryview(bytearray(left + room + spare))
            buffer[:left] = self._buffer[self._start : self._end]
            self._buffer, self._start, self._end = buffer, 0, left
        self._end += decryptor.update_into(record, self._buffer[self._end :])

    def _unseal(self, held_back: int) -> Iterator[Block]:
        """The whole blocks in the plain text, as views of it, but for the last `held_back` bytes."""
        buffer, limit = self._buffer, self._end - held_back
        while limit - self._start >= _LENGTH.size:
            first = self._start + _LENGTH.size
            (size,) = _LENGTH.unpack_from(buffer, self._start)
            if size > MAX_SEALED:
                raise FileProblem(b"Decryption error. Block of %d bytes on file %b\n" % (size, self._name))
            if first + size > limit:
                break
            self._start = first + size
            yield self._block(buffer[first : self._start])

    def _block(self, record: bytes | memoryview) -> Block:
        address: int | None = None
        if self._sparse:
            if len(record) < ADDRESS_SIZE:
                text = b"Sparse record of %d bytes without an address on file %b\n" % (
                    len(record),
                    self._name,
                )
                raise FileProblem(text)
            address = int.from_bytes(record[:ADDRESS_SIZE], "big")
            record = record[ADDRESS_SIZE:]
        if self._compressed:
            record = decompress(record, gzip=self._gzip, name=self._name)
        return address, record


class WindowsContent:
    """Picks the file content out of Windows BackupRead data, whose headers may lie across block borders."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._header = bytearray()
        self._wanted = _WINDOWS_HEADER.size
        self._left = 0
        self._is_content = False

    def content(self, block: bytes) -> bytes:
        """The content bytes in `block`. Raises FileProblem for a header that cannot be."""
        pieces: list[bytes] = []
        at = 0
        while at < len(block):
            if self._left:
                piece = block[at : at + self._left]
                if self._is_content:
                    pieces.append(piece)
                self._left -= len(piece)
                at += len(piece)
                continue
            take = self._wanted - len(self._header)
            self._header += block[at : at + take]
            at += take
            if len(self._header) == self._wanted:
                self._read_header()
        return b"".join(pieces)

    def _read_header(self) -> None:
        kind, _, size, name_size = _WINDOWS_HEADER.unpack_from(self._header)
        if name_size > 0xFFFF or size > 1 << 62:
            raise FileProblem(
                b"Write error in Win32 Block Decomposition on %b: Invalid header\n" % self._name
            )
        if len(self._header) < _WINDOWS_HEADER.size + name_size:
            self._wanted = _WINDOWS_HEADER.size + name_size
            return
        self._is_content = kind == _BACKUP_DATA
        self._left = size
        self._header.clear()
        self._wanted = _WINDOWS_HEADER.size
