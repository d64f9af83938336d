"""Gives restored files their owner, mode and times: by descriptor, or by name without following a link.

Failures are counted, never job errors: the C++ daemon does not report them (protocol/04 section 8.5).
"""

import os
import stat
from contextlib import suppress

from fdaemon.fs.extended import error_text
from fdaemon.wire.restored import RestoredFile

_NANO = 1_000_000_000
_PATH_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class Attributes:
    """Sets attributes and remembers how often it could not: `failures` files, the `first` as name and reason."""

    def __init__(self) -> None:
        self.failures = 0
        self.first: tuple[bytes, bytes] = (b"", b"")

    def set_open(self, fd: int, item: RestoredFile, shown: bytes) -> None:
        """Owner, mode and times of the open file or directory `fd`, in this order: a new owner clears set-uid."""
        try:
            os.fchown(fd, item.uid, item.gid)
        except OSError as error:
            self._note(shown, error)
        try:
            os.fchmod(fd, item.mode & 0o7777)
            os.utime(fd, (item.atime, item.mtime))
        except (OSError, OverflowError) as error:
            self._note(shown, error)

    def set_named(self, dir_fd: int, name: bytes, item: RestoredFile, shown: bytes) -> None:
        """The same for what is not held open: symbolic links (which have no mode of their own), pipes, devices."""
        try:
            os.chown(name, item.uid, item.gid, dir_fd=dir_fd, follow_symlinks=False)
        except OSError as error:
            self._note(shown, error)
        try:
            if not stat.S_ISLNK(item.mode):
                _chmod(dir_fd, name, item.mode & 0o7777)
            os.utime(name, (item.atime, item.mtime), dir_fd=dir_fd, follow_symlinks=False)
        except (OSError, OverflowError) as error:
            self._note(shown, error)

    def _note(self, shown: bytes, error: OSError | OverflowError) -> None:
        if not self.failures:
            reason = error_text(error) if isinstance(error, OSError) else b"Value out of range"
            self.first = (shown, reason)
        self.failures += 1


def nanoseconds(item: RestoredFile) -> tuple[int, int]:
    """Access and modification time of a record as `os.utime` takes them."""
    return item.atime * _NANO, item.mtime * _NANO


def _chmod(dir_fd: int, name: bytes, mode: int) -> None:
    """Set the mode of `name` unless it is a symbolic link: whoever may write here could have put one meanwhile."""
    fd = os.open(name, _PATH_FLAGS, dir_fd=dir_fd)
    try:
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            os.chmod(b"/proc/self/fd/%d" % fd, mode)
    finally:
        os.close(fd)


def named_path(dir_fd: int, name: bytes) -> bytes:
    """A path of `name` in an open directory for calls that take no directory descriptor."""
    return b"/proc/self/fd/%d/%b" % (dir_fd, name)


def remove(dir_fd: int, name: bytes) -> None:
    """Unlink `name`; nothing happens if it is gone already."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=dir_fd)
