"""How large a tree is, judged from the place that a backup has reached in it. Reads directories, never content.

A backup visits each directory in the order in which it is read, so the path in work tells, for every directory
above it, which of its entries are done. Files of those directories have known sizes; sub-directories are taken to
cost as much as their finished brothers, and the one in work as much as it will by the same rule, from the bottom up.
Excluded entries count like others, and directories of very different sizes mislead it: it is an estimate.
"""

import os
from dataclasses import dataclass, field

MOST_ENTRIES = 20_000
"""Entries of one directory that are looked at; behind them the rest counts as files of average cost."""
FILE_COST = 1.0
"""Cost of one entry; all costs are in the time of one small file."""
BYTE_COST = 1 / 30_000
"""Cost of one content byte: 30 KB are read, digested and sent in the time that a file costs beside its content."""


def cost(entries: float, size: float) -> float:
    """The cost of so many entries with so many content bytes together."""
    return entries * FILE_COST + size * BYTE_COST


@dataclass(slots=True)
class _Level:
    """One directory on the path: its entries' costs (-1: a directory), and what had been done when it began."""

    path: bytes
    names: dict[bytes, int]
    costs: list[float]
    started: float
    folders: int = 0
    files: float = 0.0
    passed: list[float] = field(default_factory=list)
    """Cost of the files before entry i."""
    before: list[int] = field(default_factory=list)
    """Directories before entry i."""


class Position:
    """Follows one job. `total` is blocking (it reads directories) and is meant for a worker thread."""

    def __init__(self, roots: tuple[bytes, ...]) -> None:
        self._roots = roots
        self._levels: list[_Level] = []

    def total(self, current: bytes, done: float) -> float | None:
        """The cost of the whole tree, with `done` of it behind us and `current` in work. None if unknowable."""
        root = max((name for name in self._roots if _inside(current, name)), key=len, default=None)
        if root is None:
            return None
        parts = [part for part in current[len(root) :].split(b"/") if part]
        self._enter(root, parts, done)
        return self._judge([root, *parts], done)

    def _enter(self, root: bytes, parts: list[bytes], done: float) -> None:
        """Bring the remembered levels in line with the path."""
        paths = [b"", root]
        for part in parts[:-1]:
            paths.append(paths[-1].rstrip(b"/") + b"/" + part)
        keep, fresh = 0, not self._levels
        while keep < len(self._levels) and keep < len(paths) and self._levels[keep].path == paths[keep]:
            keep += 1
        del self._levels[keep:]
        for path in paths[keep:]:
            level = _read_roots(self._roots) if not path else _read(path, done)
            if level is None:
                return
            if fresh and len(self._levels) == 1:  # the first root began when the job did
                level.started = 0.0
            self._levels.append(level)

    def _judge(self, names: list[bytes], done: float) -> float:
        """Totals from the innermost directory outwards."""
        inner: float | None = None
        for depth in range(len(self._levels) - 1, -1, -1):
            level = self._levels[depth]
            place = level.names.get(names[depth]) if depth < len(names) else None
            if place is None:  # behind what was read, or gone
                place = len(level.costs) - 1
            spent = max(0.0, done - level.started)
            folders = level.before[place] if level.before else 0
            in_folder = level.costs[place] < 0 if level.costs else False
            open_cost = (
                max(0.0, done - self._levels[depth + 1].started) if depth + 1 < len(self._levels) else 0.0
            )
            finished = max(0.0, spent - (level.passed[place] if level.passed else 0.0) - open_cost)
            known, count = (finished, folders) if folders else (0.0, 0)
            if in_folder and inner is not None:
                known, count = known + inner, count + 1
            each = max(FILE_COST, known / count) if count else FILE_COST
            inner = level.files + level.folders * each + FILE_COST
        return max(done, inner if inner is not None else done)


def _inside(path: bytes, root: bytes) -> bool:
    return path == root or path.startswith(root.rstrip(b"/") + b"/")


def _level(path: bytes, entries: list[tuple[bytes, float]], more: int, started: float) -> _Level:
    level = _Level(path, {}, [], started)
    for number, (name, price) in enumerate(entries):
        level.names[name] = number
        level.costs.append(price)
        level.passed.append(level.files)
        level.before.append(level.folders)
        if price < 0:
            level.folders += 1
        else:
            level.files += price
    if more and entries:
        level.files += more * max(FILE_COST, level.files / len(entries))
    return level


def _read(path: bytes, started: float) -> _Level | None:
    entries: list[tuple[bytes, float]] = []
    more = 0
    try:
        with os.scandir(path) as found:
            for item in found:
                if len(entries) >= MOST_ENTRIES:
                    more += 1
                elif item.is_dir(follow_symlinks=False):
                    entries.append((item.name, -1.0))
                else:
                    entries.append((item.name, _price(item)))
    except OSError:
        return None
    return _level(path, entries, more, started)


def _price(item: os.DirEntry[bytes]) -> float:
    try:
        st = item.stat(follow_symlinks=False)
    except OSError:
        return FILE_COST
    return cost(1, st.st_size if item.is_file(follow_symlinks=False) else 0)


def _read_roots(roots: tuple[bytes, ...]) -> _Level:
    entries: list[tuple[bytes, float]] = []
    for name in roots:
        try:
            st = os.lstat(name)
            entries.append((name, -1.0 if st.st_mode & 0o170000 == 0o040000 else cost(1, st.st_size)))
        except OSError:
            entries.append((name, FILE_COST))
    return _level(b"", entries, 0, 0.0)
