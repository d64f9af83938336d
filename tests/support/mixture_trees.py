"""Random trees with all that a file system can hold, and random changes to them. Knows no FileSet and no daemon."""

import os
import stat
import struct
from pathlib import Path
from random import Random

TOPS = ("alpha", "beta", "gamma", "delta")
"""The directories that every tree has, for FileSets to name."""
SUFFIXES = (".txt", ".log", ".gz", ".img", ".o", "")
_ODD = (
    b"sp ace.txt",
    b"blank ",
    b"\xff\xfe.log",
    "日本é.gz".encode(),
    b"new\nline.txt",
    b"tab\t.img",
    b"*?[ab].o",
    b"back\\slash",
    b"$HOME|`a`.log",
    b"quo\"te'.gz",
    b"-rf",
    b"long" + b"x" * 247 + b".txt",
)
_EDGES = (65_536, 131_072, 262_144, 262_136, 131_064)
_MODES = (0o644, 0o644, 0o600, 0o4755, 0o2711, 0o1644, 0o444, 0)
_TIMES = (0, 1, 86_400, 1_000_000_000, 1_234_567_890, 2**31 + 7, -86_400)
_BUSY = (120, 120, 700)
"""Entries of a directory with many; 700 make several groups of files that are packed together."""
_CAPABILITY = struct.pack("<IIIII", 0x0200_0001, 0x400, 0, 0, 0)


def _size(dice: Random) -> int:
    match dice.choice("00tsssskkkeeem"):
        case "0":
            return 0
        case "t":
            return dice.randrange(1, 20)
        case "s":
            return dice.randrange(20, 5000)
        case "k":
            return dice.randrange(5000, 100_000)
        case "e":
            return dice.choice(_EDGES) * dice.choice((1, 1, 1, 2)) + dice.choice((-1, 0, 1, 5, 9))
        case _:
            return dice.randrange(300_000, 2_500_000)


def _content(dice: Random, size: int) -> bytes:
    match dice.choice("rrcczm"):
        case "r":
            return dice.randbytes(size)
        case "c":
            line = b"%d of the lines that repeat themselves\n" % dice.randrange(100)
            return (line * (size // len(line) + 1))[:size]
        case "z":
            return bytes(size)
        case _:
            half = size // 2
            return dice.randbytes(half) + bytes(size - half)


def _write(dice: Random, path: bytes) -> None:
    """A file with content, or one with holes in front, in the middle, behind, or nothing but a hole."""
    with Path(os.fsdecode(path)).open("wb") as file:
        if dice.random() < 0.8:
            file.write(_content(dice, _size(dice)))
            return
        for _ in range(dice.randrange(3)):
            file.seek(dice.choice((0, 4096, 262_144, 262_136, 300_000)), os.SEEK_CUR)
            file.write(dice.randbytes(dice.choice((1, 4096, 70_000))))
        file.truncate(file.tell() + dice.choice((0, 1, 4096, 262_144, 600_000)))


def _acl(dice: Random) -> bytes:
    """The kernel's form of an ACL with a named user and a named group."""
    entries = [
        (1, 7, 0xFFFF_FFFF),
        (2, dice.randrange(8), dice.choice((0, 1234))),
        (4, 5, 0xFFFF_FFFF),
        (8, dice.randrange(8), 4321),
        (16, dice.randrange(8), 0xFFFF_FFFF),
        (32, dice.randrange(8), 0xFFFF_FFFF),
    ]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _decorate(dice: Random, path: bytes) -> None:
    """Owner, mode, attributes and times, in the order in which they do not undo each other."""
    form = stat.S_IFMT(os.lstat(path).st_mode)
    if os.geteuid() == 0 and dice.random() < 0.3:
        os.chown(path, dice.choice((0, 1, 1234)), dice.choice((0, 4321)), follow_symlinks=False)
    if form != stat.S_IFLNK:
        if form == stat.S_IFDIR:
            os.chmod(path, dice.choice((0o755, 0o755, 0o700, 0o1777, 0o2775)))
        else:
            os.chmod(path, dice.choice(_MODES))
        if form in (stat.S_IFREG, stat.S_IFDIR) and dice.random() < 0.25:
            for name in dice.sample(("a", "empty", "binary", "sp ace", "large"), dice.randrange(1, 4)):
                size = {"empty": 0, "large": 900}.get(name, dice.randrange(1, 40))
                os.setxattr(path, f"user.{name}", dice.randbytes(size))
            if form == stat.S_IFREG and os.geteuid() == 0 and dice.random() < 0.2:
                os.setxattr(path, "security.capability", _CAPABILITY)
        if dice.random() < 0.15:
            os.setxattr(path, "system.posix_acl_access", _acl(dice))
        if form == stat.S_IFDIR and dice.random() < 0.3:
            os.setxattr(path, "system.posix_acl_default", _acl(dice))
    if dice.random() < 0.5:
        os.utime(path, (1_500_000_000, dice.choice(_TIMES)), follow_symlinks=False)


def _name(dice: Random, number: int) -> bytes:
    if dice.random() < 0.15:
        return dice.choice(_ODD)
    return f"f{number}{dice.choice(SUFFIXES)}".encode()


def _make(dice: Random, path: bytes, files: list[bytes]) -> None:
    """One entry that is no directory."""
    kind = dice.choice("rrrrrrrrhhslpd")
    if kind == "h" and files:
        os.link(dice.choice(files), path)
    elif kind in "sl":
        os.symlink(dice.choice((b"f1.txt", b"../alpha", b"/nonexistent/\xff", b"x" * 300)), path)
    elif kind == "p":
        os.mkfifo(path)
    elif kind == "d" and os.geteuid() == 0:
        os.mknod(path, dice.choice((stat.S_IFCHR, stat.S_IFBLK)) | 0o600, os.makedev(7, 200))
    else:
        _write(dice, path)
        files.append(path)


def grow(dice: Random, top: Path) -> None:
    """Make a tree at `top`, which must not exist."""
    root = os.fsencode(top)
    folders = [os.path.join(root, name.encode()) for name in TOPS]
    for folder in folders:
        os.makedirs(folder)
    for number in range(dice.randrange(6)):
        folders.append(
            os.path.join(dice.choice(folders), dice.choice((b"sub", b"deep", b"d r")) + b"%d" % number)
        )
        os.mkdir(folders[-1])
    width = dice.choice((0, 0, 0, 90))
    steps = [b"n%d" % number + b"x" * width for number in range(dice.randrange(1, 30))]
    deep = os.path.join(dice.choice(folders), *steps)
    os.makedirs(deep)
    folders.append(deep)
    files: list[bytes] = []
    for number in range(dice.randrange(10, 40)):
        path = os.path.join(dice.choice(folders), _name(dice, number))
        if not os.path.lexists(path):
            _make(dice, path, files)
    if dice.random() < 0.4:
        busy = dice.choice(folders)
        for number in range(dice.choice(_BUSY)):
            path = os.path.join(busy, f"many{number}{dice.choice(SUFFIXES)}".encode())
            Path(os.fsdecode(path)).write_bytes(_content(dice, dice.choice((0, 1, 50, 3000))))
            files.append(path)
    for _ in range(dice.randrange(6)):
        path = os.path.join(
            dice.choice(folders), b"linked%d" % dice.randrange(1000) + dice.choice((b".gz", b".txt"))
        )
        if files and not os.path.lexists(path):
            os.link(dice.choice(files), path)
    for path in _everything(root):
        _decorate(dice, path)


def _links(folder: bytes) -> bool:
    """True when a file below has other names: with another path of the first, those would be links to nothing."""
    return any(
        os.lstat(os.path.join(place, name)).st_nlink > 1
        for place, _, names in os.walk(folder)
        for name in names
    )


def _everything(root: bytes) -> list[bytes]:
    """All names but those that FileSets name: of those, C++ saves attributes as of the entry before."""
    found = [
        os.path.join(folder, name) for folder, names, others in os.walk(root) for name in (*names, *others)
    ]
    tops = {os.path.join(root, name.encode()) for name in TOPS}
    return sorted((path for path in found if path not in tops), reverse=True)


def change(dice: Random, top: Path, *, types: bool) -> None:
    """Some changes. With `types` a name may come to stand for a directory, or a directory for a file."""
    root = os.fsencode(top)
    for number in range(dice.randrange(3, 15)):
        path = dice.choice(_everything(root))
        form = stat.S_IFMT(os.lstat(path).st_mode)
        match dice.choice("wwwmuxnnlrdt"):
            case "w" if form == stat.S_IFREG:
                old = os.stat(path)
                _write(dice, path)
                if dice.random() < 0.3:  # changed, and its time put back
                    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
            case "m" if form != stat.S_IFLNK:
                os.chmod(path, dice.choice(_MODES[:6]))
            case "u":
                os.utime(path, (1, dice.choice(_TIMES)), follow_symlinks=False)
            case "x" if form in (stat.S_IFREG, stat.S_IFDIR):
                os.setxattr(path, "user.changed", b"%d" % number)
            case "n":
                folder = path if form == stat.S_IFDIR else os.path.dirname(path)
                new = os.path.join(folder, b"new%d" % number + dice.choice(SUFFIXES).encode())
                if not os.path.lexists(new):
                    _make(dice, new, [])
                    _decorate(dice, new)
            case "l" if form == stat.S_IFREG:
                new = path[:-1] + b"L"
                if not os.path.lexists(new):
                    os.link(path, new)
            case "r":
                new = os.path.join(os.path.dirname(path), b"moved%d.txt" % number)
                if form != stat.S_IFDIR or (types and not _links(path)):
                    os.rename(path, new)
            case "d" if form != stat.S_IFDIR:
                os.unlink(path)
            case "t" if form != stat.S_IFDIR:
                os.unlink(path)
                if types and dice.random() < 0.5:
                    os.mkdir(path)
                    _write(dice, path + b"/inside.txt")
                else:
                    os.symlink(b"elsewhere", path)
            case _:
                pass
