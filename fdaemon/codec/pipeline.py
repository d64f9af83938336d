"""Blocks packed on several threads at once and handed out in the order they came. Knows no files and no packets.

A ring of block buffers: the reader fills the next one, a worker packs it, and when the ring comes round (or at the end)
the result is taken. Memory is the ring and the packed blocks in it, whatever the size of the file.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from fdaemon.codec.ordered import OrderedDigests

DEPTH = 2
"""Blocks in the ring for each worker: one being packed, one waiting; and two more for reader and hand-over."""


class Workers:
    """Up to `count` threads, started when the first work comes; 0 means that there are none to be used."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None

    def submit[**P, T](self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `function` called by one of the threads."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="fdaemon-blocks")
        return self._pool.submit(function, *args, **kwargs)

    def close(self) -> None:
        """End the threads; work that no thread has begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


class _Slot:
    __slots__ = ("busy", "future", "prefix", "view")

    def __init__(self, size: int) -> None:
        self.view = memoryview(bytearray(size))
        self.future: Future[bytes] | None = None
        self.prefix = b""
        self.busy = 0


class BlockPipeline:
    """`emit(prefix, packed)` is called in order, in the thread that calls `next_buffer` and `drain`.

    It may be another one for each file, set before the first block.
    """

    def __init__(
        self, workers: Workers, block: int, digests: OrderedDigests, emit: Callable[[bytes, bytes], None]
    ) -> None:
        self._workers = workers
        self._slots = [_Slot(block) for _ in range(DEPTH * workers.count + 2)]
        self._digests = digests
        self.emit = emit
        self._next = 0

    def next_buffer(self) -> memoryview:
        """The buffer to read the next block into; the block that was in it has been emitted."""
        slot = self._slots[self._next]
        self._finish(slot)
        return slot.view

    def submit(
        self, pack: Callable[[memoryview], bytes], block: memoryview, prefix: bytes, ticket: int
    ) -> None:
        """Have `block` (in the buffer last given) packed; the buffer is not reused before digest `ticket`."""
        slot = self._slots[self._next]
        self._next = (self._next + 1) % len(self._slots)
        slot.prefix, slot.busy = prefix, ticket
        slot.future = self._workers.submit(pack, block)

    def drain(self) -> None:
        """Emit what is still in the ring. An error of `pack` comes out here or from `next_buffer`."""
        for offset in range(len(self._slots)):
            self._finish(self._slots[(self._next + offset) % len(self._slots)])

    def discard(self) -> None:
        """Forget what is still in the ring, after an error or a cancel."""
        for slot in self._slots:
            if slot.future is not None:
                slot.future.cancel()
                slot.future = None

    def _finish(self, slot: _Slot) -> None:
        if slot.future is not None:
            future, slot.future = slot.future, None
            self.emit(slot.prefix, future.result())
        if slot.busy:
            self._digests.wait(slot.busy)
            slot.busy = 0
