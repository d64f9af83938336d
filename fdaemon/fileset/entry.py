"""What the walk hands to whoever saves, lists or verifies: one entry of the file system, or why it is
none.
"""

import os
from collections.abc import Generator, Iterable

from fdaemon.fileset.model import Include, Options
from fdaemon.fs.hardlinks import HardLink
from fdaemon.wire.attributes import FileType

NO_STAT = os.stat_result((0,) * 10, {"st_rdev": 0, "st_blksize": 0, "st_blocks": 0})
"""Stands where lstat failed."""
_DIRECTORIES = frozenset(
    {
        FileType.DIREND,
        FileType.DIRNOCHG,
        FileType.NORECURSE,
        FileType.NOFSCHG,
        FileType.INVALIDFS,
    }
)


class Entry:
    """One entry, valid until the next one is pulled.

    `path` is the full name as in messages (a directory's without its last `/`, a top-level name as given);
    `dir_fd` and `name` are how to reach it: a directory descriptor and a name in it that must not be
    followed, or -1 and the path itself for a top-level name. A directory that was read comes with its own
    descriptor and the name `.`. `stat` is from lstat (all 0 when `error` says why there is none). `link` is
    a symlink's target, or for LNKSAVED the name under which the inode was saved, with `link_index` its
    FileIndex. `hardlink` is set for every file with several names that is tracked: the saver notes index
    and digest there before it pulls the next entry. `top` is the FileSet's name above it; `listed` says
    that `path` itself is such a name; `delta_seq` comes from the accurate list.
    """

    __slots__ = (
        "delta_seq",
        "dir_fd",
        "error",
        "hardlink",
        "include",
        "link",
        "link_index",
        "listed",
        "name",
        "options",
        "path",
        "stat",
        "top",
        "type",
    )

    def __init__(
        self,
        path: bytes,
        name: bytes,
        dir_fd: int,
        type: FileType,
        stat: os.stat_result,
        options: Options,
        include: Include,
        top: bytes,
        link: bytes = b"",
        link_index: int = 0,
        hardlink: HardLink | None = None,
        error: OSError | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.dir_fd = dir_fd
        self.type = type
        self.stat = stat
        self.options = options
        self.include = include
        self.top = top
        self.link = link
        self.link_index = link_index
        self.hardlink = hardlink
        self.error = error
        self.listed = False
        self.delta_seq = 0

    def __repr__(self) -> str:
        return f"<Entry {self.type.name} {self.path!r}>"

    @property
    def is_directory(self) -> bool:
        """True for the types that are stored as a directory, or would be if they had changed."""
        return self.type in _DIRECTORIES

    @property
    def stored_name(self) -> bytes:
        """The name as attributes and accurate lists carry it, before any path stripping: directories end in
        one `/`.
        """
        return canonical(self.path) if self.is_directory else self.path


def canonical(path: bytes) -> bytes:
    """A directory's name with exactly one `/` at the end."""
    return path.rstrip(b"/") + b"/"


def end_walk(entries: Iterable[Entry]) -> None:
    """Close the directories of a walk that was not read to its end.

    Else they stay open until somebody looks for garbage, and what was saved cannot be unmounted.
    """
    if isinstance(entries, Generator):
        entries.close()
