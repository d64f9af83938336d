"""One thread that feeds blocks to hash objects in the order they were read, while the reader reads on.

Hash objects release the GIL while they work, so the time of a large file is the longer of reading and
hashing, not their sum. The thread knows nothing of files; a hash object must have been given to no other
thread.
"""

import threading
from collections.abc import Sequence
from queue import SimpleQueue

from fdaemon.codec.digest import Hash


class OrderedDigests:
    """Started by the first `submit`; `close` ends the thread after the last block."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Sequence[Hash], memoryview] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._submitted = 0
        self._done = 0
        self._wanted = 0
        self._reached = threading.Semaphore(0)
        self._lock = threading.Lock()

    def submit(self, hashes: Sequence[Hash], block: memoryview) -> int:
        """Have `block` added to each of `hashes`; returns the ticket to wait for before the block may
        change.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="fdaemon-digests", daemon=True)
            self._thread.start()
        self._submitted += 1
        self._queue.put((hashes, block))
        return self._submitted

    def wait(self, ticket: int) -> None:
        """Return once everything up to `ticket` has been hashed. One waiting thread only."""
        if self._done >= ticket:
            return
        with self._lock:
            if self._done >= ticket:
                return
            self._wanted = ticket
        self._reached.acquire()

    def wait_all(self) -> None:
        """Return once everything submitted has been hashed."""
        self.wait(self._submitted)

    def close(self) -> None:
        """Let the thread finish what was submitted, and end it."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            hashes, block = job
            for one in hashes:
                one.update(block)
            del job, block
            with self._lock:
                self._done += 1
                if self._done == self._wanted:
                    self._wanted = 0
                    self._reached.release()
