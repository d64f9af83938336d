"""The tree that the recorded sessions were made on, and the edits before the later ones.

Names, contents, modes and mtimes are those of the recordings; what the file system assigns is not.
"""

import os
import random
from pathlib import Path

EPOCH = 1_700_000_000
"""mtime of everything that `change` leaves alone."""
RECORDED_ROOT = b"/srv/data"
"""Where the tree was when the sessions were recorded."""


def _payload(size: int, seed: int) -> bytes:
    noise = random.Random(seed).randbytes(size // 2)
    text = b"All work and no play. "
    return noise + (text * (size // 44 + 1))[: size - size // 2]


def _contents() -> dict[bytes, bytes]:
    return {
        b"docs/readme.txt": b"hello, file daemon\n",
        b"docs/empty": b"",
        b"docs/one-byte": b"x",
        b"docs/exact-64k": _payload(65536, 1),
        b"docs/64k-plus-1": _payload(65537, 2),
        b"docs/three-blocks.bin": _payload(3 * 65536 + 123, 3),
        b"docs/deep/er/still/note.md": b"# deep\n" * 100,
        b"logs/app.log": b"2023-11-14 line\n" * 5000,
        b"logs/app.log.1": b"2023-11-13 line\n" * 100,
        b"logs/core.o": _payload(5000, 4),
        b"skip/.nobackup": b"",
        b"skip/secret.txt": b"skipped when 'exclude dir containing' is set\n",
        b"special/zeros.bin": bytes(300_000),
        b"links/hard-a": b"three names, one inode\n",
        b"names/with space and 'quotes\"": b"1\n",
        "names/ümläut-日本語-😀".encode(): b"2\n",
        b"names/latin1-\xe9\xff-not-utf8": b"3\n",
        b"names/new\nline": b"4\n",
        b"names/" + b"n" * 250: b"5\n",
        b"attrs/setuid": b"#!/bin/sh\n",
        b"attrs/readonly": b"r\n",
        b"attrs/xattr": b"has user.* attributes\n",
        b"attrs/acl": b"has a POSIX ACL\n",
    }


def _write(path: bytes, content: bytes) -> None:
    Path(os.fsdecode(path)).write_bytes(content)


def build(root: bytes) -> None:
    """Make the tree at `root`, which must not exist. Without ACLs and extended attributes."""
    for folder in (b"docs/deep/er/still", b"empty-dir", b"logs", b"links", b"special", b"names", b"skip"):
        os.makedirs(os.path.join(root, folder))
    os.makedirs(os.path.join(root, b"attrs/acl-dir"))
    for name, content in _contents().items():
        _write(os.path.join(root, name), content)
    with Path(os.fsdecode(root + b"/special/sparse.img")).open("wb") as file:
        file.write(_payload(65536, 5))
        file.seek(65536 + (1 << 20))
        file.write(_payload(70000, 6))
        file.truncate(3 << 20)
    os.mkfifo(root + b"/special/fifo", 0o640)
    os.symlink(b"../docs/readme.txt", root + b"/links/relative")
    os.symlink(b"/nonexistent/target", root + b"/links/dangling")
    os.symlink(b"../docs", root + b"/links/to-dir")
    os.link(root + b"/links/hard-a", root + b"/links/hard-b")
    os.link(root + b"/links/hard-a", root + b"/docs/hard-c")
    os.chmod(root + b"/attrs/setuid", 0o4755)
    os.chmod(root + b"/attrs/readonly", 0o400)
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*files, *folders):
            os.utime(os.path.join(folder, name), (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(root, (EPOCH, EPOCH))


def change(root: bytes) -> None:
    """What happened to the tree before the incremental and differential sessions."""
    _write(root + b"/docs/readme.txt", b"hello again, file daemon\n")
    os.chmod(root + b"/docs/one-byte", 0o600)
    _write(root + b"/docs/new-file", _payload(20000, 7))
    os.unlink(root + b"/logs/app.log.1")
    os.unlink(root + b"/links/relative")
    os.rename(root + b"/docs/deep", root + b"/docs/moved")
    _write(root + b"/docs/exact-64k", b"!" + _payload(65536, 1)[1:])
    os.utime(root + b"/docs/exact-64k", (EPOCH, EPOCH))
