"""A second process that digests many small contents, so that the walking thread need not. Opens no files.

Threads are no help with small contents: to hand the GIL over costs as much as to digest some KiB. So the contents are
read into memory that both processes share, orders and answers of a few bytes go through pipes, and what comes back are
digests. A worker that cannot be started, or ends, costs nothing but its help: the contents are still there.
"""

import mmap
import os
import select
import subprocess
import sys

from fdaemon.codec import digest_program
from fdaemon.codec.digest_program import DONE, ORDER, Slot
from fdaemon.wire.digests import Digest

WORKABLE = frozenset({Digest.MD5, Digest.SHA1, Digest.SHA256, Digest.SHA512})
"""What the worker can digest: all of the standard library. XXH128 is so fast that to ask for it costs more."""


class WorkerEnded(Exception):
    """The second process is gone."""


class DigestWorker:
    """`count` slots for at most `contents` contents of `size` bytes together. For one thread, but for `stop`.

    Answers come in the order of the orders. OSError when it cannot be started.
    """

    def __init__(self, count: int, size: int, contents: int) -> None:
        total = count * digest_program.slot_size(size, contents)
        memory = os.memfd_create("fdaemon-digests", os.MFD_CLOEXEC)
        try:
            os.ftruncate(memory, total)
            shared = mmap.mmap(memory, total, trackfd=False)
            arguments = [str(number) for number in (memory, total, size, contents)]
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", digest_program.__file__, *arguments],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(memory,),
                cwd="/",
                start_new_session=True,  # a ^C at the terminal is the daemon's business
            )
        finally:
            os.close(memory)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        self.slots = digest_program.slots(memoryview(shared), size, contents)

    def submit(self, slot: Slot, count: int, digest: Digest) -> None:
        """Have the first `count` contents of the slot digested. Raises WorkerEnded."""
        try:
            self._orders.write(ORDER.pack(slot.number, count, digest.name.lower().encode()))
        except OSError:
            raise WorkerEnded from None

    def ready(self) -> bool:
        """True when `wait` would not have to wait."""
        return bool(self._poll.poll(0))

    def wait(self) -> None:
        """Return once the oldest order without an answer is done. Raises WorkerEnded."""
        if self._answers.read(1) != DONE:
            raise WorkerEnded

    def stop(self) -> None:
        """End the process at once. From any thread."""
        self._process.kill()

    def close(self) -> None:
        """End the process and its pipes; the slots stay."""
        self.stop()
        self._orders.close()
        self._answers.close()
        self._process.wait()
