"""A small tree with something of everything, and an independent way to say what a tree holds."""

import os
import stat
from pathlib import Path


def grow(root: Path) -> Path:
    """A tree of files, links, a fifo, odd names and a file larger than a volume block."""
    (root / "deep/er").mkdir(parents=True)
    (root / "empty-dir").mkdir()
    (root / "plain.txt").write_bytes(b"hello\n")
    (root / "empty").write_bytes(b"")
    (root / "deep/er/big.bin").write_bytes(bytes(range(256)) * 10_000)
    (root / "deep/compressible").write_bytes(b"abc " * 200_000)
    (root / "soft").symlink_to("plain.txt")
    (root / "broken").symlink_to("/nowhere/at all")
    os.link(root / "plain.txt", root / "deep/hard")
    os.mkfifo(root / "fifo", 0o640)
    Path(os.fsdecode(os.fsencode(root) + b"/odd \xff\xfe name")).write_bytes(b"bytes are bytes")
    (root / "deep/er/big.bin").chmod(0o750)
    for path in sorted(root.rglob("*"), reverse=True):
        if not path.is_symlink():
            os.utime(path, (1_600_000_000, 1_600_000_123))
    os.utime(root, (1_600_000_000, 1_600_000_123))
    return root


def without_folder_times(found: dict[bytes, tuple[object, ...]]) -> dict[bytes, tuple[object, ...]]:
    """A restore from several jobs writes into directories that an earlier job put back: their times move."""
    return {
        name: entry if not stat.S_ISDIR(int(str(entry[0]))) else (*entry[:3], *entry[4:])
        for name, entry in found.items()
    }


def describe(root: Path) -> dict[bytes, tuple[object, ...]]:
    """Name -> type, mode, owner, time, content or link target, and the names of hard links."""
    found: dict[bytes, tuple[object, ...]] = {}
    links: dict[tuple[int, int], list[bytes]] = {}
    top = os.fsencode(root)
    for folder, names, files in os.walk(top):
        for name in [b".", *files, *(n for n in names if os.path.islink(os.path.join(folder, n)))]:
            path = os.path.normpath(os.path.join(folder, name))
            st = os.lstat(path)
            content: object = None
            if stat.S_ISREG(st.st_mode):
                content = Path(os.fsdecode(path)).read_bytes()
                if st.st_nlink > 1:
                    links.setdefault((st.st_dev, st.st_ino), []).append(path[len(top) :])
            elif stat.S_ISLNK(st.st_mode):
                content = os.readlink(path)
            # The C++ daemon does not put back the times of symbolic links.
            changed = 0 if stat.S_ISLNK(st.st_mode) else int(st.st_mtime)
            found[path[len(top) :]] = (st.st_mode, st.st_uid, st.st_gid, changed, content)
    for group in links.values():
        for name in group:
            found[name] += tuple(sorted(group))
    return found
