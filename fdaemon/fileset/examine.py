"""What one entry is: its size, change and hard-link checks, and its type. Opens directories, and reads no
content.

The order of the checks is that of protocol/03 section 2.3 (core/src/findlib/find_one.cc: FindOneFile).
"""

import os
import stat
from collections.abc import Callable, Iterator
from typing import Protocol

from fdaemon.fileset.entry import Entry, canonical
from fdaemon.fileset.model import FileSet, Include, Option, Options
from fdaemon.fileset.select import Selector
from fdaemon.fs.hardlinks import HardLink, HardLinkTable
from fdaemon.fs.local import Directory
from fdaemon.fs.mounts import MountTable
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

_FORMAT, _DIRECTORY, _REGULAR, _SYMLINK = 0o170000, stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK
_READABLE = 0o444

type Report = Callable[[MessageType, bytes, int], None]
"""(type, text with its newline, errors to count beyond what the type counts)."""


class Comparison(Protocol):
    """What the walk asks of accurate mode; `compare.AccurateComparison` is the real one."""

    def unchanged(self, path: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options) -> bool:
        """True when the entry is as the list says; `name` in `dir_fd` leads to its content. A directory's
        `path` ends in `/`, as it is stored."""
        ...

    def note_rejected(self, path: bytes, st: os.stat_result, options: Options) -> None:
        """The entry exists, but the options exclude it."""
        ...

    def note_failed(self, path: bytes, error: OSError) -> None:
        """Nothing is known of `path` and what is below it."""
        ...

    @property
    def delta_seq(self) -> int:
        """The list's delta sequence for the entry last asked about."""
        ...

    def tail(self) -> Iterator[Entry]:
        """What is sent after the last file: deleted files, or base files."""
        ...


class Level:
    """One directory on the way down. `entry` is what is yielded after its content, unless it got `lost`."""

    __slots__ = ("directory", "entry", "lost", "prefix")

    def __init__(self, directory: Directory, entry: Entry, prefix: bytes) -> None:
        self.directory = directory
        self.entry = entry
        self.prefix = prefix
        self.lost = False

    def park(self, *, top: bool) -> None:
        """Hold as little as possible while the walk is far below: no descriptor, and no copy of a long name
        except the `top` one, which stays as it was given.
        """
        self.directory.park()
        if not top:
            self.prefix = self.entry.path = b""

    def unpark(self, below: "Level") -> None:
        """Name the directory again as the parent of `below`, and open it. OSError as it comes."""
        if not self.prefix:
            self.prefix = below.prefix[: below.prefix.rindex(b"/", 0, -1) + 1]
            self.entry.path = self.prefix[:-1]
        self.directory.reopen(below.directory)
        self.entry.dir_fd = self.directory.fd


class Examiner:
    """Judges entries for one job. `start` sets the Include and the name of the FileSet that is being
    walked.
    """

    def __init__(
        self,
        fileset: FileSet,
        since: int | None,
        accurate: Comparison | None,
        want_skipped: bool,
        counters: Counters,
        report: Report,
    ) -> None:
        self._fileset = fileset
        self._since = since
        self._accurate = accurate
        self._compares = since is not None or accurate is not None
        self._want_skipped = want_skipped
        self._counters = counters
        self._report = report
        self._mounts = MountTable()
        self._links = HardLinkTable()
        self._include = Include()
        self._top = b""
        self._defaults = Options()

    def start(self, include: Include, selector: Selector, top: bytes) -> None:
        """From here on entries belong to `top`, a name of `include`."""
        self._include = include
        self._top = top
        self._defaults = selector.top

    def saved(self, entry: Entry) -> None:
        """The consumer is done with `entry`: if it was sent, further names of its inode are links to it."""
        if entry.hardlink is not None:
            self._links.keep(entry.stat.st_dev, entry.stat.st_ino, entry.hardlink)

    def type_listed(self, name: bytes, st: os.stat_result, options: Options) -> bool:
        """False for a top-level name on a type of file system that the Options do not list; reported then."""
        if not options.fs_types:
            return True
        kind = self._mounts.fs_type(st.st_dev, name, None)
        if kind in options.fs_types:
            return True
        text = b'Top level directory "%b" has unlisted fstype "%b"\n' % (name, kind or b"unknown")
        self._report(MessageType.INFO if kind else MessageType.WARNING, text, 0)
        return False

    def rejected(self, path: bytes, name: bytes, dir_fd: int, st: os.stat_result) -> None:
        """Accurate mode takes note of what it would have compared before the options said no."""
        if self._accurate is None:
            return
        options = self._defaults
        if st.st_mode & _FORMAT == _DIRECTORY:
            if not self._ignored(name, dir_fd):
                self._accurate.note_rejected(canonical(path), st, options)
        elif self._size_wanted(st, options):
            self._accurate.note_rejected(path, st, options)

    def failed(
        self,
        type: FileType,
        path: bytes,
        name: bytes,
        dir_fd: int,
        st: os.stat_result,
        options: Options,
        error: OSError,
    ) -> Entry:
        """An entry of which nothing but the error is known."""
        if self._accurate is not None:
            self._accurate.note_failed(path, error)
        return Entry(path, name, dir_fd, type, st, options, self._include, self._top, error=error)

    def _unchanged(
        self, stored: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options
    ) -> bool:
        if self._accurate is not None:
            return self._accurate.unchanged(stored, dir_fd, name, st, options)
        since = self._since
        return since is not None and st[8] < since and (options.mtime_only or st[9] < since)

    @staticmethod
    def _size_wanted(st: os.stat_result, options: Options) -> bool:
        return options.size is None or st.st_mode & _FORMAT != _REGULAR or options.size.matches(st.st_size)

    def _ignored(self, name: bytes, parent_fd: int | None) -> bool:
        """True when the directory holds one of the names that exclude it. Links are followed, as in C++."""
        for marker in self._include.ignore_dirs:
            try:
                os.stat(name + b"/" + marker, dir_fd=parent_fd)
            except OSError:
                continue
            return True
        return False

    def enter(
        self, path: bytes, name: bytes, parent: Level | None, st: os.stat_result, options: Options
    ) -> tuple[tuple[Entry, ...], Level | None]:
        """A directory is met: what is to be said at once, and the level to read (None: not descended
        into).
        """
        parent_fd = parent.directory.fd if parent is not None else None
        if self._include.ignore_dirs and self._ignored(name, parent_fd):
            return (), None
        prefix = canonical(path)
        before: tuple[Entry, ...] = ()
        fd = -1 if parent_fd is None else parent_fd
        kind = FileType.DIREND
        if self._compares and self._unchanged(prefix, fd, name, st, options):
            kind = FileType.DIRNOCHG
            if self._want_skipped:
                before = (Entry(path, name, fd, kind, st, options, self._include, self._top),)
            else:
                self._counters.examined += 1
        if parent is not None:
            boundary = self._boundary(name, parent, st, options)
            if boundary is not None:
                entry = Entry(path, name, fd, boundary, st, options, self._include, self._top)
                entry.listed = boundary is FileType.NOFSCHG and self._fileset.listed(path)
                return (*before, entry), None
        try:
            directory = Directory(name, parent_fd, st)
        except OSError as error:
            failed = self.failed(FileType.NOOPEN, path, name, fd, st, options, error)
            return (*before, failed), None
        entry = Entry(path, b".", directory.fd, kind, st, options, self._include, self._top)
        return before, Level(directory, entry, prefix)

    def _boundary(self, name: bytes, parent: Level, st: os.stat_result, options: Options) -> FileType | None:
        """The type of a directory that is stored, but not descended into."""
        if options.has(Option.NO_RECURSION):
            return FileType.NORECURSE
        if st.st_dev == parent.entry.stat.st_dev:
            return None
        if not options.has(Option.MULTI_FS):
            return FileType.NOFSCHG
        if options.fs_types:
            kind = self._mounts.fs_type(st.st_dev, name, parent.directory.fd)
            if kind not in options.fs_types:
                return FileType.INVALIDFS
        return None

    def other(
        self, path: bytes, name: bytes, dir_fd: int, st: os.stat_result, options: Options, *, top: bool
    ) -> Entry | None:
        """The entry for anything but a directory, None when there is nothing to yield."""
        mode = st.st_mode
        form = mode & _FORMAT
        include, above = self._include, self._top
        if options.size is not None and not self._size_wanted(st, options):
            return None
        if self._compares and self._unchanged(path, dir_fd, name, st, options):
            if self._want_skipped:
                return Entry(path, name, dir_fd, FileType.NOCHG, st, options, include, above)
            self._counters.examined += 1
            return None
        hardlink: HardLink | None = None
        if st.st_nlink > 1 and options.hardlinks and form != _SYMLINK:
            hardlink = self._links.get(st.st_dev, st.st_ino)
            if hardlink is None:
                hardlink = HardLink(path)
            elif hardlink.name == path:
                return None
            else:
                kind, link, index = FileType.LNKSAVED, hardlink.name, hardlink.file_index
                return self._made(
                    Entry(path, name, dir_fd, kind, st, options, include, above, link, index, hardlink)
                )
        link = b""
        if form == _REGULAR:
            empty = not st.st_size and mode & _READABLE == _READABLE
            kind = FileType.REGE if empty else FileType.REG
        elif form == _SYMLINK:
            kind = FileType.LNK
            try:
                link = os.readlink(name, dir_fd=None if dir_fd < 0 else dir_fd)
            except OSError as error:
                return self.failed(FileType.NOFOLLOW, path, name, dir_fd, st, options, error)
        elif top and stat.S_ISBLK(mode):
            kind = FileType.RAW
        elif top and stat.S_ISFIFO(mode) and options.has(Option.READ_FIFO):
            kind = FileType.FIFO
        else:
            kind = FileType.SPEC
        return self._made(Entry(path, name, dir_fd, kind, st, options, include, above, link, 0, hardlink))

    def _made(self, entry: Entry) -> Entry:
        if self._accurate is not None:
            entry.delta_seq = self._accurate.delta_seq
        return entry
