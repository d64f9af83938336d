"""Names of a FileSet that lie below others: told, and taken out where the Options say so. Stats the names, once each.

Facts: protocol/03 section 5 (core/src/findlib/shadowing.cc). Blocking: for a worker thread.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import replace

from fdaemon.fileset.examine import Report
from fdaemon.fileset.model import FileSet, Include, Option, PatternKind, Shadow
from fdaemon.protocol.messages import MessageType

_HARD_TO_JUDGE = frozenset({PatternKind.REGEX, PatternKind.REGEX_DIR, PatternKind.WILD, PatternKind.WILD_DIR})


class _Check:
    def __init__(self, report: Report, check_cancelled: Callable[[], None], removes: bool) -> None:
        self._report = report
        self._check_cancelled = check_cancelled
        self._removes = removes
        self._stats: dict[bytes, os.stat_result | None] = {}

    def _lstat(self, name: bytes) -> os.stat_result | None:
        if name not in self._stats:
            try:
                self._stats[name] = os.lstat(name)
            except OSError as error:
                text = os.strerror(error.errno or 0).encode()
                self._report(MessageType.WARNING, b"Cannot stat file %b: ERR=%b\n" % (name, text), 0)
                self._stats[name] = None
        return self._stats[name]

    def _shadow(self, one: bytes, other: bytes, recursive: bool) -> bool:
        first, second = self._lstat(one), self._lstat(other)
        if first is None or second is None:
            return False
        if stat.S_ISDIR(first.st_mode) and stat.S_ISDIR(second.st_mode):
            short, long = sorted((one, other), key=len)
            return recursive and long.startswith(short + b"/") and first.st_dev == second.st_dev
        return first.st_dev == second.st_dev and first.st_ino == second.st_ino

    def compare(self, names: list[bytes], others: list[bytes] | None, recursive: bool) -> None:
        """Each of `names` with each of `others`, or with those behind it (None). Takes names out of both lists."""
        place = 0
        while place < len(names):
            self._check_cancelled()
            against = names if others is None else others
            name, number = names[place], place + 1 if others is None else 0
            while number < len(against):
                if not self._shadow(name, against[number], recursive):
                    number += 1
                    continue
                later = len(name) < len(against[number])
                longer, shorter = (against[number], name) if later else (name, against[number])
                end = b" removing it from fileset\n" if self._removes else b"\n"
                text = b"Fileset include block entry %b shadows %b%b" % (longer, shorter, end)
                self._report(MessageType.WARNING, text, 0)
                if not self._removes:
                    number += 1
                elif later:
                    del against[number]
                else:
                    del names[place]
                    place = -1  # the C++ daemon starts over, and so do its messages
                    break
            place += 1


def _recursive(include: Include) -> bool:
    return not include.last.has(Option.NO_RECURSION)


def _judgeable(include: Include) -> bool:
    """False for an Include that selects by patterns which could keep two names apart."""
    return not any(
        pattern.kind in _HARD_TO_JUDGE
        for block in include.options
        if not block.has(Option.EXCLUDE)
        for pattern in block.patterns
    )


def check_shadowing(
    fileset: FileSet, report: Report, check_cancelled: Callable[[], None] = lambda: None
) -> FileSet:
    """`fileset` without the names that were to be removed; `report` gets the warnings."""
    names = [list(include.names) for include in fileset.includes]
    for number, include in enumerate(fileset.includes):
        kind = include.last.shadow
        if kind is Shadow.NONE:
            continue
        check = _Check(report, check_cancelled, kind.removes)
        if kind in (Shadow.GLOBAL_WARN, Shadow.GLOBAL_REMOVE):
            _check_all(fileset.includes, names, check)
            break
        check.compare(names[number], None, _recursive(include))
    includes = tuple(
        replace(include, names=tuple(left)) for include, left in zip(fileset.includes, names, strict=True)
    )
    return replace(fileset, includes=includes)


def _check_all(includes: tuple[Include, ...], names: list[list[bytes]], check: _Check) -> None:
    for number, include in enumerate(includes):
        check.compare(names[number], None, _recursive(include))
        if not _judgeable(include):
            continue
        for later in range(number + 1, len(includes)):
            if _judgeable(includes[later]):
                both = _recursive(include) and _recursive(includes[later])
                check.compare(names[number], names[later], both)
