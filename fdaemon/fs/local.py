"""Open directories of a walk: read lazily, reached through their parents' descriptors, and never too many
at once.

A deep tree would need a descriptor a level. Beyond OPEN_LEVELS the outermost directory is parked: the names
it still has to give are read into memory and its descriptor is closed. When the walk comes back up, it is
opened again as `..` of the directory below, and used only if it is still the same inode.
"""

import os
import sys
from collections.abc import Callable, Iterator
from errno import ESTALE
from itertools import chain, islice

OPEN_LEVELS = 128
"""Directories of one walk that are open at a time; each needs one descriptor, two while a large one is
being read.
"""
READ_AHEAD = 1024
"""Names read at once: a directory that has fewer gives its second descriptor back immediately."""
OPEN_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
ENCODING = sys.getfilesystemencoding()
ENCODING_ERRORS = sys.getfilesystemencodeerrors()
CLOSED = -1


class ParkedName:
    """Stands for an os.DirEntry of a directory that has been closed in between."""

    __slots__ = ("_directory", "name")

    def __init__(self, directory: "Directory", name: str) -> None:
        self._directory = directory
        self.name = name

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        """As os.DirEntry.stat."""
        return os.stat(self.name, dir_fd=self._directory.fd, follow_symlinks=follow_symlinks)

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        """As os.DirEntry.is_dir, for an entry whose stat failed."""
        return False


type Names = Iterator[os.DirEntry[str] | ParkedName]


class Directory:
    """One open directory. `names` gives its entries in the order of readdir, errors of readdir included.

    `fd` is CLOSED while it is parked. Names are str because the system call module gives them so for a
    descriptor; `encode` makes the bytes.
    """

    __slots__ = ("_close_scan", "fd", "identity", "names")

    def __init__(self, name: bytes, parent_fd: int | None, st: os.stat_result) -> None:
        """Open `name` in `parent_fd` (None: a path); `st` is its lstat. OSError as it comes."""
        self.identity = (st.st_dev, st.st_ino)
        self.fd = os.open(name, OPEN_FLAGS, dir_fd=parent_fd)
        try:
            scan = os.scandir(self.fd)
        except BaseException:
            os.close(self.fd)
            raise
        first: list[os.DirEntry[str]] = []
        failure: OSError | None = None
        try:
            first.extend(islice(scan, READ_AHEAD))
        except OSError as error:
            failure = error
        self._close_scan: Callable[[], None] | None = None
        if failure is not None:
            scan.close()
            self.names: Names = chain(first, _raise(failure))
        elif len(first) < READ_AHEAD:
            scan.close()
            self.names = iter(first)
        else:
            self._close_scan = scan.close
            self.names = chain(first, scan)

    def close(self) -> None:
        """Give the descriptors back. May be called twice."""
        if self._close_scan is not None:
            self._close_scan()
            self._close_scan = None
        if self.fd != CLOSED:
            os.close(self.fd)
            self.fd = CLOSED

    def park(self) -> None:
        """Keep the remaining names and close."""
        names: list[str] = []
        failure: OSError | None = None
        try:
            names.extend(entry.name for entry in self.names)
        except OSError as error:
            failure = error
        parked = (ParkedName(self, name) for name in names)
        self.names = parked if failure is None else chain(parked, _raise(failure))
        self.close()

    def reopen(self, child: "Directory") -> None:
        """Open again as the parent of `child`. OSError (ESTALE when another directory has taken the
        place).
        """
        descriptor = os.open(b"..", OPEN_FLAGS, dir_fd=child.fd)
        st = os.fstat(descriptor)
        if (st.st_dev, st.st_ino) != self.identity:
            os.close(descriptor)
            raise OSError(ESTALE, os.strerror(ESTALE))
        self.fd = descriptor


def _raise(error: OSError) -> Iterator[os.DirEntry[str]]:
    """The end of a directory that could not be read to its end."""
    raise error
    yield


def encode(name: str) -> bytes:
    """The bytes of a name that the system gave as str."""
    return name.encode(ENCODING, ENCODING_ERRORS)
