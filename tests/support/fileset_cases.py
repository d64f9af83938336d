"""Random trees and FileSets for hypothesis, and both made real: the tree on disk, the FileSet as configuration text.

KeepAtime is never drawn: the C++ daemon sets times with it, and so would change what the second daemon lists.
"""

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy, composite

MARKERS = (b".nobackup", b".nob2")
_PLAIN = (b"a", b"b", b"c", b"sub", b"x.o", b"x.c", b"A.O", b"core", b"tmp", b"log.1", b"-rf")
_ODD = (
    b"sp ace",
    b"blank ",
    b"\xff\xfe",
    "é".encode(),
    "日本".encode(),
    b"new\nline",
    b"tab\t",
    b"*",
    b"?",
    b"[ab]",
    b"back\\slash",
    b"$HOME",
    b"a|b",
    b"(",
    b'quo"te',
    b"long" + b"x" * 251,
    b"...",
    *MARKERS,
)
SIZES = (0, 1, 99, 100, 1000, 1009, 1010, 2000, 5000)
_OTHERS = ("file", "file", "file", "symlink", "hardlink", "fifo", "socket")


@dataclass(frozen=True, slots=True)
class Node:
    """One entry. `parent` is an index among the directories made before (0 is the top); `value` a size, the target
    of a symlink, or for a hard link an index among the files before."""

    kind: str
    parent: int
    name: bytes
    value: int | bytes = 0
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Block:
    """An Options block: directives in order, values as they stand in the configuration (quoted where needed)."""

    directives: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Included:
    """An Include. Its files are paths below the top of the tree, empty for the top itself."""

    blocks: tuple[Block, ...]
    files: tuple[str, ...]
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A tree (directories that are mount points among it) and a FileSet over it."""

    nodes: tuple[Node, ...]
    mounts: tuple[int, ...]
    includes: tuple[Included, ...]
    excludes: tuple[tuple[str, ...], ...]


TOP = "@TOP@"
"""Stands for the path of the tree in patterns."""

_names = st.one_of(st.sampled_from(_PLAIN), st.sampled_from(_PLAIN), st.sampled_from(_ODD))
# No target outside of the tree: a name with a slash behind it is followed.
_targets = st.sampled_from((b"a", b"../x.o", b"/nonexistent", b".", b"\xff"))


@composite
def _trees(draw: DrawFn) -> tuple[Node, ...]:
    nodes: list[Node] = []
    directories, files = 1, 0
    for _ in range(draw(st.integers(3, 8))):
        nodes.append(Node("dir", draw(st.integers(0, directories - 1)), draw(_names)))
        directories += 1
    for _ in range(draw(st.integers(4, 20))):
        kind = draw(st.sampled_from(_OTHERS))
        value: int | bytes = 0
        if kind == "file":
            value = draw(st.sampled_from(SIZES))
            files += 1
        elif kind == "symlink":
            value = draw(_targets)
        elif kind == "hardlink":
            if not files:
                continue
            value = draw(st.integers(0, files - 1))
        mode = draw(st.sampled_from((0o644, 0o644, 0o600, 0o4755, 0o1000, 0)))
        nodes.append(Node(kind, draw(st.integers(0, directories - 1)), draw(_names), value, mode))
    return tuple(nodes)


_wild = st.sampled_from(
    (
        "*.o",
        "*.c",
        "*.O",
        "*/sub",
        "*/a",
        "*/a*",
        "*/sub/*",
        "*/[ab]",
        "*/[!ab]",
        "*/[^a-c]*",
        "*\\**",
        "*\\\\*",
        "*/?",
        "*/??",
        "*/???*",
        "*é*",
        "*/[",
        "*[a-",
        "*[]]*",
        "*/*/*/*",
        "x.o",
        f"{TOP}/a",
        f"{TOP}/a/*",
        f"{TOP}/*",
        f"{TOP}/*/x.?",
        f"{TOP}/b/",
        "*blank ",
        "*blank",
        "* ",
        "*log.[0-9]",
        "*/-rf",
        "*[[:alpha:]]",
    )
)
_regex = st.sampled_from(
    (
        r"\.o$",
        r"\.O$",
        "/a$",
        f"^{TOP}/[ab]",
        f"^{TOP}/sub$",
        "(sub|core)$",
        "[[:upper:]]",
        "a{1,2}$",
        "/.$",
        "/..$",
        r"/x\..$|tmp",
        "^.*/x",
        "x+y?",
        r"\(",
        r"\*",
        r"\d",
        r"\w$",
        r"[\\]",
        "line$",
        "w.l",
        r"(a)(b)?.*\1$",
        "é",
        "/[^a]$",
        "^$",
        "",
        ".",
    )
)
_size = st.sampled_from(
    ("1000", "<1000", ">1000", "100-1010", "1k-2k", "1kb", "50", "0", ">0", "<1", "1.5k", ">2 k", "1 k-5kb")
)
_yes = st.sampled_from(("yes", "no"))


def quote(text: str) -> str:
    """A value in quotes, as the configuration has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_directive: SearchStrategy[tuple[str, str]] = st.one_of(
    *[
        st.tuples(st.just(name), _wild.map(quote))
        for name in ("Wild", "WildDir", "WildFile", "Wild", "WildDir", "WildFile")
    ],
    *[
        st.tuples(st.just(name), _regex.map(quote))
        for name in ("Regex", "RegexDir", "RegexFile", "Regex", "RegexDir", "RegexFile")
    ],
)
_switch: SearchStrategy[tuple[str, str]] = st.one_of(
    st.tuples(st.just("Exclude"), st.just("yes")),
    st.tuples(st.just("Exclude"), st.just("yes")),
    st.tuples(st.just("IgnoreCase"), _yes),
    st.tuples(st.just("OneFS"), _yes),
    st.tuples(st.just("Recurse"), _yes),
    st.tuples(st.just("HardLinks"), _yes),
    st.tuples(st.just("Size"), _size),
    st.tuples(st.just("StripPath"), st.integers(0, 9).map(str)),
    st.tuples(
        st.just("Shadowing"),
        st.sampled_from(("none", "localwarn", "localremove", "globalwarn", "globalremove")),
    ),
    st.tuples(st.just("Signature"), st.sampled_from(("MD5", "SHA1", "SHA256", "SHA512", "XXH128"))),
    st.tuples(st.just("Compression"), st.sampled_from(("GZIP", "GZIP9", "LZO", "LZ4", "LZFAST", "LZ4HC"))),
    st.tuples(st.just("EnhancedWild"), _yes),
    st.tuples(st.just("HonorNoDumpFlag"), _yes),
    st.tuples(st.just("AutoExclude"), _yes),
    st.tuples(st.just("ReadFifo"), _yes),
    st.tuples(st.just("MtimeOnly"), _yes),
    st.tuples(st.just("Sparse"), _yes),
    st.tuples(st.just("NoAtime"), _yes),
    st.tuples(st.just("CheckFileChanges"), _yes),
    st.tuples(st.just("Portable"), _yes),
    st.tuples(st.just("Accurate"), st.sampled_from(("mcs", "pins5", "A"))),
    st.tuples(st.just("Verify"), st.sampled_from(("pin", "pins1"))),
)


def _once(directives: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A switch may stand only once in a block."""
    return list(dict(directives).items())


_types = st.lists(st.sampled_from(("ext4", "tmpfs", "ramfs", "xfs", "overlay", "btrfs")), max_size=4)


@composite
def _included(draw: DrawFn, below: list[str]) -> Included:
    # C++ asks the file system of a top-level name by the list of whatever block it looked at last; one list for
    # all blocks of an Include keeps that unseen.
    types = draw(_types) if draw(st.integers(0, 3)) == 0 else []
    blocks: list[Block] = []
    for _ in range(draw(st.integers(0, 3))):
        switches = _once(draw(st.lists(_switch, max_size=4)))
        patterns = draw(st.lists(_directive, max_size=4))
        blocks.append(Block((*switches, *patterns, *(("FsType", kind) for kind in types))))
    files = draw(st.lists(st.sampled_from(below), min_size=1, max_size=4))
    markers = draw(
        st.lists(st.sampled_from([marker.decode() for marker in MARKERS]), max_size=2, unique=True)
    )
    return Included(tuple(blocks), tuple(files), tuple(markers))


@composite
def cases(draw: DrawFn) -> Case:
    """A tree, and a FileSet that may well concern it."""
    nodes = draw(_trees())
    mounts = tuple(draw(st.lists(st.integers(1, 3), max_size=2, unique=True))) if draw(st.booleans()) else ()
    known = _paths(nodes)
    below = ["", "", "", "/", "/nonexistent", "/a/", *known[:12], *(path + "/" for path in known[:2])]
    includes = tuple(draw(st.lists(_included(below), min_size=1, max_size=3)))
    flat = st.one_of(_wild, st.sampled_from(below).map(lambda path: TOP + path))
    excludes = tuple(
        tuple(block) for block in draw(st.lists(st.lists(flat, min_size=1, max_size=4), max_size=2))
    )
    return Case(nodes, mounts, includes, excludes)


def _writable(path: bytes) -> bool:
    """True for a path that can be written as a value in the configuration."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable() and text == text.strip()


def _paths(nodes: tuple[Node, ...]) -> list[str]:
    """The paths below the top, as text where that can be."""
    directories = [b""]
    paths: list[bytes] = []
    for node in nodes:
        path = directories[node.parent] + b"/" + node.name
        paths.append(path)
        if node.kind == "dir":
            directories.append(path)
    return [path.decode() for path in paths if _writable(path)]


def grow(case: Case, top: Path) -> list[Path]:
    """Make the tree; the places where something was mounted, to be given to `unmount`. Names taken twice: the first
    stays."""
    top.mkdir(parents=True)
    directories = [os.fsencode(top)]
    files: list[bytes] = []
    mounted: list[Path] = []
    for node in case.nodes:
        path = directories[node.parent] + b"/" + node.name
        try:
            if node.kind == "dir":
                os.mkdir(path)
                directories.append(path)
                if len(directories) - 1 in case.mounts and _mount(path):
                    mounted.append(Path(os.fsdecode(path)))
            else:
                _make(node, path, files)
        except FileExistsError:
            if node.kind == "dir":
                directories.append(directories[node.parent])
    return mounted


def _make(node: Node, path: bytes, files: list[bytes]) -> None:
    match node.kind:
        case "file":
            assert isinstance(node.value, int)
            files.append(path)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as made:
                made.write(b"x" * node.value)
                os.fchmod(made.fileno(), node.mode)
        case "symlink":
            assert isinstance(node.value, bytes)
            os.symlink(node.value, path)
        case "hardlink":
            assert isinstance(node.value, int)
            source = files[node.value % len(files)]
            try:
                os.link(source, path)
            except OSError:
                os.mkfifo(path)  # across the border of a mount
        case "fifo":
            os.mkfifo(path)
        case "socket":
            _socket(path)
        case _:
            raise ValueError(node.kind)


def _socket(path: bytes) -> None:
    """A socket; the address may be too long to bind, so by a descriptor of its directory."""
    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            try:
                made.bind(b"/proc/self/fd/%d/%b" % (directory, os.path.basename(path)))
            except OSError as error:
                if error.errno is None:  # the name alone is too long for an address
                    os.mkfifo(path)
                else:
                    raise FileExistsError from error
    finally:
        os.close(directory)


def _mount(path: bytes) -> bool:
    """True when another file system was mounted there, which takes privileges."""
    if os.geteuid():
        return False
    command = [b"mount", b"-t", b"ramfs", b"none", path]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def unmount(mounted: list[Path]) -> None:
    """Undo the mounts of `grow`."""
    for place in reversed(mounted):
        subprocess.run(["umount", "-l", place], check=True)


def resource(case: Case, name: str, top: Path) -> str:
    """The FileSet resource of the Director."""
    lines = [f"FileSet {{\n  Name = {name}\n"]
    for include in case.includes:
        lines.append("  Include {\n")
        for block in include.blocks:
            directives = "".join(
                f"      {key} = {value.replace(TOP, str(top))}\n" for key, value in block.directives
            )
            lines.append(f"    Options {{\n{directives}    }}\n")
        lines += [f"    ExcludeDirContaining = {quote(marker)}\n" for marker in include.markers]
        lines += [f"    File = {quote(f'{top}{path}')}\n" for path in include.files]
        lines.append("  }\n")
    for exclude in case.excludes:
        files = "".join(f"    File = {quote(path.replace(TOP, str(top)))}\n" for path in exclude)
        lines.append(f"  Exclude {{\n{files}  }}\n")
    return "".join([*lines, "}\n"])
