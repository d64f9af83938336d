"""The reference tree of these tests, with all that a file system can hold."""

import os
import stat
from pathlib import Path

import pytest

from tests.support import tree
from tests.support.decorated import decorate


def _grow(root: Path) -> Path:
    tree.build(bytes(root))
    if os.geteuid() == 0:
        for name, kind, device in (
            ("char", stat.S_IFCHR, os.makedev(1, 3)),
            ("block", stat.S_IFBLK, os.makedev(7, 200)),
        ):
            path = root / "special" / name
            os.mknod(path, kind | 0o600, device)
            os.utime(path, (tree.EPOCH, tree.EPOCH))
        os.chown(root / "docs/one-byte", 1234, 4321)
        os.lchown(root / "links/dangling", 1234, 4321)
    decorate(root)
    os.utime(root / "special", (tree.EPOCH, tree.EPOCH))
    return root


@pytest.fixture(scope="module")
def reference_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the recorded sessions with its ACLs and attributes; as root with devices and owners too."""
    return _grow(tmp_path_factory.mktemp("reference") / "data")
