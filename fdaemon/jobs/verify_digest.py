"""Turns the chunks of a verify into batches, in order. Sends nothing.

Small files go to a second process where there is one, large ones to threads, because hashing releases the GIL.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock, local

from fdaemon.channels.verify import Message, VerifyBatch
from fdaemon.codec.digest import digest_of
from fdaemon.codec.digest_program import Slot
from fdaemon.codec.digest_worker import WORKABLE, DigestWorker, WorkerEnded
from fdaemon.codec.sparse import Extents, ZeroRule, is_zero
from fdaemon.errors import JobCanceled
from fdaemon.fs.times import restore_atime
from fdaemon.jobs.backup_types import error_text
from fdaemon.jobs.verify_chunk import CHUNK, FILES, Chunk, LargeFile, digest_packet
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters

BLOCK = 262_144
"""Content bytes read at a time, and the block of the sparse rule (core/src/filed/verify.cc: ReadDigest)."""
SLOTS = 8
"""Chunks that the worker's memory holds: one is filled, one digested, and some wait to be sent."""
WORKER_FROM = 4096
"""Files after which a worker is started: its start costs as much CPU as digesting some 2,000."""


class _Blocks(local):
    """One read buffer for each thread."""

    def __init__(self) -> None:
        self.block = memoryview(bytearray(BLOCK))


class Digester:
    """Takes chunks, gives their batches in the same order: for one thread, but for `stop`.

    With no `threads` a chunk is digested as it comes. Counts hashed bytes in `counters`.
    """

    def __init__(self, threads: int, counters: Counters, check_cancelled: Callable[[], None]) -> None:
        self._pool = ThreadPoolExecutor(threads, "fdaemon-verify") if threads > 0 else None
        self._limit = max(1, 2 * threads)
        self._check_cancelled = check_cancelled if threads <= 0 else lambda: None
        self._counters = counters
        self._lock = Lock()
        self._blocks = _Blocks()
        self._stopped = False
        self._waiting: deque[Chunk] = deque()
        self._free: list[memoryview] = []
        self._worker: DigestWorker | None = None
        self._slots: list[Slot] = []
        self._until_worker = WORKER_FROM

    @property
    def waiting(self) -> int:
        """Chunks whose batches were not taken."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """True when batches should be taken before more is submitted."""
        return len(self._waiting) > self._limit

    @property
    def ready(self) -> bool:
        """True when the next batch is there."""
        if not self._waiting:
            return False
        future = self._waiting[0].future
        return self._worker is None or self._worker.ready() if future is None else future.done()

    def new_chunk(self) -> Chunk:
        """An empty chunk, in shared memory if there is a worker."""
        if self._slots:
            slot = self._slots.pop()
            return Chunk(slot.content, slot)
        return Chunk(self._free.pop() if self._free else memoryview(bytearray(CHUNK)))

    def submit(self, chunk: Chunk) -> None:
        """Have a chunk digested."""
        self._waiting.append(chunk)
        if self._pool is None:
            chunk.future = Future()
            chunk.future.set_result(self._digest(chunk))
        elif not self._order(chunk):
            chunk.future = self._pool.submit(self._digest, chunk)
            self._consider_worker(chunk.missed)

    def take(self) -> VerifyBatch:
        """The oldest batch; waits for it. Raises JobCanceled after `stop`."""
        chunk = self._waiting.popleft()
        batch = self._collect(chunk) if chunk.future is None else chunk.future.result()
        if chunk.slot is None:
            self._free.append(chunk.buffer)
        elif self._worker is not None:
            self._slots.append(chunk.slot)
        return batch

    def stop(self) -> None:
        """What is being digested ends with JobCanceled at its next block. From any thread."""
        self._stopped = True
        worker = self._worker
        if worker is not None:
            worker.stop()

    def close(self) -> None:
        """End the worker and the threads. Chunks that still wait are passed through, so that their files are closed."""
        self._stopped = True
        self._end_worker()
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _consider_worker(self, missed: int) -> None:
        """Start the worker once it has missed so many files that it pays."""
        if self._until_worker <= 0:
            return
        self._until_worker -= missed
        if self._until_worker <= 0:
            with suppress(OSError):
                self._worker = DigestWorker(SLOTS, CHUNK, FILES)
                self._slots = list(self._worker.slots)

    def _end_worker(self) -> None:
        worker, self._worker, self._slots = self._worker, None, []
        if worker is not None:
            worker.close()

    def _order(self, chunk: Chunk) -> bool:
        """Have the worker digest a chunk. False if that is not for it, or it has ended."""
        slot, digest = chunk.slot, chunk.digest
        if self._worker is None or slot is None or digest not in WORKABLE or chunk.large is not None:
            return False
        try:
            self._worker.submit(slot, chunk.contents, digest)
        except WorkerEnded:
            self._end_worker()
            return False
        return True

    def _collect(self, chunk: Chunk) -> VerifyBatch:
        """The batch of a chunk that the worker was given; if it has ended, its contents are digested here."""
        if self._worker is not None and chunk.slot is not None:
            try:
                self._worker.wait()
            except WorkerEnded:
                self._end_worker()
            else:
                return self._finish(chunk, digests=chunk.slot.digests)
        return self._digest(chunk)

    def _digest(self, chunk: Chunk) -> VerifyBatch:
        large = chunk.large
        if large is not None:
            try:
                return self._finish(chunk, *self._digest_large(large))
            finally:
                os.close(large.descriptor)
        self._check_stopped()
        return self._finish(chunk)

    def _finish(
        self,
        chunk: Chunk,
        large_digest: bytes = b"",
        failure: Message | None = None,
        *,
        digests: memoryview | None = None,
    ) -> VerifyBatch:
        """`digests`: those of the contents, one behind the other, if somebody has made them."""
        parts: list[bytes] = []
        buffer, start, at = chunk.buffer, 0, 0
        for item in chunk.items:
            if isinstance(item, bytes):
                parts.append(item)
                continue
            attributes, plan, number, end = item
            if digests is None:
                assert plan.new_hash is not None
                digest = digest_of(plan.new_hash, buffer[start:end])
            else:
                digest = bytes(digests[at : at + plan.size])
                at += plan.size
            parts += (attributes, digest_packet(plan, number, digest))
            start = end
        if large_digest and chunk.large is not None:
            parts.append(digest_packet(chunk.large.plan, b"%d" % chunk.large.index, large_digest))
        digested = chunk.digested + chunk.contents + bool(large_digest)
        self._count(chunk.hashed + chunk.used)
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
        descriptor, view = large.descriptor, self._blocks.block
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


def _fill(descriptor: int, view: memoryview, offset: int) -> int:
    """Read until `view` is full or the file ends, so that blocks stay where the sparse rule counts them."""
    done = os.preadv(descriptor, [view], offset)
    while 0 < done < len(view):
        count = os.preadv(descriptor, [view[done:]], offset + done)
        if not count:
            break
        done += count
    return done
