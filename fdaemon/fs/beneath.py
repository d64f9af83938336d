"""Opens a directory below another one without passing any symbolic link, if it can in one system call.

openat2(2) is Linux 5.6 and later; elsewhere, and where a sandbox forbids it, the caller's walk does the work.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from struct import Struct

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_OPENAT2 = 437
"""The same number on every architecture (include/uapi/asm-generic/unistd.h)."""
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
"""RESOLVE_* flags (linux/openat2.h)."""
_HOW = Struct("QQQ")
_FORBIDDEN = (errno.ENOSYS, errno.EPERM, errno.EINVAL)


_LIMIT = 4000
"""Bytes of a path for one call; the kernel takes 4,095."""


def _pieces(path: bytes) -> Iterator[bytes]:
    """`path` in pieces that the kernel takes, each relative to the one before; none without `/` is cut."""
    while len(path) > _LIMIT:
        cut = path.rfind(b"/", 0, _LIMIT)
        if cut <= 0:
            break
        yield path[:cut]
        path = path[cut:].lstrip(b"/")
    yield path or b"."


class Opener:
    """`open(path)` below a root descriptor. `confined` also keeps `..` from leaving the root."""

    def __init__(self, *, confined: bool) -> None:
        resolve = _NO_SYMLINKS | _NO_MAGICLINKS | (_BENEATH if confined else 0)
        self._how = _HOW.pack(os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0, resolve)
        self._syscall = None
        if sys.platform == "linux":
            self._syscall = ctypes.CDLL(None, use_errno=True).syscall
            self._syscall.restype = ctypes.c_long

    @property
    def available(self) -> bool:
        """False once the kernel refused the call; then the caller walks component by component."""
        return self._syscall is not None

    def disable(self) -> None:
        """Do without the system call from now on."""
        self._syscall = None

    def open(self, root: int, path: bytes) -> int | None:
        """A descriptor of the directory `path` below `root`, or None when it has to be walked.

        None stands for: there is no such call, a part is missing, or a symbolic link is in the way. Other
        errors are raised as OSError.
        """
        above = root
        for piece in _pieces(path):
            try:
                below = self._open(above, piece)
            finally:
                if above != root:
                    os.close(above)
            if below is None:
                return None
            above = below
        return above

    def _open(self, root: int, path: bytes) -> int | None:
        if self._syscall is None:
            return None
        descriptor = self._syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(path),
            ctypes.c_char_p(self._how),
            ctypes.c_size_t(_HOW.size),
        )
        if descriptor >= 0:
            return int(descriptor)
        number = ctypes.get_errno()
        if number in _FORBIDDEN:
            self.disable()
            return None
        if number in (
            errno.ENOENT,
            errno.ELOOP,
            errno.ENOTDIR,
            errno.EXDEV,
            errno.ENAMETOOLONG,
            errno.EAGAIN,
        ):
            return None
        raise OSError(number, os.strerror(number), path)
