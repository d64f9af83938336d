"""An independent account of what a directory tree holds, to compare a restored one with its original."""

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Described:
    """One name: everything that a restore must put back. `mtime` in seconds; `links`: all names of its inode."""

    mode: str
    owner: tuple[int, int]
    mtime: int
    content: bytes | int | None
    extended: tuple[tuple[str, bytes], ...]
    links: tuple[bytes, ...] = ()


def describe(root: Path) -> dict[bytes, Described]:
    """Every name below `root`, itself as b""."""
    top = os.fsencode(root)
    found: dict[bytes, Described] = {}
    inodes: dict[tuple[int, int], list[bytes]] = {}
    for folder, folders, files in os.walk(top):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for path in (folder, *(os.path.join(folder, name) for name in (*files, *links))):
            name = path[len(top) :]
            status = os.lstat(path)
            found[name] = _one(path, status)
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                inodes.setdefault((status.st_dev, status.st_ino), []).append(name)
    for names in inodes.values():
        for name in names:
            found[name] = replace(found[name], links=tuple(sorted(names)))
    return found


def _one(path: bytes, status: os.stat_result) -> Described:
    content: bytes | int | None = None
    if stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).digest()
    elif stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
        content = status.st_rdev
    extended = sorted(
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in os.listxattr(path, follow_symlinks=False)
    )
    return Described(
        stat.filemode(status.st_mode),
        (status.st_uid, status.st_gid),
        int(status.st_mtime),
        content,
        tuple(extended),
    )
