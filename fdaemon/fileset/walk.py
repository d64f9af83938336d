"""The walk over a FileSet: every entry to be saved, in the order of the C++ daemon. Reads names and lstat
data, no content.

A directory comes after its content; names come as readdir gives them (protocol/03 sections 2.1 to 2.12;
source: core/src/findlib/find.cc, find_one.cc). For every entry: lstat, choose the Options block, size,
change check, hard links, type. Unlike C++ the block is chosen first, so that no entry is judged by the
flags of the one before it. All is reached through directory descriptors and no link is followed, so neither
depth nor swapped names matter.
"""

import os
import stat
from collections.abc import Callable, Generator, Iterator

from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import NO_STAT, Entry
from fdaemon.fileset.examine import Comparison, Examiner, Level, Report
from fdaemon.fileset.model import FileSet, Include
from fdaemon.fileset.select import Selector, selectors
from fdaemon.fs.local import OPEN_LEVELS, ParkedName, encode
from fdaemon.fs.times import restore_atime
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

__all__ = ["Comparison", "Entry", "Report", "walk"]

PAUSE_EVERY = 1024
"""Unchanged files between two looks at the cancel flag: some 5 ms."""
_FORMAT, _DIRECTORY = 0o170000, stat.S_IFDIR


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
        self._examiner = Examiner(fileset, since, accurate, want_skipped, counters, report)
        self._selector = Selector(Include())

    def entries(self) -> Iterator[Entry]:
        """All entries of all Includes, then what accurate mode adds."""
        chosen = selectors(self._fileset, self._check_cancelled)
        for include, selector in zip(self._fileset.includes, chosen, strict=True):
            self._selector = selector
            for name in include.names:
                self._check_cancelled()
                self._examiner.start(include, selector, name)
                for entry in self._named(name):
                    yield entry
                    if entry.hardlink is not None:
                        self._examiner.saved(entry)
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
            yield self._examiner.failed(FileType.NOSTAT, name, name, -1, NO_STAT, options, error)
            return
        if not self._examiner.type_listed(name, st, options):
            return
        if st.st_mode & _FORMAT != _DIRECTORY:
            entry = self._examiner.other(name, name, -1, st, options, top=True)
            if entry is not None:
                yield entry
            return
        before, level = self._examiner.enter(name, name, None, st, options)
        yield from before
        if level is not None:
            yield from self._descend(level)

    def _descend(self, top: Level) -> Iterator[Entry]:
        """Everything below `top`, and `top` itself last."""
        stack = [top]
        try:
            while stack:
                level = stack[-1]
                below = yield from self._read(level)
                if below is not None:
                    stack.append(below)
                    parked = len(stack) - self._open_levels - 1
                    if parked >= 0:
                        stack[parked].park(top=not parked)
                    continue
                yield from self._leave(level)
                if len(stack) > self._open_levels:
                    yield from self._come_back(stack[-self._open_levels - 1], stack[-self._open_levels])
                stack.pop()
                level.directory.close()
        finally:
            for level in stack:
                level.directory.close()

    def _leave(self, level: Level) -> Iterator[Entry]:
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

    def _come_back(self, parked: Level, below: Level) -> Iterator[Entry]:
        """Open the parked directory again through the one below it."""
        try:
            parked.unpark(below)
        except OSError as error:
            entry = parked.entry
            parked.lost = True
            parked.directory.names = iter(())
            yield self._examiner.failed(
                FileType.NOOPEN, entry.path, entry.name, -1, entry.stat, entry.options, error
            )

    def _read(self, level: Level) -> Generator[Entry, None, Level | None]:
        """Entries of one directory up to the next one that is descended into, which is returned."""
        prefix, dir_fd = level.prefix, level.directory.fd
        selector, plain, since = self._selector, self._selector.plain, self._since
        counters, examiner = self._counters, self._examiner
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
                    examiner.rejected(path, name, dir_fd, st)
                elif form == _DIRECTORY:
                    before, below = examiner.enter(path, name, level, st, options)
                    yield from before
                    if below is not None:
                        return below
                else:
                    entry = examiner.other(path, name, dir_fd, st, options, top=False)
                    if entry is not None:
                        yield entry
        except OSError as error:
            # readdir failed half-way: what was read is saved, the rest is told (C++ says nothing).
            own = level.entry
            yield self._examiner.failed(
                FileType.NOOPEN, own.path, own.name, own.dir_fd, own.stat, own.options, error
            )
        finally:
            counters.examined += skipped
        return None

    def _vanished(self, level: Level, item: os.DirEntry[str] | ParkedName, error: OSError) -> Entry | None:
        """lstat failed for a name that readdir gave."""
        name = encode(item.name)
        path = level.prefix + name
        options = self._selector.choose(path, name, item.is_dir(follow_symlinks=False))
        if options is None:
            return None
        return self._examiner.failed(FileType.NOSTAT, path, name, level.directory.fd, NO_STAT, options, error)


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
    lines harmless. Raises JobFailed at a plugin line.
    """
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
