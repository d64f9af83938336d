"""Accurate mode: is a file as the Director's list says, and which of the list are gone. Reads no file itself.

Facts: protocol/03 sections 3.3 to 3.5 (core/src/filed/accurate.cc: AccurateCheckFile, AccurateFinish).
"""

import os
import stat
from collections.abc import Callable, Iterator
from errno import ENOENT, ENOTDIR
from functools import lru_cache
from typing import Protocol

from fdaemon.fileset.accurate import ABSENT, AccurateList, number
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.examine import Report
from fdaemon.fileset.model import Include, Options
from fdaemon.fileset.strip import strip_name
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.numbers import encode_number
from fdaemon.wire.stat import StatRecord

_MEGABYTE = 1 << 20
_QUICK = frozenset({b"Cmcs", b"mcs"})
"""The default letters, compared without a loop."""
_SIZE, _MTIME, _CTIME = 1, 4, 5
_BITS_64 = (1 << 64) - 1
_encoded = lru_cache(1 << 14)(encode_number)
"""Sizes and times repeat; to see that a text is as we would write it is cheaper than to decode it."""
_GONE = frozenset({ENOENT, ENOTDIR})


class Checksum(Protocol):
    """Digests a file for letters `1` and `5`."""

    def __call__(
        self, path: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options
    ) -> bytes | None:
        """The digest in base 64 without padding; None when the file cannot be read, which has been
        reported."""
        ...


class AccurateComparison:
    """The list in use by one walk.

    `full` is the level Full, where the list comes from base jobs: then entries are marked only when
    unchanged, and the marked ones are sent at the end, where otherwise the unmarked ones are sent as
    deleted. `withhold` keeps back deletions below names that failed for another reason than not being
    there; C++ sends them.
    """

    def __init__(
        self,
        entries: AccurateList,
        *,
        checksum: Checksum,
        report: Report,
        full: bool = False,
        rerunning: bool = False,
        withhold: bool = False,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self._list = entries
        self._checksum = checksum
        self._report = report
        self._full = full
        self._rerunning = rerunning
        self._base = full and not rerunning
        self._withhold = withhold
        self._check_cancelled = check_cancelled
        self._failed: list[bytes] = []
        self._saved = 0
        self._last = ABSENT

    @property
    def delta_seq(self) -> int:
        """The list's delta sequence for the entry last asked about, 0 when it is not in the list."""
        return 0 if self._last == ABSENT else self._list.delta_seq(self._last)

    def unchanged(self, path: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options) -> bool:
        """True when the entry is in the list and no letter of the Options finds a difference; marks it."""
        stored = path if not options.strip else strip_name(path, options.strip) or path
        entry, fields = self._list.look_up(stored)
        self._last = entry
        if entry == ABSENT:
            return False
        letters = options.base_job if self._base else options.accurate
        if letters in _QUICK:
            mtime, ctime, size = fields[_MTIME], fields[_CTIME], fields[_SIZE]
            same = (
                (mtime == _encoded(st[8]) or number(mtime) == st[8])
                and (ctime == _encoded(st[9]) or number(ctime) == st[9])
                and (size == _encoded(st[6]) or number(size) == st[6])
            )
        else:
            same = not self._differs(entry, letters, st) and self._content_same(
                entry, letters, path, dir_fd, name, st, options
            )
        self._mark(entry, st, same)
        return same

    def note_rejected(self, path: bytes, st: os.stat_result, options: Options) -> None:
        """Mark an entry that the options exclude: it is no deletion (C++ compares before it selects)."""
        entry = self._find(path, options)
        if entry != ABSENT:
            same = self._full and not self._differs(entry, options.base_job, st)
            self._mark(entry, st, same)

    def note_failed(self, path: bytes, error: OSError) -> None:
        """Nothing is known of `path` and what is below it."""
        if self._withhold and error.errno not in _GONE:
            self._failed.append(path.rstrip(b"/"))

    def tail(self) -> Iterator[Entry]:
        """The base files of a Full job, or the deleted files of another."""
        if self._full:
            if self._base:
                yield from self._made(FileType.BASE, self._list.entries(seen=True))
            text = b"Space saved with Base jobs: %d MB\n" % (self._saved // _MEGABYTE)
            self._report(MessageType.INFO, text, 0)
            return
        yield from self._made(FileType.DELETED, self._list.entries(seen=False))

    def _find(self, path: bytes, options: Options) -> int:
        if options.strip:
            path = strip_name(path, options.strip) or path
        return self._list.find(path)

    def _mark(self, entry: int, st: os.stat_result, same: bool) -> None:
        if not self._full:
            self._list.see(entry)
        elif same:
            self._list.see(entry)
            self._saved += st.st_size

    def _differs(self, entry: int, letters: bytes, st: os.stat_result) -> bool:
        """What can be told from the stat alone; the order of the letters does not matter here."""
        old = self._list.stat(entry)
        return any(_changed(letter, old, st) for letter in letters.decode("latin-1"))

    def _content_same(
        self,
        entry: int,
        letters: bytes,
        path: bytes,
        dir_fd: int,
        name: bytes,
        st: os.stat_result,
        options: Options,
    ) -> bool:
        wanted = b"5" in letters or b"1" in letters
        if not wanted or options.digest is None or not stat.S_ISREG(st.st_mode):
            return True
        expected = self._list.checksum(entry)
        if not expected and not self._rerunning:
            self._report(MessageType.WARNING, b"Cannot verify checksum for %b\n" % path, 0)
            return False
        return self._checksum(path, dir_fd, name, st, options) == expected

    def _made(self, kind: FileType, numbers: Iterator[int]) -> Iterator[Entry]:
        options, include = Options(), Include()
        for count, entry in enumerate(numbers):
            if not count & 1023:
                self._check_cancelled()
            name = self._list.name(entry)
            if self._failed and any(name == path or name.startswith(path + b"/") for path in self._failed):
                continue
            old = self._list.stat(entry)
            if kind is FileType.DELETED:
                old = StatRecord(mtime=old.mtime, ctime=old.ctime)
            yield Entry(name, name, -1, kind, _stat_result(old), options, include, b"")


def _changed(letter: str, old: StatRecord, st: os.stat_result) -> bool:
    match letter:
        case "i":
            return (old.ino ^ st.st_ino) & _BITS_64 != 0
        case "p":
            return old.mode != st.st_mode
        case "n":
            return old.nlink != st.st_nlink
        case "u":
            return old.uid != st.st_uid
        case "g":
            return old.gid != st.st_gid
        case "s":
            return old.size != st.st_size
        case "a":
            return old.atime != st[stat.ST_ATIME]
        case "m":
            return old.mtime != st[stat.ST_MTIME]
        case "c":
            return old.ctime != st[stat.ST_CTIME]
        case "d":
            return old.size > st.st_size
        case "A":
            return True
        case _:
            return False


def _stat_result(old: StatRecord) -> os.stat_result:
    """The catalog's numbers in the shape that the attribute encoder takes."""
    return os.stat_result(
        (
            old.mode,
            old.ino,
            old.dev,
            old.nlink,
            old.uid,
            old.gid,
            old.size,
            old.atime,
            old.mtime,
            old.ctime,
        ),
        {"st_rdev": old.rdev, "st_blksize": old.blksize, "st_blocks": old.blocks},
    )
