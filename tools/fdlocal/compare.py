"""Says whether two directory trees are the same: names, types, contents, owners, modes, times, links, ACLs
and xattrs.

Reads the trees itself and shares nothing with the daemon whose work it judges.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the path below both roots, and what differs."""

    path: bytes
    what: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many entries and bytes were compared, and what differs."""

    entries: int
    size: int
    differences: tuple[Difference, ...]


def compare(left: bytes, right: bytes, *, skip: Callable[[bytes], bool] = lambda _name: False) -> Comparison:
    """Compare two trees. Entries whose last component `skip` accepts, and all below them, do not count."""
    names = dict.fromkeys(_walk(left, skip))
    others = set(_walk(right, skip))
    differences = [Difference(path, "missing") for path in names if path not in others]
    differences += [Difference(path, "not in the original") for path in sorted(others) if path not in names]
    links: dict[tuple[int, int], bytes] = {}
    size = 0
    for path in names:
        if path in others:
            a, b = os.lstat(left + path), os.lstat(right + path)
            differences += [Difference(path, what) for what in _entry(left + path, right + path, a, b)]
            if stat.S_ISREG(a.st_mode):
                size += a.st_size
                first = links.setdefault((a.st_dev, a.st_ino), path)
                if first != path and first in others and os.lstat(right + first).st_ino != b.st_ino:
                    differences.append(Difference(path, "is no hard link any more"))
    return Comparison(len(names), size, tuple(differences))


def _walk(root: bytes, skip: Callable[[bytes], bool]) -> Iterator[bytes]:
    yield b""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not skip(name)]
        for name in [*folders, *files]:
            if not skip(name):
                yield os.path.join(folder, name)[len(root) :]


def _entry(left: bytes, right: bytes, a: os.stat_result, b: os.stat_result) -> Iterator[str]:
    if stat.S_IFMT(a.st_mode) != stat.S_IFMT(b.st_mode):
        yield "type"
        return
    if a.st_mode != b.st_mode:
        yield f"mode {stat.filemode(a.st_mode)} became {stat.filemode(b.st_mode)}"
    if (a.st_uid, a.st_gid) != (b.st_uid, b.st_gid):
        yield f"owner {a.st_uid}:{a.st_gid} became {b.st_uid}:{b.st_gid}"
    if stat.S_ISLNK(a.st_mode):
        if os.readlink(left) != os.readlink(right):
            yield "link target"
        return
    if int(a.st_mtime) != int(b.st_mtime):
        yield "modification time"
    if stat.S_ISREG(a.st_mode) and (a.st_size != b.st_size or not _same_content(left, right)):
        yield "content"
    if (stat.S_ISBLK(a.st_mode) or stat.S_ISCHR(a.st_mode)) and a.st_rdev != b.st_rdev:
        yield "device number"
    if _extended(left) != _extended(right):
        yield "ACL or extended attributes"


def _same_content(left: bytes, right: bytes) -> bool:
    with Path(os.fsdecode(left)).open("rb") as a, Path(os.fsdecode(right)).open("rb") as b:
        while True:
            chunk = a.read(_CHUNK)
            if chunk != b.read(_CHUNK):
                return False
            if not chunk:
                return True


def _extended(path: bytes) -> dict[str, bytes]:
    return {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in os.listxattr(path, follow_symlinks=False)
    }
