"""Chunks of a verify: some small files already read, or one large file still open, and their digests.

`Digester` turns chunks into batches on its threads: hashing releases the GIL. Sends nothing.
"""

import os
from binascii import b2a_base64
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, local

from fdaemon.channels.verify import Message, VerifyBatch
from fdaemon.codec.sparse import Extents, ZeroRule, is_zero
from fdaemon.errors import JobCanceled
from fdaemon.fs.times import restore_atime
from fdaemon.jobs.backup_types import error_text
from fdaemon.jobs.verify_plan import VerifyPlan
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters

BLOCK = 262_144
"""Content bytes read at a time, and the block of the sparse rule (core/src/filed/verify.cc: ReadDigest)."""
CHUNK = 2 << 20
"""Content bytes of a chunk of small files: enough for one hand-over to a thread to pay, little enough for memory."""

type Undigested = tuple[bytes, VerifyPlan, int, int, int]
"""The attribute packet with its length word; plan, file index, start and end in the buffer of the content."""


class Chunk:
    """Files that are digested, and sent, together. `digested` and `hashed` (bytes) count what is already done."""

    __slots__ = (
        "buffer",
        "current",
        "digested",
        "files",
        "hashed",
        "items",
        "large",
        "messages",
        "skipped",
        "used",
    )

    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self.used = 0
        self.items: list[bytes | Undigested] = []
        self.large: LargeFile | None = None
        self.files = 0
        self.current = b""
        self.digested = 0
        self.hashed = 0
        self.skipped = 0
        self.messages: list[Message] = []

    def add(self, item: bytes | Undigested, index: int, path: bytes) -> None:
        """A file: its finished packets with their length words, or what is needed to finish them."""
        self.items.append(item)
        self.files = index
        self.current = path


class LargeFile:
    """A file that did not fit a chunk: its open descriptor, closed by whoever digests it, and what is to be read."""

    __slots__ = ("descriptor", "index", "path", "plan", "stat")

    def __init__(
        self, descriptor: int, index: int, path: bytes, plan: VerifyPlan, stat: os.stat_result
    ) -> None:
        self.descriptor = descriptor
        self.index = index
        self.path = path
        self.plan = plan
        self.stat = stat


class _Buffers(local):
    """One read buffer for each thread."""

    def __init__(self) -> None:
        self.block = memoryview(bytearray(BLOCK))


class Digester:
    """`submit` hands a chunk over; with no `threads` it is digested at once. Counts hashed bytes in `counters`."""

    def __init__(self, threads: int, counters: Counters, check_cancelled: Callable[[], None]) -> None:
        self._pool = ThreadPoolExecutor(threads, "fdaemon-verify") if threads > 0 else None
        self._check_cancelled = check_cancelled if threads <= 0 else lambda: None
        self._counters = counters
        self._lock = Lock()
        self._buffers = _Buffers()
        self._stopped = False

    def submit(self, chunk: Chunk) -> Future[VerifyBatch]:
        """The chunk's batch, in time; its buffer is free again when that is done."""
        if self._pool is not None:
            return self._pool.submit(self._digest, chunk)
        future: Future[VerifyBatch] = Future()
        future.set_result(self._digest(chunk))
        return future

    def stop(self) -> None:
        """What is being digested ends with JobCanceled at its next block. From any thread."""
        self._stopped = True

    def close(self) -> None:
        """End the threads. Chunks that still wait are passed through, so that their files are closed."""
        self._stopped = True
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _digest(self, chunk: Chunk) -> VerifyBatch:
        large = chunk.large
        if large is not None:
            try:
                return self._finish(chunk, *self._digest_large(large))
            finally:
                os.close(large.descriptor)
        self._check_stopped()
        return self._finish(chunk)

    def _finish(self, chunk: Chunk, large_digest: bytes = b"", failure: Message | None = None) -> VerifyBatch:
        parts: list[bytes] = []
        buffer, digested, size = chunk.buffer, chunk.digested, chunk.hashed
        for item in chunk.items:
            if isinstance(item, bytes):
                parts.append(item)
                continue
            attributes, plan, index, start, end = item
            assert plan.new_hash is not None
            parts.append(attributes)
            parts.append(_digest_packet(plan, index, plan.new_hash(buffer[start:end]).digest()))
            digested += 1
            size += end - start
        if large_digest and chunk.large is not None:
            parts.append(_digest_packet(chunk.large.plan, chunk.large.index, large_digest))
            digested += 1
        self._count(size)
        return VerifyBatch(
            b"".join(parts),
            files=chunk.files or None,
            current=chunk.current,
            digested=digested,
            plain=len(chunk.items) - digested,
            skipped=chunk.skipped,
            messages=tuple(chunk.messages if failure is None else (*chunk.messages, failure)),
        )

    def _digest_large(self, large: LargeFile) -> tuple[bytes, Message | None]:
        """The digest, of what could be read, and the message if that was not all (protocol/05 section 8)."""
        assert large.plan.new_hash is not None
        hashed, options, failure = large.plan.new_hash(), large.plan.options, None
        descriptor, view = large.descriptor, self._buffers.block
        rule = ZeroRule(large.stat.st_size, BLOCK, parallel=False) if options.sparse else None
        extents = Extents(descriptor, large.stat)
        address = 0
        try:
            while True:
                self._check_stopped()
                if rule is not None:
                    address += rule.blocks_in_hole(address, extents.next_data(address)) * BLOCK
                count = _fill(descriptor, view, address)
                if not count:
                    break
                if rule is None or not (rule.may_skip(address, count) and is_zero(view[:count])):
                    hashed.update(view[:count])
                    self._count(count)
                address += count
        except OSError as error:
            text = b"Error reading file %b: ERR=%b\n" % (large.path, error_text(error))
            failure = (MessageType.ERROR, text, 1)
        if options.keep_atime:
            restore_atime(descriptor, large.stat)
        return hashed.digest(), failure

    def _check_stopped(self) -> None:
        if self._stopped:
            raise JobCanceled("stopped")
        self._check_cancelled()

    def _count(self, size: int) -> None:
        with self._lock:
            self._counters.read_bytes += size
            self._counters.job_bytes += size


def _digest_packet(plan: VerifyPlan, index: int, digest: bytes) -> bytes:
    """A digest packet with its length word, as `protocol.verify.digest_packet` makes it without."""
    text = b2a_base64(digest, newline=False)[: plan.digest_size]
    packet = b"%d%b%b%b%d*" % (index, plan.digest_head, text, plan.digest_tail, index)
    return len(packet).to_bytes(4, "big") + packet


def _fill(descriptor: int, view: memoryview, offset: int) -> int:
    """Read until `view` is full or the file ends, so that blocks stay where the sparse rule counts them."""
    done = os.preadv(descriptor, [view], offset)
    while 0 < done < len(view):
        count = os.preadv(descriptor, [view[done:]], offset + done)
        if not count:
            break
        done += count
    return done
