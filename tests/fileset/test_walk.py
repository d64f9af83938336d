"""What the walk makes of every kind of file, of errors, of names and of depth."""

import errno
import os
import resource
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fdaemon.errors import JobCanceled, JobFailed
from fdaemon.fileset.entry import canonical
from fdaemon.fileset.model import FileSet, Include, Options
from fdaemon.fileset.walk import walk
from fdaemon.fs.local import READ_AHEAD
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType
from tests.fileset.scanning import fileset, plant, scan, without_privileges

HAX = ["O HAX", "N"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(path.parent, os.O_PATH)
        try:
            listener.bind(f"/proc/self/fd/{here}/{path.name}")
        finally:
            os.close(here)


def test_row_1_types_below_the_top(tmp_path: Path) -> None:
    root = plant(tmp_path, "d/f=x d/e644= d/e600= d/l>f d/fifo! d/sub/")
    os.chmod(root + b"/d/e644", 0o644)
    os.chmod(root + b"/d/e600", 0o600)
    _socket(tmp_path / "d/sock")
    found = scan(root, [*HAX, "F ."])
    assert found.names == {
        "REG d/e600",
        "REGE d/e644",
        "REG d/f",
        "SPEC d/fifo",
        "LNK d/l",
        "DIREND d/sub/",
        "DIREND d/",
        "DIREND .",
    }
    assert found.skipped == ["d/sock"]
    assert found.links == {"d/l": "f"}


def test_row_2_types_at_the_top(tmp_path: Path) -> None:
    root = plant(tmp_path, "fifo! e=")
    os.chmod(root + b"/e", 0o644)
    _socket(tmp_path / "sock")
    found = scan(root, [*HAX, "F fifo", "F sock", "F e", "F nope"])
    assert found.names == {"SPEC fifo", "REGE e"}
    assert found.skipped == ["sock"]
    assert found.failed == {"NOSTAT nope": errno.ENOENT}


def test_row_97_a_fifo_is_read_only_at_the_top(tmp_path: Path) -> None:
    root = plant(tmp_path, "d/p!")
    assert scan(root, ["O MrHAX", "N", "F d/p"]).names == {"FIFO d/p"}
    assert scan(root, ["O MrHAX", "N", "F d"]).names == {"SPEC d/p", "DIREND d/"}


@needs_root
def test_devices(tmp_path: Path) -> None:
    root = plant(tmp_path, "d/")
    os.mknod(root + b"/d/chr", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(root + b"/d/blk", stat.S_IFBLK | 0o600, os.makedev(7, 200))
    assert scan(root, [*HAX, "F d/chr", "F d/blk"]).names == {"SPEC d/chr", "RAW d/blk"}
    assert scan(root, [*HAX, "F d"]).names == {"SPEC d/chr", "SPEC d/blk", "DIREND d/"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lnk", {"LNK lnk"}),
        ("lnk/", {"REG lnk/x", "DIREND lnk/"}),
        ("real//", {"REG real/x", "DIREND real/"}),
        ("real", {"REG real/x", "DIREND real/"}),
    ],
)
def test_rows_3_to_5_slashes_at_the_end(tmp_path: Path, name: str, expected: set[str]) -> None:
    root = plant(tmp_path, "real/x=1 lnk>real")
    assert scan(root, [*HAX, f"F {name}"]).names == expected


def test_stored_names_end_in_one_slash(tmp_path: Path) -> None:
    root = plant(tmp_path, "real/")
    entries = list(walk(fileset(root, [*HAX, "F real//"])))
    assert [entry.stored_name for entry in entries] == [root + b"/real/"]
    assert canonical(b"/") == b"/"


def test_row_7_no_recursion_below_the_top(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 a/b/g=2 a/b/c/h=3")
    assert scan(root, ["O hHAX", "N", "F a"]).names == {"NORECURSE a/b/", "REG a/f", "DIREND a/"}


def test_row_8_nothing_is_taken_twice_out(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 a/b/g=2")
    saved = scan(root, [*HAX, "F a/b", "F a"]).saved
    assert saved[:2] == ["REG a/b/g", "DIREND a/b/"]
    assert sorted(saved[2:]) == sorted(["REG a/b/g", "DIREND a/b/", "REG a/f", "DIREND a/"])


def test_row_51_ignored_directories(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        "a/f=1 a/b/.nobackup=2 a/b/g=3 a/c/.nob2>missing a/c/h=4 a/d/.nob2>/ a/d/k=5 z/.nobackup= z/f=6",
    )
    found = scan(root, ["Z .nobackup", "Z .nob2", "O HAX", "N", "F a", "F z"])
    assert found.names == {"LNK a/c/.nob2", "REG a/c/h", "DIREND a/c/", "REG a/f", "DIREND a/"}
    assert found.skipped == []


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that everybody can reach, as pytest's own is not."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def test_row_88_unreadable(public: Path) -> None:
    root = plant(public, "a/secret=1 a/noexec/f=2 a/noread/f=3 a/ok=4")
    os.chmod(root + b"/a/secret", 0)
    os.chmod(root + b"/a/noexec", 0o644)
    os.chmod(root + b"/a/noread", 0o711)
    with without_privileges():
        found = scan(root, [*HAX, "F a"])
    os.chmod(root + b"/a/noexec", 0o755)
    os.chmod(root + b"/a/noread", 0o755)
    assert found.names == {"DIREND a/noexec/", "REG a/ok", "REG a/secret", "DIREND a/"}
    assert found.failed == {"NOSTAT a/noexec/f": errno.EACCES, "NOOPEN a/noread": errno.EACCES}


def test_row_89_names_are_bytes(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path) + b"/n"
    names = {b"new\nline", b"tab\t", b"\xff\xfe", b"blank ", b"back\\slash", b"*", b"-rf", "é".encode()}
    os.mkdir(root)
    for name in names:
        Path(os.fsdecode(root + b"/" + name)).write_bytes(b"1")
    entries = list(walk(fileset(os.path.dirname(root), [*HAX, "F n"])))
    assert {entry.path for entry in entries[:-1]} == {root + b"/" + name for name in names}


def test_row_90_a_blank_at_the_end_of_a_name_is_lost(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    (tmp_path / "sp ").write_bytes(b"1")
    assert scan(root, [*HAX, "F sp "]).failed == {"NOSTAT sp": errno.ENOENT}


def test_entries_lead_to_their_files(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=content a/b/g=other a/l>f")
    for entry in walk(fileset(root, [*HAX, "F a", "F a/f"])):
        place = entry.dir_fd if entry.dir_fd >= 0 else None
        st = os.stat(entry.name, dir_fd=place, follow_symlinks=False)
        assert (st.st_ino, st.st_mode) == (entry.stat.st_ino, entry.stat.st_mode)
        assert os.lstat(entry.path).st_ino == st.st_ino


def test_a_name_that_vanishes_is_told(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/1=x a/2=x a/3=x")
    entries = walk(fileset(root, [*HAX, "F a"]))
    first = next(entries)
    others = [path for path in (root + b"/a/1", root + b"/a/2", root + b"/a/3") if path != first.path]
    for path in others:
        os.unlink(path)
    rest = list(entries)
    assert {entry.path for entry in rest if entry.type is FileType.NOSTAT} == set(others)
    assert {entry.error.errno for entry in rest if entry.error} == {errno.ENOENT}
    assert rest[-1].type is FileType.DIREND


def test_a_directory_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/first/x=1 a/second/x=2 outside/secret=3")
    entries = walk(fileset(root, [*HAX, "F a"]))
    below = next(entries)
    other = b"second" if b"/first/" in below.path else b"first"
    os.rename(root + b"/a/" + other, root + b"/moved")
    os.symlink(root + b"/outside", root + b"/a/" + other)
    paths = {entry.path: entry.type for entry in entries}
    assert root + b"/a/" + other + b"/secret" not in paths
    assert paths[root + b"/a/" + other] in (FileType.LNK, FileType.NOOPEN)


def _deep(root: Path, levels: int) -> bytes:
    """A chain of directories with a file in each, made through descriptors; returns the path of the top."""
    (root / "deep").mkdir()
    here = os.open(root / "deep", os.O_RDONLY)
    for _ in range(levels):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here))
        os.mkdir("d" * 20, dir_fd=here)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    return os.fsencode(root)


def _remove_deep(root: Path) -> None:
    """Take the chain apart from the top, which needs no long path."""
    os.rename(root / "deep", root / "rest")
    while True:
        top = os.open(root / "rest", os.O_RDONLY)
        if "file" not in os.listdir(top):
            os.close(top)
            (root / "rest").rmdir()
            return
        os.unlink("file", dir_fd=top)
        os.rename("d" * 20, root / "next", src_dir_fd=top)
        os.close(top)
        (root / "rest").rmdir()
        os.rename(root / "next", root / "rest")


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """A soft limit that a descriptor a level would break."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(in_use + 40, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_descriptors")
def test_a_tree_beyond_path_and_descriptor_limits(tmp_path: Path) -> None:
    levels = 300
    root = _deep(tmp_path, levels)
    try:
        found = scan(root, [*HAX, "F deep"], open_levels=12)
    finally:
        _remove_deep(tmp_path)
    assert found.failed == {}
    assert len(found.saved) == 2 * levels + 1
    assert found.saved[-1] == "DIREND deep/"
    longest = max(found.saved, key=len)
    assert len(longest) > 300 * 21


def test_parked_directories_give_all_their_names(tmp_path: Path) -> None:
    words = [f"a/b/c/d/e/{name}=1 a/b/c/{name}=1 a/b/{name}/x=1 a/{name}=1" for name in ("k", "l", "m", "z")]
    root = plant(tmp_path, " ".join(words))
    whole = scan(root, [*HAX, "F a"])
    for levels in (1, 2, 3):
        assert scan(root, [*HAX, "F a"], open_levels=levels).saved == whole.saved


def test_a_parked_directory_that_moved_is_lost_and_told(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/b/c/d/f=1")
    entries = walk(fileset(root, [*HAX, "F a"]), open_levels=1)
    assert next(entries).path == root + b"/a/b/c/d/f"
    os.rename(root + b"/a/b/c/d", root + b"/d")
    rest = [(entry.path.removeprefix(root), entry.type, entry.error) for entry in entries]
    assert [(path, kind) for path, kind, _ in rest] == [
        (b"/a/b/c/d", FileType.DIREND),
        (b"/a/b/c", FileType.NOOPEN),
        (b"/a/b", FileType.NOOPEN),
        (b"/a", FileType.NOOPEN),
    ]
    assert rest[1][2] is not None
    assert rest[1][2].errno == errno.ESTALE


def test_a_large_directory_is_read_lazily(tmp_path: Path) -> None:
    count = READ_AHEAD * 2 + 7
    for number in range(count):
        (tmp_path / str(number)).touch()
    entries = walk(fileset(os.fsencode(tmp_path), [*HAX, "F ."]))
    first = next(entries)
    os.stat(first.name, dir_fd=first.dir_fd)
    assert sum(1 for _ in entries) == count


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/b/c/f=1 a/b/g=2")
    before = sorted(os.listdir("/proc/self/fd"))
    entries = walk(fileset(root, [*HAX, "F a"]))
    next(entries)
    assert len(os.listdir("/proc/self/fd")) > len(before)
    del entries
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_cancelled_job_ends_the_walk(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/b/c/f=1 a/d/g=2")
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise JobCanceled("canceled")

    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(JobCanceled):
        list(walk(fileset(root, [*HAX, "F a"]), check_cancelled=check))
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_plugin_line_stops_the_job_and_only_tells_an_estimate(tmp_path: Path) -> None:
    root = plant(tmp_path, "a=1 b=2")
    plugged = FileSet(
        (
            Include((Options(),), (root + b"/a",), plugins=(b"bpipe:x",)),
            Include((Options(),), (root + b"/b",)),
        )
    )
    entries = walk(plugged)
    assert next(entries).path == root + b"/a"
    with pytest.raises(JobFailed) as failed:
        next(entries)
    assert failed.value.text == b'PluginSave: Command plugin "bpipe:x" requested, but is not loaded.\n'
    told: list[bytes] = []
    saved = list(walk(plugged, estimating=True, report=lambda kind, text, errors: told.append(text)))
    assert len(saved) == 2
    assert told == [b'Command plugin "bpipe:x" requested, but is not loaded.\n']


def test_counters_take_what_is_not_yielded(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/b/g=1 a/f=2 a/l>f")
    counters = Counters()
    assert list(walk(fileset(root, [*HAX, "F a"]), since=1 << 40, counters=counters)) == []
    assert counters.examined == 3 + 2 * 2


def test_keepatime_restores_a_directory_to_the_nanosecond(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1")
    times = (1_600_000_000_123_456_789, 1_500_000_000_987_654_321)
    os.utime(root + b"/a", ns=times)
    scan(root, ["O kHAX", "N", "F a"])
    st = os.lstat(root + b"/a")
    assert (st.st_atime_ns, st.st_mtime_ns) == times
