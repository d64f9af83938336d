"""The file whose content is being restored: writes its blocks, watches its size and digest. One at a time.

Rules: protocol/04 sections 4.2, 8.4 and 8.5. Better than C++: the digest of the backup is compared with what was
written, and zeros that the C++ backup forgets at the end of sparse files are put back.
"""

import os
import select
from collections.abc import Callable
from dataclasses import dataclass, field

from fdaemon.codec.digest import Hash, digest_of, hash_factory
from fdaemon.codec.ordered import OrderedDigests
from fdaemon.errors import FileProblem
from fdaemon.fs.extended import error_text
from fdaemon.fs.problem import Problem, Severity
from fdaemon.jobs.restore_decode import Decoder
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.restored import RestoredFile

HELD_FOR_DIGEST = 1 << 20
"""Bytes kept until the digest's record says which algorithm it is; then the one of the file before is assumed."""
HELD_AT_FIRST = 16 << 20
"""The same before any digest was seen. A first file above it stays unchecked."""
PIECE = 4096
"""Blocks below this size are kept together: each by itself would cost ten times its size."""
EXTENDED_LIMIT = 4 << 20
"""Bytes of ACL and attribute records kept for one file. A backup has one of each kind, together below 3 MB."""
RECORD_COST = 128
"""Bytes that a kept record costs beside its content."""
PIPE_POLL = 500
"""Milliseconds between two looks at the cancel flag while nobody reads from a pipe."""
BEHIND = 8
"""Blocks (64 KiB to 1 MiB) of a file above HELD_FOR_DIGEST that its digests may lag behind its writing, on a thread."""


@dataclass(slots=True)
class DigestWatch:
    """What the files of one job share: whether digests and signatures are checked, which digest came last, and the
    thread that digests large files; and `check_cancelled`, which raises when the job was canceled.
    """

    wanted: bool = True
    signatures: bool = False
    check_cancelled: Callable[[], None] = lambda: None
    last: Digest | None = None
    behind: OrderedDigests = field(default_factory=OrderedDigests)


class Content:
    """An open output file. `extended` and `signature` keep its later records until it is closed."""

    __slots__ = (
        "_block", "_decoder", "_end", "_extended", "_hash", "_held", "_pieces", "_position", "_signed", "_ticket",
        "_watch",
        "extended", "fd", "item", "shown", "signature",
    )  # fmt: skip

    def __init__(self, fd: int, item: RestoredFile, shown: bytes, watch: DigestWatch) -> None:
        self.fd = fd
        self.item = item
        self.shown = shown
        self.signature: bytes | None = None
        self.extended: list[tuple[int, bytes]] = []
        self._extended = 0
        self._watch = watch
        self._position = 0
        self._end = 0
        self._block = 0
        self._held = 0
        self._pieces: list[bytes | bytearray | memoryview] | None = [] if watch.wanted else None
        self._hash: Hash | None = None
        self._signed = hash_factory(Digest.SHA256)() if watch.signatures else None
        self._decoder: Decoder | None = None
        self._ticket = 0

    def write_plain(self, data: bytes | memoryview) -> int:
        """Append a block of stream 2; returns the bytes written. Raises FileProblem."""
        size = len(data)
        try:
            try:
                written = os.write(self.fd, data)
            except BlockingIOError:
                written = 0
            if written != size:
                self._write_rest(data, written)
        except OSError as error:
            raise FileProblem(b"Write error on %b: %b\n" % (self.shown, error_text(error))) from None
        self._end = self._position = self._position + size
        self._take_note(data, size)
        return size

    def _take_note(self, block: bytes | memoryview, size: int) -> None:
        """Digest a block as the backup read it: before compression and encryption, Windows wrapping included."""
        if not size:
            return
        pieces = self._pieces
        if pieces is not None:
            if size >= PIECE:
                pieces.append(block)
            elif pieces and isinstance(pieces[-1], bytearray):
                pieces[-1] += block
            else:
                pieces.append(bytearray(block))
            self._held += size
            if self._held > HELD_FOR_DIGEST:
                self._start_hash()
        elif self._hash is not None:
            self._digest(self._hash, block)
        if self._signed is not None:
            self._digest(self._signed, block)

    def _digest(self, target: Hash, block: bytes | bytearray | memoryview) -> None:
        """Add a block to a digest: at once in a small file, by the digest thread in a large one."""
        if self.item.size <= HELD_FOR_DIGEST:
            target.update(block)
            return
        behind = self._watch.behind
        self._ticket = ticket = behind.submit((target,), memoryview(block))
        if ticket > BEHIND:
            behind.wait(ticket - BEHIND)

    def keep_extended(self, stream: int, data: bytes) -> Problem | None:
        """Keep an ACL or attribute record until the file is closed; told once when there are too many."""
        before = self._extended
        self._extended += len(data) + RECORD_COST
        if self._extended <= EXTENDED_LIMIT:
            self.extended.append((stream, data))
        elif before <= EXTENDED_LIMIT:
            text = b"ACLs and attributes of %b exceed %d bytes: the rest is left out.\n"
            return Problem(Severity.ERROR, text % (self.shown, EXTENDED_LIMIT))
        return None

    def start_decoding(self, decoder: Decoder) -> None:
        """Blocks come through `decoder` from here on."""
        self._decoder = decoder

    @property
    def decoding(self) -> bool:
        """True once a decoder was set."""
        return self._decoder is not None

    def write_record(self, data: bytes | memoryview) -> int:
        """Decode and write one record of any data stream; returns the bytes written. Raises FileProblem."""
        decoder = self._decoder
        assert decoder is not None
        return sum([self._write_block(decoder, address, block) for address, block in decoder.blocks(data)])

    def finish(self) -> int:
        """Write what the decoder still holds; returns the bytes written. Raises FileProblem."""
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            return 0
        return sum([self._write_block(decoder, address, block) for address, block in decoder.finish()])

    def _write_block(self, decoder: Decoder, address: int | None, block: bytes | memoryview) -> int:
        if address is not None and address != self._position:
            try:
                os.lseek(self.fd, address, os.SEEK_SET)
            except (OSError, OverflowError) as error:
                reason = error_text(error) if isinstance(error, OSError) else b"Invalid argument"
                raise FileProblem(
                    b"Seek to %d error on %b: ERR=%b\n" % (address, self.shown, reason)
                ) from None
            self._position = address
        self._block = max(self._block, len(block))
        content = decoder.content(block)
        end = self._end
        if content is block:
            self.write_plain(block)
        else:
            try:
                self._write_rest(content, 0)
            except OSError as error:
                text = b"Write error in Win32 Block Decomposition on %b: %b\n"
                raise FileProblem(text % (self.shown, error_text(error))) from None
            self._position += len(content)
            self._take_note(block, len(block))
        self._end = max(end, self._position)
        return len(content)

    @property
    def signed_digest(self) -> bytes | None:
        """SHA-256 of the content, for its signature; None when it was not asked for."""
        self._watch.behind.wait(self._ticket)
        return None if self._signed is None else self._signed.digest()

    def close(self) -> Problem | None:
        """Close the file; some file systems tell only now that they could not write it."""
        return close_file(self.fd, self.shown)

    def check_digest(self, stream: int, digest: bytes) -> Problem | None:
        """Compare with the digest of the backup; None when it is right or was not computed."""
        watch = self._watch
        kind = Digest.of_stream(stream)
        if kind is None or not watch.wanted:
            return None
        right_guess = watch.last is kind
        watch.last = kind
        if self._pieces is not None:
            pieces = self._pieces
            actual = digest_of(hash_factory(kind), pieces[0] if len(pieces) == 1 else b"".join(pieces))
        elif self._hash is not None and right_guess:
            watch.behind.wait(self._ticket)
            actual = self._hash.digest()
        else:
            return None
        if actual == digest:
            return None
        return digest_differs(kind, self.shown)

    def check_size(self) -> Problem | None:
        """Compare the size with the record's, after the last block.

        A sparse file that ends in whole blocks of zeros may lack them (a bug of the C++ backup, section 3.3):
        they are added.
        """
        size, end = self.item.size, self._end
        if self.item.type != FileType.REG or size <= 0 or end == size:
            return None
        if self._sparse and end < size and not (self._block and (end % self._block or size % self._block)):
            try:
                os.ftruncate(self.fd, size)
            except OSError as error:
                text = b"Write error on %b: %b\n" % (self.shown, error_text(error))
                return Problem(Severity.ERROR, text)
            return None
        if not end:
            text = b"The backup holds no content of file %b (%d bytes): restored empty.\n" % (
                self.shown,
                size,
            )
            return Problem(Severity.WARNING, text)
        text = b"File size of restored file %b not correct. Original %d, restored %d.\n"
        return Problem(Severity.ERROR, text % (self.shown, size, end))

    @property
    def _sparse(self) -> bool:
        return self.item.stream in (6, 7, 30)

    def _write_rest(self, data: bytes | memoryview, written: int) -> None:
        view = memoryview(data)[written:]
        while view:
            try:
                view = view[os.write(self.fd, view) :]
            except BlockingIOError:  # a full pipe
                poll = select.poll()
                poll.register(self.fd, select.POLLOUT)
                while not poll.poll(PIPE_POLL):
                    self._watch.check_cancelled()

    def _start_hash(self) -> None:
        pieces, kind = self._pieces, self._watch.last
        if pieces is None or (kind is None and self._held <= HELD_AT_FIRST):
            return
        self._pieces = None
        if kind is not None:
            self._hash = hash_factory(kind)()
            for piece in pieces:
                self._digest(self._hash, piece)


def close_file(fd: int, shown: bytes) -> Problem | None:
    """Close a written file; what the file system says about it."""
    try:
        os.close(fd)
    except OSError as error:
        return Problem(Severity.ERROR, b"Write error on %b: %b\n" % (shown, error_text(error)))
    return None


def digest_differs(kind: Digest, shown: bytes) -> Problem:
    """The warning about content that is not what was backed up."""
    text = b"%b digest of restored file %b differs from the one in the backup.\n"
    return Problem(Severity.WARNING, text % (kind.label, shown))
