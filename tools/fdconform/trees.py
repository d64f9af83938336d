"""Files that a case needs, as data, and their laying out below `{tree}`."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trio

from fdconform.stage import Stage

TIME = 1_700_000_000
"""Seconds since 1970: the times of everything laid out."""


@dataclass(frozen=True, slots=True)
class File:
    """A plain file. `holes`: its size if it ends in a hole; `xattrs` are names and values."""

    name: bytes
    content: bytes = b""
    mode: int = 0o644
    holes: int = 0
    xattrs: tuple[tuple[str, bytes], ...] = ()
    mtime: int = TIME


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory."""

    name: bytes
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, or with `hard` another name of the file `target` (below the tree)."""

    name: bytes
    target: bytes
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A fifo (`mode` S_IFIFO), socket or device."""

    name: bytes
    mode: int
    device: int = 0


type Item = File | Directory | Link | Node


@dataclass(frozen=True, slots=True)
class Tree:
    """Lay these out below `{tree}` (or `below`), parents as needed, times set at the end."""

    items: tuple[Item, ...] = ()
    below: bytes = b"{tree}"

    async def play(self, stage: Stage) -> None:
        await trio.to_thread.run_sync(lay_out, stage.fill(self.below), self.items)


@dataclass(frozen=True, slots=True)
class Change:
    """Run a function on the folder of the tree: what somebody does to the files meanwhile."""

    act: Callable[[Path], object]
    below: bytes = b"{tree}"

    async def play(self, stage: Stage) -> None:
        await trio.to_thread.run_sync(self.act, Path(os.fsdecode(stage.fill(self.below))))


def lay_out(root: bytes, items: tuple[Item, ...]) -> None:
    """Create everything. Raises OSError."""
    os.makedirs(root, exist_ok=True)
    for item in items:
        path = os.path.join(root, item.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        match item:
            case File():
                with Path(os.fsdecode(path)).open("wb") as file:
                    file.write(item.content)
                    if item.holes:
                        file.truncate(item.holes)
                os.chmod(path, item.mode)
                for name, value in item.xattrs:
                    os.setxattr(path, name, value)
            case Directory():
                os.makedirs(path, exist_ok=True)
                os.chmod(path, item.mode)
            case Link(hard=True):
                os.link(os.path.join(root, item.target), path)
            case Link():
                os.symlink(item.target, path)
            case Node():
                os.mknod(path, item.mode, item.device)
    mtimes = {os.path.join(root, item.name): item.mtime for item in items if isinstance(item, File)}
    for parent, folders, files in os.walk(root, topdown=False):
        for entry in (*files, *folders):
            path = os.path.join(parent, entry)
            os.utime(path, (TIME, mtimes.get(path, TIME)), follow_symlinks=False)
    os.utime(root, (TIME, TIME))
