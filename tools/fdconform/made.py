"""Looks at what a restore has made. Names are below `{where}`."""

import os
import stat
from functools import wraps

from fdconform.stage import Check, Stage
from fdconform.trees import TIME
from fdconform.verdicts import Verdict


def _guarded(look: Check) -> Check:
    @wraps(look)
    def safely(stage: Stage) -> str | None:
        try:
            return look(stage)
        except OSError as error:
            return f"{error.strerror}: {os.fsdecode(error.filename) if error.filename else ''}"

    return safely


def path_of(stage: Stage, name: bytes) -> bytes:
    """`{name}`s filled in; relative names are below `{where}`."""
    return os.path.join(stage.names["where"], stage.fill(name))


def is_file(
    name: bytes,
    content: bytes | None = b"hello",
    *,
    mode: int | None = 0o644,
    mtime: int | None = TIME,
    owner: tuple[int, int] | None = None,
) -> Check:
    """A plain file with this content, mode, time and owner; None is not looked at."""

    @_guarded
    def check(stage: Stage) -> str | None:
        path = path_of(stage, name)
        there = os.lstat(path)
        if not stat.S_ISREG(there.st_mode):
            return f"{name!r} is no plain file: mode {there.st_mode:o}"
        if content is not None:
            with open(path, "rb") as file:  # noqa: PTH123 - names are bytes
                got = file.read()
            if got != content:
                return f"{name!r} holds {len(got)} bytes {got[:40]!r}, not {len(content)} bytes"
        return _attributes(name, there, mode, mtime, owner)

    return check


def is_folder(
    name: bytes, *, mode: int | None = 0o755, mtime: int | None = None, owner: tuple[int, int] | None = None
) -> Check:
    """A directory."""

    @_guarded
    def check(stage: Stage) -> str | None:
        there = os.lstat(path_of(stage, name))
        if not stat.S_ISDIR(there.st_mode):
            return f"{name!r} is no directory"
        return _attributes(name, there, mode, mtime, owner)

    return check


def is_link(name: bytes, target: bytes) -> Check:
    """A symbolic link to `target`."""

    @_guarded
    def check(stage: Stage) -> str | None:
        got, wanted = os.readlink(path_of(stage, name)), stage.fill(target)
        return None if got == wanted else f"{name!r} points to {got!r}, not {wanted!r}"

    return check


def is_kind(name: bytes, kind: int, mode: int | None = None) -> Check:
    """Something of this S_IF kind."""

    @_guarded
    def check(stage: Stage) -> str | None:
        there = os.lstat(path_of(stage, name))
        if stat.S_IFMT(there.st_mode) != kind:
            return f"{name!r} has mode {there.st_mode:o}"
        return _attributes(name, there, mode, None, None)

    return check


def same_file(first: bytes, second: bytes) -> Check:
    """Two names of one file."""

    @_guarded
    def check(stage: Stage) -> str | None:
        same = os.path.samestat(os.lstat(path_of(stage, first)), os.lstat(path_of(stage, second)))
        return None if same else f"{first!r} and {second!r} are two files"

    return check


def absent(*names: bytes) -> Check:
    """Nothing is there."""

    def check(stage: Stage) -> str | None:
        there = [name for name in names if os.path.lexists(path_of(stage, name))]
        return f"{there} should not be there" if there else None

    return check


def inside(*names: bytes) -> Check:
    """Nothing was made under these names outside of `{where}`; NON-STRICT where it was."""

    def check(stage: Stage) -> str | None:
        there = [name for name in names if os.path.lexists(path_of(stage, name))]
        if there:
            stage.note(Verdict.NON_STRICT, f"{there} was written outside of where")
        return None

    return check


def holes_in(name: bytes, most: int) -> Check:
    """The file takes at most so many bytes of the disk."""

    @_guarded
    def check(stage: Stage) -> str | None:
        used = os.lstat(path_of(stage, name)).st_blocks * 512
        return None if used <= most else f"{name!r} takes {used} bytes of the disk"

    return check


def xattr_is(name: bytes, key: str, value: bytes | None) -> Check:
    """An extended attribute, None if it must be missing."""

    @_guarded
    def check(stage: Stage) -> str | None:
        path = path_of(stage, name)
        got = os.getxattr(path, key, follow_symlinks=False) if key in os.listxattr(path) else None
        return None if got == value else f"{name!r} has {key} {got!r}, not {value!r}"

    return check


def _attributes(
    name: bytes, there: os.stat_result, mode: int | None, mtime: int | None, owner: tuple[int, int] | None
) -> str | None:
    if mode is not None and stat.S_IMODE(there.st_mode) != mode:
        return f"{name!r} has mode {stat.S_IMODE(there.st_mode):o}, not {mode:o}"
    if mtime is not None and int(there.st_mtime) != mtime:
        return f"{name!r} has time {there.st_mtime}, not {mtime}"
    if owner is not None and (there.st_uid, there.st_gid) != owner:
        return f"{name!r} belongs to {there.st_uid}:{there.st_gid}, not {owner[0]}:{owner[1]}"
    return None
