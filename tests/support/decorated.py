"""The ACLs and extended attributes that the recorded tree had, for one laid out by `tests.support.tree`."""

import os
import struct
from pathlib import Path

import pytest

_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32
_NOBODY = 0xFFFF_FFFF
type _Acl = list[tuple[int, int, int]]


def decorate(root: Path) -> None:
    """Give `attrs/` its ACLs and attributes. Skips the test where they are not supported."""
    try:
        _decorate(root)
    except OSError as error:
        pytest.skip(f"no ACLs or extended attributes here: {error}")


def _decorate(root: Path) -> None:
    for name, value in (("color", b"blue"), ("empty", b""), ("binary", bytes(range(32)))):
        os.setxattr(root / "attrs/xattr", f"user.{name}", value)
    named: _Acl = [(_USER_OBJ, 6, _NOBODY), (_USER, 6, 1234), (_GROUP_OBJ, 4, _NOBODY), (_GROUP, 4, 4321)]
    _set_acl(root / "attrs/acl", "access", [*named, (_MASK, 6, _NOBODY), (_OTHER, 4, _NOBODY)])
    access: _Acl = [(_USER_OBJ, 7, _NOBODY), (_USER, 7, 1234), (_GROUP_OBJ, 5, _NOBODY)]
    _set_acl(root / "attrs/acl-dir", "access", [*access, (_MASK, 7, _NOBODY), (_OTHER, 5, _NOBODY)])
    default: _Acl = [(_USER_OBJ, 7, _NOBODY), (_GROUP_OBJ, 5, _NOBODY), (_GROUP, 5, 4321)]
    _set_acl(root / "attrs/acl-dir", "default", [*default, (_MASK, 5, _NOBODY), (_OTHER, 5, _NOBODY)])


def _set_acl(path: Path, kind: str, entries: _Acl) -> None:
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(path, f"system.posix_acl_{kind}", packed)
