"""The walk over a FileSet: every entry to be saved, in the order of the C++ daemon. Reads names and lstat
data, no content.

A directory comes after its content; names come as readdir gives them (protocol/03 sections 2.1 to 2.12;
source: core/src/findlib/find.cc, find_one.cc). For every entry: lstat, choose the Options block, size,
change check, hard links, type. Unlike C++ the block is chosen first, so that no entry is judged by the
flags of the one before it. All is reached through directory descriptors and no link is followed, so neither
depth nor swapped names matter."""

import os
import stat
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import NO_STAT, Entry, canonical
from fdaemon.fileset.model import FileSet, Include, Option, Options
from fdaemon.fileset.select import Selector, selectors
from fdaemon.fileset.strip import strip_name
from fdaemon.fs.hardlinks import HardLink, HardLinkTable
from fdaemon.fs.local import OPEN_LEVELS, Directory, ParkedName, encode
from fdaemon.fs.mounts import MountTable
from fdaemon.fs.times import restore_atime
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

PAUSE_EVERY = 1024
"""Unchanged files between two looks at the cancel flag: some 5 ms."""
_FORMAT, _DIRECTORY, _REGULAR, _SYMLINK = 0o170000, stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK
_READABLE = 0o444

type Report = Callable[[MessageType, bytes, int], None]
"""(type, text with its newline, errors to count beyond what the type counts)."""


class Comparison(Protocol):
    """What the walk asks of accurate mode; `compare.AccurateComparison` is the real one."""

    def unchanged(
        self, stored: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options
    ) -> bool:
        """True when the entry is as the list says under `stored`; `name` in `dir_fd` leads to its content."""
        ...

    def note_rejected(self, stored: bytes, st: os.stat_result, options: Options) -> None:
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


class _Level:
    """One directory on the way down. `entry` is what is yielded after its content, unless it got `lost`."""

    __slots__ = ("directory", "entry", "lost", "prefix")

    def __init__(self, directory: Directory, entry: Entry, prefix: bytes) -> None:
        self.directory = directory
        self.entry = entry
        self.prefix = prefix
        self.lost = False


class _Walk:
    """One pass over a FileSet; `entries` may be iterated once."""

    def __init__(
        self,
        fileset: FileSet,
        since: int | None,
        accurate: Comparison | None,
        want_skipped: bool,
        counters: Counters,
        report: Report,
        check_cancelled: Callable[[], None],
        estimating: bool,
        open_levels: int,
    ) -> None:
        self._fileset = fileset
        self._since = since
        self._accurate = accurate
        self._want_skipped = want_skipped
        self._counters = counters
        self._report = report
        self._check_cancelled = check_cancelled
        self._estimating = estimating
        self._open_levels = open_levels
        self._links = HardLinkTable()
        self._mounts = MountTable()
        self._include = Include()
        self._selector = Selector(self._include)
        self._top = b""

    def entries(self) -> Iterator[Entry]:
        """All entries of all Includes, then what accurate mode adds."""
        chosen = selectors(self._fileset, self._check_cancelled)
        for include, selector in zip(self._fileset.includes, chosen, strict=True):
            self._include, self._selector = include, selector
            for name in include.names:
                self._check_cancelled()
                self._top = name
                for entry in self._named(name):
                    yield entry
                    link = entry.hardlink
                    if link is not None:
                        self._links.keep(entry.stat.st_dev, entry.stat.st_ino, link)
            for command in include.plugins:
                self._refuse_plugin(command)
        if self._accurate is not None and not self._estimating:
            yield from self._accurate.tail()

    def _refuse_plugin(self, command: bytes) -> None:
        text = b'Command plugin "%b" requested, but is not loaded.\n' % command
        if not self._estimating:
            raise JobFailed(b"PluginSave: " + text)
        self._report(MessageType.FATAL, text, 0)

    def _named(self, name: bytes) -> Iterator[Entry]:
        """A name of the FileSet, and all below it."""
        options = self._selector.top
        try:
            st = os.lstat(name)
        except OSError as error:
            yield self._failed(FileType.NOSTAT, name, name, -1, NO_STAT, options, error)
            return
        if options.fs_types and not self._type_listed(name, st, options):
            return
        if st.st_mode & _FORMAT != _DIRECTORY:
            entry = self._other(name, name, -1, st, options, top=True)
            if entry is not None:
                yield entry
            return
        before, level = self._enter(name, name, None, st, options)
        yield from before
        if level is not None:
            yield from self._descend(level)

    def _type_listed(self, name: bytes, st: os.stat_result, options: Options) -> bool:
        kind = self._mounts.fs_type(st.st_dev, name, None)
        if kind in options.fs_types:
            return True
        text = b'Top level directory "%b" has unlisted fstype "%b"\n' % (name, kind or b"unknown")
        self._report(MessageType.INFO if kind else MessageType.WARNING, text, 0)
        return False

    def _descend(self, top: _Level) -> Iterator[Entry]:
        """Everything below `top`, and `top` itself last."""
        stack = [top]
        try:
            while stack:
                level = stack[-1]
                below = yield from self._read(level)
                if below is not None:
                    stack.append(below)
                    if len(stack) > self._open_levels:
                        stack[-self._open_levels - 1].directory.park()
                    continue
                yield from self._leave(level)
                if len(stack) > self._open_levels:
                    yield from self._come_back(stack[-self._open_levels - 1], stack[-self._open_levels])
                stack.pop()
                level.directory.close()
        finally:
            for level in stack:
                level.directory.close()

    def _leave(self, level: _Level) -> Iterator[Entry]:
        """The directory's own entry, after its content."""
        entry = level.entry
        if level.lost:
            return
        if entry.type is FileType.DIREND or self._want_skipped:
            yield entry
        else:
            self._counters.examined += 1
        if entry.options.keep_atime:
            restore_atime(level.directory.fd, entry.stat)

    def _come_back(self, parked: _Level, below: _Level) -> Iterator[Entry]:
        """Open the parked directory again through the one below it."""
        entry = parked.entry
        try:
            parked.directory.reopen(below.directory)
        except OSError as error:
            parked.lost = True
            parked.directory.names = iter(())
            yield self._failed(FileType.NOOPEN, entry.path, entry.name, -1, entry.stat, entry.options, error)
        else:
            entry.dir_fd = parked.directory.fd

    def _read(self, level: _Level) -> Generator[Entry, None, _Level | None]:
        """Entries of one directory up to the next one that is descended into, which is returned."""
        prefix, dir_fd = level.prefix, level.directory.fd
        selector, plain, since = self._selector, self._selector.plain, self._since
        counters = self._counters
        # Unchanged files of a plain FileSet are counted and left, with nothing made of them but their lstat.
        quick = (
            plain is not None
            and plain.size is None
            and since is not None
            and self._accurate is None
            and not self._want_skipped
        )
        newer = since or 0
        by_ctime = plain is not None and not plain.mtime_only
        skipped = 0
        self._check_cancelled()
        try:
            for item in level.directory.names:
                try:
                    st = item.stat(follow_symlinks=False)
                except OSError as error:
                    failed = self._vanished(level, item, error)
                    if failed is not None:
                        yield failed
                    continue
                form = st.st_mode & _FORMAT
                if quick and form != _DIRECTORY and st[8] < newer and (st[9] < newer or not by_ctime):
                    skipped += 1
                    if skipped == PAUSE_EVERY:
                        counters.examined += skipped
                        skipped = 0
                        self._check_cancelled()
                    continue
                name = encode(item.name)
                path = prefix + name
                options = plain if plain is not None else selector.choose(path, name, form == _DIRECTORY)
                if options is None:
                    if self._accurate is not None:
                        self._rejected(path, name, dir_fd, st)
                elif form == _DIRECTORY:
                    before, below = self._enter(path, name, level, st, options)
                    yield from before
                    if below is not None:
                        return below
                else:
                    entry = self._other(path, name, dir_fd, st, options, top=False)
                    if entry is not None:
                        yield entry
        except OSError as error:
            # readdir failed half-way: what was read is saved, the rest is told (C++ says nothing).
            own = level.entry
            yield self._failed(FileType.NOOPEN, own.path, own.name, own.dir_fd, own.stat, own.options, error)
        finally:
            counters.examined += skipped
        return None

    def _vanished(self, level: _Level, item: os.DirEntry[str] | ParkedName, error: OSError) -> Entry | None:
        """lstat failed for a name that readdir gave."""
        name = encode(item.name)
        path = level.prefix + name
        options = self._selector.choose(path, name, item.is_dir(follow_symlinks=False))
        if options is None:
            return None
        return self._failed(FileType.NOSTAT, path, name, level.directory.fd, NO_STAT, options, error)

    def _rejected(self, path: bytes, name: bytes, dir_fd: int, st: os.stat_result) -> None:
        """Accurate mode takes note of what it would have compared before the options said no."""
        assert self._accurate is not None
        options = self._selector.top
        if st.st_mode & _FORMAT == _DIRECTORY:
            if not self._ignored(name, dir_fd):
                self._accurate.note_rejected(self._listed_name(canonical(path), options), st, options)
        elif self._size_wanted(st, options):
            self._accurate.note_rejected(self._listed_name(path, options), st, options)

    def _failed(
        self,
        type: FileType,
        path: bytes,
        name: bytes,
        dir_fd: int,
        st: os.stat_result,
        options: Options,
        error: OSError,
    ) -> Entry:
        if self._accurate is not None:
            self._accurate.note_failed(path, error)
        return Entry(path, name, dir_fd, type, st, options, self._include, self._top, error=error)

    @staticmethod
    def _listed_name(stored: bytes, options: Options) -> bytes:
        """The name under which the accurate list knows an entry."""
        return (strip_name(stored, options.strip) or stored) if options.strip else stored

    def _unchanged(
        self, stored: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options
    ) -> bool:
        if self._accurate is not None:
            return self._accurate.unchanged(self._listed_name(stored, options), dir_fd, name, st, options)
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

    def _enter(
        self, path: bytes, name: bytes, parent: _Level | None, st: os.stat_result, options: Options
    ) -> tuple[tuple[Entry, ...], _Level | None]:
        """A directory is met: what is to be said at once, and the level to read (None: not descended
        into)."""
        parent_fd = parent.directory.fd if parent is not None else None
        if self._include.ignore_dirs and self._ignored(name, parent_fd):
            return (), None
        prefix = canonical(path)
        before: tuple[Entry, ...] = ()
        fd = -1 if parent_fd is None else parent_fd
        kind = FileType.DIREND
        if (self._since is not None or self._accurate is not None) and self._unchanged(
            prefix, fd, name, st, options
        ):
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
            failed = self._failed(FileType.NOOPEN, path, name, fd, st, options, error)
            return (*before, failed), None
        entry = Entry(path, b".", directory.fd, kind, st, options, self._include, self._top)
        return before, _Level(directory, entry, prefix)

    def _boundary(self, name: bytes, parent: _Level, st: os.stat_result, options: Options) -> FileType | None:
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

    def _other(
        self, path: bytes, name: bytes, dir_fd: int, st: os.stat_result, options: Options, *, top: bool
    ) -> Entry | None:
        """The entry for anything but a directory, None when there is nothing to yield."""
        mode = st.st_mode
        form = mode & _FORMAT
        include, above = self._include, self._top
        if options.size is not None and not self._size_wanted(st, options):
            return None
        if (self._since is not None or self._accurate is not None) and self._unchanged(
            path, dir_fd, name, st, options
        ):
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
                return self._failed(FileType.NOFOLLOW, path, name, dir_fd, st, options, error)
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


def walk(
    fileset: FileSet,
    *,
    since: int | None = None,
    accurate: Comparison | None = None,
    want_skipped: bool = False,
    counters: Counters | None = None,
    report: Report = lambda type, text, errors: None,
    check_cancelled: Callable[[], None] = lambda: None,
    estimating: bool = False,
    open_levels: int = OPEN_LEVELS,
) -> Iterator[Entry]:
    """The entries of `fileset`, lazily; each is valid until the next is pulled. Blocking: for a worker
    thread.

    `since`: Unix seconds by our clock; None takes everything as changed. `accurate` replaces it.
    `want_skipped` yields unchanged entries too (twice for a directory, as C++ tells them); otherwise they
    only count in `counters.examined`. Whoever consumes an entry counts it as examined itself. `report` gets
    the walk's own messages; what `check_cancelled` raises passes through. `estimating` only makes plugin
    lines harmless. Raises JobFailed at a plugin line."""
    return _Walk(
        fileset,
        since,
        accurate,
        want_skipped,
        counters if counters is not None else Counters(),
        report,
        check_cancelled,
        estimating,
        open_levels,
    ).entries()
