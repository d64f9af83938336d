"""Opens files on which another process may hold a lease, as file servers do for their clients. Never waits in
the kernel, where no cancel is noticed.

With O_NONBLOCK, which keeps an open from hanging on what took a file's place, the kernel asks the holder to give the
lease up, and refuses meanwhile (open(2), EWOULDBLOCK). It takes the lease away itself after
/proc/sys/fs/lease-break-time, 45 seconds.
"""

import errno
import os
import time
from collections.abc import Callable

LEASE_SECONDS = 60
"""How long to wait for the end of a lease: longer than the kernel does."""
POLL_SECONDS = 0.02
"""Between two attempts: a file server answers in a few milliseconds."""


def open_leased(name: bytes, flags: int, directory: int | None, check_cancelled: Callable[[], None]) -> int:
    """As `os.open` with O_NONBLOCK, but for waiting until a lease has ended. `check_cancelled` may raise meanwhile."""
    deadline = 0.0
    while True:
        try:
            return os.open(name, flags, dir_fd=directory)
        except BlockingIOError:
            now = time.monotonic()
            deadline = deadline or now + LEASE_SECONDS
            if now >= deadline:
                raise
        check_cancelled()
        time.sleep(POLL_SECONDS)


def open_quietly(name: bytes, flags: int, directory: int | None, check_cancelled: Callable[[], None]) -> int:
    """As `open_leased`, without touching the access time where that is permitted."""
    try:
        return open_leased(name, flags | os.O_NOATIME, directory, check_cancelled)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
    return open_leased(name, flags, directory, check_cancelled)
