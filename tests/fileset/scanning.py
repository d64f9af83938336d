"""How the tests of this room write trees and FileSets, and read what a walk yields.

A tree is words like the case table of protocol/03: `name=content`, `d/`, `l>target`, `h~first` (hard link),
`f!` (fifo). A FileSet is lines without the first `I`; `F x` names `x` below the root of the test.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fdaemon.fileset.entry import Entry
from fdaemon.fileset.examine import Comparison
from fdaemon.fileset.model import FileSet
from fdaemon.fileset.parse import parse_fileset
from fdaemon.fileset.walk import walk
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

SENT = frozenset(
    {
        FileType.LNKSAVED,
        FileType.REGE,
        FileType.REG,
        FileType.LNK,
        FileType.DIREND,
        FileType.SPEC,
        FileType.RAW,
        FileType.FIFO,
        FileType.NORECURSE,
        FileType.NOFSCHG,
        FileType.INVALIDFS,
        FileType.DELETED,
        FileType.BASE,
    }
)
NOBODY = 65534
T = "a/x.o=1 a/x.c=2 a/sub/y.o=3 a/sub/y.c=4"
"""The tree of most selection cases."""


def plant(root: Path, words: str) -> bytes:
    """Make the tree below `root` (which may exist already) and return its name."""
    for word in words.split():
        path = root / word.rstrip("/!")
        if word.endswith("/") and ">" not in word:
            path.mkdir(parents=True, exist_ok=True)
            continue
        for mark in "=>~!":
            name, found, value = word.partition(mark)
            if not found:
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            match mark:
                case "=":
                    path.write_bytes(value.encode())
                case ">":
                    path.symlink_to(value)
                case "~":
                    os.link(root / value, path)
                case _:
                    os.mkfifo(path)
            break
    return os.fsencode(root)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Run as a user for whom files can be unreadable; root becomes nobody for the while."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def fileset(root: bytes, lines: Iterable[str | bytes]) -> FileSet:
    """The FileSet of `lines`, behind an `I`; names of `F` lines are put below `root`, `R/` in patterns
    too."""
    sent = [b"I\n"]
    for line in lines:
        raw = line.encode() if isinstance(line, str) else line
        if raw.startswith(b"F ") and raw[2:3] not in (b"*", b"/", b"|", b"<"):
            raw = b"F " + root + (b"/" + raw[2:] if raw != b"F ." else b"")
        sent.append(raw.replace(b"R/", root + b"/"))
    parsed = parse_fileset(sent)
    assert parsed.fileset is not None, parsed.problems
    return parsed.fileset


@dataclass
class Scan:
    """What a walk yielded. `saved` is what a consumer would have sent, as `TYPE name`, in order; `links`
    holds link texts by name; `told` the messages of the walk itself."""

    saved: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    told: list[tuple[MessageType, bytes]] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    entries: int = 0

    @property
    def names(self) -> set[str]:
        """The saved lines without their order; each must be unique for this to be asked."""
        assert len(set(self.saved)) == len(self.saved), self.saved
        return set(self.saved)


def scan(
    root: bytes,
    lines: Sequence[str | bytes],
    *,
    since: int | None = None,
    accurate: Comparison | None = None,
    want_skipped: bool = True,
    saves: Callable[[Entry], bool] = lambda entry: True,
    open_levels: int = 128,
) -> Scan:
    """Walk as a backup would: FileIndexes are given to what is sent. `saves` may turn a single file down."""
    found = Scan()

    def shown(path: bytes) -> str:
        short = path.removeprefix(root).removeprefix(b"/") if path.startswith(root) else path
        return os.fsdecode(short) or "."

    index = 0
    entries = walk(
        fileset(root, lines),
        since=since,
        accurate=accurate,
        want_skipped=want_skipped,
        counters=found.counters,
        report=lambda kind, text, errors: found.told.append((kind, text.replace(root, b"R"))),
        open_levels=open_levels,
    )
    for entry in entries:
        found.entries += 1
        name = shown(entry.stored_name)
        if entry.error is not None:
            found.failed[f"{entry.type.name} {name}"] = entry.error.errno or 0
            continue
        if entry.type in (FileType.NOCHG, FileType.DIRNOCHG):
            found.skipped.append(shown(entry.path))
            continue
        assert entry.type in SENT
        if stat.S_ISSOCK(entry.stat.st_mode):
            found.skipped.append(name)
            continue
        if not saves(entry):
            continue
        index += 1
        if entry.hardlink is not None and entry.hardlink.file_index == 0:
            entry.hardlink.file_index = index
        if entry.link:
            found.links[name] = shown(entry.link)
        if entry.link_index:
            found.links[name] += f" #{entry.link_index}"
        found.options[name] = entry.options.digest.name if entry.options.digest else ""
        found.saved.append(f"{entry.type.name} {name}")
    return found
