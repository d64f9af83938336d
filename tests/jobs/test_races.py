"""Somebody swaps directories and files for symbolic links while jobs run: nothing outside the tree is touched.

Another process exchanges names with renameat2 as fast as it can; FDAEMON_RACE_ROUNDS says how often, the suite has a
short form. And since a race is seldom lost: once more with every single system call that names a file losing it.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fdaemon.codec.compress import decompress
from fdaemon.fileset.model import Compression, Option
from fdaemon.fs.beneath import Opener
from fdaemon.fs.erase import erase
from fdaemon.wire import streams
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from tests.jobs.backups import options, save
from tests.jobs.restoring import Restoring, attributes, directory, regular, xattrs

ROUNDS = int(os.environ.get("FDAEMON_RACE_ROUNDS", "2000"))
MARK = b"nobody may see this"
"""In the content, the attributes and the names of all that lies outside."""

pytestmark = [
    pytest.mark.deadline(30 + ROUNDS / 50),
    pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="the C library has no renameat2"),
]

SWAPPER = """
import ctypes, os, random, stat, sys
tree, spare, outside, rounds = sys.argv[1:]
renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
EXCHANGE, HERE = 2, -100
names = ["dir", "dir/sub", "dir/sub/deep", "dir/file", "dir/sub/file", "file", "dir/sub/deep/file"]
pairs = [(os.path.join(tree, name), os.path.join(spare, str(at)), name) for at, name in enumerate(names)]

def exchange(one, other):
    return not renameat2(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE)

done = 0
for path, link, name in pairs:
    os.symlink(os.path.join(outside, name), link)
print("ready", flush=True)
while done < int(rounds):
    path, link, name = random.choice(pairs)
    if exchange(path, link):
        done += 1
        for _ in range(random.choice((0, 0, 100, 1000, 10000))):
            pass
        done += exchange(path, link)
    if not os.path.islink(link):  # the restore has removed it, as it should
        os.symlink(os.path.join(outside, name), link + ".new")
        if os.path.isdir(link):
            exchange(link + ".new", link)
            os.rename(link + ".new", link + ".old-%d" % done)
        else:
            os.rename(link + ".new", link)
    for _ in range(random.choice((0, 0, 100, 1000, 10000))):
        pass
print(done)
"""


def _plant(root: Path, content: bytes) -> None:
    """The names that are swapped, with `content` in every file and its attributes."""
    deep = root / "dir/sub/deep"
    os.makedirs(deep)
    for folder in (root, root / "dir", root / "dir/sub", deep):
        for number in range(5):
            (folder / f"plain{number}").write_bytes(content * (number + 1))
        (folder / "file").write_bytes(content * 30)
        (folder / "large").write_bytes(content * 30_000)
        (folder / "empty").touch()
        for path in (folder, folder / "file", folder / "empty"):
            os.setxattr(path, "user.note", content)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """`tree` for the jobs, `outside` with the same names and more, `spare` for the swapper."""
    _plant(tmp_path / "tree", b"everybody may read this")
    _plant(tmp_path / "outside", MARK)
    for folder, _, _ in os.walk(tmp_path / "outside"):
        for name in (f"{MARK.decode()} name", "pipe", "link"):
            Path(folder, name).write_bytes(MARK)
    (tmp_path / "spare").mkdir()
    return tmp_path


@contextmanager
def _swapping(place: Path) -> Iterator[Callable[[], bool]]:
    """Swaps go on inside; gives whether they still do."""
    arguments = [str(place / name) for name in ("tree", "spare", "outside")]
    command = [sys.executable, "-c", SWAPPER, *arguments, str(ROUNDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield lambda: process.poll() is None
            assert int(process.stdout.read()) >= ROUNDS
            assert process.wait() == 0
        finally:
            process.kill()


@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 1)], ids=["plain", "packed"])
def test_a_backup_reads_nothing_outside(place: Path, compression: tuple[Compression, int] | None) -> None:
    digests = frozenset({Digest.MD5})
    block = options(Option.ACL, Option.XATTR, digests=digests, compression=compression)
    jobs = 0
    with _swapping(place) as running:
        while running():
            outcome = save(root=bytes(place / "tree"), block=block)
            jobs += 1
            for file in outcome.files:
                assert MARK not in file.attributes.name
                for stream, records in file.streams:
                    for record in records:
                        assert record.data is not None
                        assert MARK not in _plain(stream, record.data), file.attributes.name
    assert jobs


def _plain(stream: int, data: bytes) -> bytes:
    return bytes(decompress(data)) if stream in streams.COMPRESSED_DATA else data


def _records(round_: int) -> Iterator[bytes]:
    """Every kind of file below every directory that is swapped, under names of this round and the same again."""
    index = 0
    for folder in (b"/", b"/dir/", b"/dir/sub/", b"/dir/sub/deep/"):
        for name in (b"file", b"fresh%d" % round_):
            index += 1
            yield regular(index, folder + name, b"written by the restore", mode=0o600)
            yield xattrs(index, note=b"by the restore")
        yield attributes(index + 1, FileType.LNK, folder + b"link", link=b"x")
        yield attributes(index + 2, FileType.LNKSAVED, folder + b"hard", link=folder + b"file")
        yield attributes(index + 3, FileType.SPEC, folder + b"pipe", mode=0o010600)
        yield xattrs(index + 3, note=b"by the restore")
        index += 3
    for folder in (b"/dir/sub/deep/", b"/dir/sub/", b"/dir/"):
        index += 1
        yield directory(index, folder, mode=0o700)
        yield xattrs(index, note=b"by the restore")


def _overwrite(dir_fd: int, name: bytes, shown: bytes) -> None:
    """As an erase command that opens what it is told to, links followed."""

    def run(private: int) -> None:
        fd = os.open(name, os.O_WRONLY | os.O_TRUNC, dir_fd=private)
        os.write(fd, bytes(10))
        os.close(fd)

    erase(dir_fd, name, run)


def _state(root: Path) -> dict[str, tuple[object, ...]]:
    """What any change would change: the inode's change time above all."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, _, names in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            st = os.lstat(path)
            found[path] = (st.st_ino, st.st_ctime_ns, st.st_mode, st.st_size, st.st_nlink)
    return found


@pytest.mark.parametrize("erasing", [False, True], ids=["plain", "erasing"])
def test_a_restore_writes_nothing_outside(place: Path, erasing: bool) -> None:
    before = _state(place / "outside")
    jobs = 0
    with _swapping(place) as running:
        while running():
            Restoring(place / "tree", erase=_overwrite if erasing else None).run(*_records(jobs))
            jobs += 1
    assert _state(place / "outside") == before
    assert jobs


HOOKED = (
    "open",
    "listxattr",
    "getxattr",
    "setxattr",
    "removexattr",
    "chown",
    "chmod",
    "utime",
    "link",
    "mkdir",
)
"""The functions of `os` that must not follow what they name. `mkdir` is here for what is opened after it."""


class Losing:
    """Turns what a system call names into a link to its namesake outside, just before the call and as long as it runs.

    Where nothing is yet, there is such a link when the call comes. `lost` counts.
    """

    def __init__(self, place: Path) -> None:
        self.lost = 0
        self._tree, self._outside = bytes(place / "tree"), bytes(place / "outside")
        self._link = bytes(place / "spare/link")
        self._renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        self._busy = False

    def hook(self, real: Callable[..., object]) -> Callable[..., object]:
        """`real` with the race before it."""

        def call(path: object, *arguments: object, **names: object) -> object:
            full = self._full(path, names.get("dir_fd", names.get("src_dir_fd")))
            if self._busy or not full.startswith(self._tree + b"/"):
                return real(path, *arguments, **names)
            self._busy = True
            target = self._outside + full[len(self._tree) :]
            try:
                with self._planted(full, target):
                    return real(path, *arguments, **names)
            finally:
                self._busy = False
                self.lost += 1

        return call

    @staticmethod
    def _full(path: object, directory: object) -> bytes:
        if not isinstance(path, bytes | str):
            return b""
        name = os.fsencode(path)
        if isinstance(directory, int):
            name = b"/proc/self/fd/%d/%b" % (directory, name)
        head, _, tail = name.rpartition(b"/")
        return os.path.join(os.path.realpath(head), tail) if tail not in (b"", b".", b"..") else b""

    @contextmanager
    def _planted(self, full: bytes, target: bytes) -> Iterator[None]:
        if not os.path.lexists(full):
            os.symlink(target, full)
            yield
            os.unlink(full)
            return
        os.symlink(target, self._link)
        self._exchange(full)
        try:
            yield
        finally:
            self._exchange(full)
            os.unlink(self._link)

    def _exchange(self, full: bytes) -> None:
        assert not self._renameat2(-100, full, -100, self._link, 2)


@pytest.fixture
def losing(place: Path, monkeypatch: pytest.MonkeyPatch) -> Losing:
    """From here on every race is lost."""
    losing = Losing(place)
    for name in HOOKED:
        monkeypatch.setattr(os, name, losing.hook(getattr(os, name)))
    monkeypatch.setattr(Opener, "available", False)
    return losing


def test_a_backup_that_loses_every_race_reads_nothing_outside(place: Path, losing: Losing) -> None:
    block = options(Option.ACL, Option.XATTR, digests=frozenset({Digest.MD5}))
    for path in sorted((place / "tree").rglob("*")):
        outcome = save(root=bytes(path), block=block)
        for file in outcome.files:
            assert MARK not in file.attributes.name
            assert not any(MARK in (record.data or b"") for _, records in file.streams for record in records)
    assert losing.lost > 40


def test_a_restore_that_loses_every_race_writes_nothing_outside(place: Path, losing: Losing) -> None:
    before = _state(place / "outside")
    for round_ in range(2):
        Restoring(place / "tree").run(*_records(round_))
    assert _state(place / "outside") == before
    assert losing.lost > 50
