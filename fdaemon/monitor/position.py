"""How large a tree is, judged from the place that a backup has reached in it. Reads directories, never content.

A backup visits each directory in the order in which it is read, so the path in work tells, for every directory
above it, which of its entries are done. Files of those directories have known sizes; sub-directories are taken to
cost as much as their finished brothers, by the number of directories in them, and the one in work as much as it
will by the same rule, from the bottom up.
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
    """One directory on the path: its entries' costs (below 0: the weight of a directory), and what had been done
    when it began.
    """

    path: bytes
    names: dict[bytes, int]
    costs: list[float]
    started: float
    folders: float = 0.0
    files: float = 0.0
    passed: list[float] = field(default_factory=list)
    """Cost of the files before entry i."""
    before: list[float] = field(default_factory=list)
    """Weight of the directories before entry i."""


class Position:
    """Follows one job. `total` is blocking (it reads directories) and is meant for a worker thread."""

    def __init__(self, roots: tuple[bytes, ...]) -> None:
        self._roots = roots
        self._levels: list[_Level] = []
        self._last = 0.0

    def total(self, current: bytes, done: float) -> float | None:
        """The cost of the whole tree, with `done` of it behind us and `current` in work. None if unknowable."""
        root = max((name for name in self._roots if _inside(current, name)), key=len, default=None)
        if root is None:
            return None
        parts = [part for part in current[len(root) :].split(b"/") if part]
        names = [root, *parts]
        self._enter(names, done)
        return self._judge(names, done)

    def _enter(self, names: list[bytes], done: float) -> None:
        """Bring the remembered levels in line with the path; the outermost has the FileSet's names."""
        paths = [b"", names[0]]
        for part in names[1:-1]:
            paths.append(paths[-1].rstrip(b"/") + b"/" + part)
        paths = paths[: len(names)]
        keep = 0
        while keep < len(self._levels) and keep < len(paths) and self._levels[keep].path == paths[keep]:
            keep += 1
        del self._levels[keep:]
        for depth in range(keep, len(paths)):
            if depth:
                level = _read(paths[depth], self._start(self._levels[-1], names[depth - 1], done))
            else:
                level = _read_roots(self._roots)
            if level is None:
                break
            self._levels.append(level)
        self._last = done

    def _start(self, parent: _Level, name: bytes, done: float) -> float:
        """What was done when the directory `name` began, which was after the entries before it."""
        place = parent.names.get(name)
        if place is None:
            return done
        least = max(self._last, parent.started + parent.passed[place])
        folders = parent.before[place]
        return least + max(0.0, done - least) * folders / (folders + 0.5 * max(1.0, -parent.costs[place]))

    def _judge(self, names: list[bytes], done: float) -> float:
        """Totals from the innermost directory outwards."""
        inner: float | None = None
        for depth in range(len(self._levels) - 1, -1, -1):
            level = self._levels[depth]
            place = level.names.get(names[depth]) if depth < len(names) else None
            if place is None:  # behind what was read, or gone
                place = len(level.costs) - 1
            spent = max(0.0, done - level.started)
            folders = level.before[place] if level.before else 0.0
            in_folder = level.costs[place] < 0 if level.costs else False
            open_cost = (
                max(0.0, done - self._levels[depth + 1].started) if depth + 1 < len(self._levels) else 0.0
            )
            finished = max(0.0, spent - (level.passed[place] if level.passed else 0.0) - open_cost)
            known, weight = (finished, folders) if folders else (0.0, 0.0)
            if in_folder and inner is not None:
                known, weight = known + inner, weight - level.costs[place]
            each = max(FILE_COST, known / weight) if weight else FILE_COST
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
            level.folders -= price
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
                    entries.append((item.name, -_weight(item)))
                else:
                    entries.append((item.name, _price(item)))
    except OSError:
        return None
    return _level(path, entries, more, started)


def _weight(item: os.DirEntry[bytes]) -> float:
    """How large a directory may be beside its brothers: one, and one for each directory in it, which most file
    systems tell in the link count.
    """
    try:
        return max(1.0, item.stat(follow_symlinks=False).st_nlink - 1.0)
    except OSError:
        return 1.0


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
