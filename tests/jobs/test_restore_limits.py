"""Restores that meet a limit: full disks, size limits, several storages, a hard link without its first name."""

import ast
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from fdaemon.fs.target import Traces
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.streams import Stream
from tests.jobs.restoring import MTIME, Restoring, attributes, directory, record, regular, xattrs

PROJECT = Path(__file__).resolve().parents[2]
NO_MOUNTS = 77

IN_A_SMALL_MOUNT = """
import ctypes, os, sys
from pathlib import Path
where, project = sys.argv[1:]
sys.path.insert(0, project)
from tests.jobs.test_restore_limits import fill
libc = ctypes.CDLL(None, use_errno=True)
try:
    os.unshare(os.CLONE_NEWNS)
except OSError:
    sys.exit(77)
if libc.mount(b"none", b"/", None, 16384 | 1 << 18, None):
    sys.exit(77)
if libc.mount(b"tmpfs", os.fsencode(where), b"tmpfs", 0, b"size=256k"):
    sys.exit(77)
print(repr(fill(Path(where))))
"""


def fill(where: Path) -> tuple[list[bytes], list[tuple[str, int]], int, int]:
    """Restore a small file, one that does not fit, one that would have, and a sparse one.

    Gives the messages, names and sizes, and the counts of files and bytes.
    """
    block = bytes(range(256)) * 256
    address = (3 << 20).to_bytes(8, "big")
    restoring = Restoring(where).run(
        regular(1, b"before", b"fits"),
        attributes(2, FileType.REG, b"huge", size=10 * len(block)),
        *[record(2, Stream.FILE_DATA, block)] * 10,
        record(2, Stream.MD5_DIGEST, bytes(16)),
        xattrs(2, color=b"blue"),
        attributes(3, FileType.REG, b"sparse", size=(3 << 20) + len(block), stream=Stream.SPARSE_DATA),
        *[record(3, Stream.SPARSE_DATA, address + block)] * 2,
        regular(4, b"empty"),
    )
    assert {kind for kind, _ in restoring.messages} <= {MessageType.ERROR}
    names = sorted((path.name, path.stat().st_size) for path in where.iterdir())
    counters = restoring.counters
    return restoring.texts(), names, counters.files, counters.job_bytes


def test_a_full_disk_is_one_error_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_A_SMALL_MOUNT, str(tmp_path), str(PROJECT)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode == NO_MOUNTS:
        pytest.skip("mounting a file system is not allowed here")
    assert done.returncode == 0, done.stderr
    messages, names, files, written = ast.literal_eval(done.stdout)
    reason = b": No space left on device\n"
    shown = [b"Write error on %b/%b" % (bytes(tmp_path), name) for name in (b"huge", b"sparse")]
    assert messages == [shown[0] + reason, shown[1] + reason]
    assert [name for name, _ in names] == ["before", "empty", "huge", "sparse"]
    assert dict(names)["before"] == 4
    assert 0 < dict(names)["huge"] < 10 * 65536
    assert files == 4
    assert written == 4 + 3 * 65536


def test_a_size_limit_is_one_error_a_file(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    try:
        messages, names, files, written = fill(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    reason = b": File too large\n"
    shown = [b"Write error on %b/%b" % (bytes(tmp_path), name) for name in (b"huge", b"sparse")]
    assert messages == [shown[0] + reason, shown[1] + reason]
    assert dict(names) == {"before": 4, "huge": 150_000, "sparse": 0, "empty": 0}
    assert (files, written) == (4, 4 + 2 * 65536)


def test_what_failed_does_not_look_complete(tmp_path: Path) -> None:
    """It keeps the mode that nobody can read it with, and no time of the original."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    try:
        fill(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    for name in ("huge", "sparse"):
        found = (tmp_path / name).stat()
        assert found.st_mode & 0o777 == 0
        assert found.st_mtime != MTIME


def test_a_second_storage_knows_what_the_first_one_made(tmp_path: Path) -> None:
    traces = Traces()
    first = Restoring(tmp_path, replace="n", earlier=traces).run(
        regular(1, b"/a/b/first", b"1"), directory(2, b"/a/b/"), directory(3, b"/a/")
    )
    second = Restoring(tmp_path, replace="n", earlier=traces).run(
        regular(5, b"/a/b/second", b"2"), regular(6, b"/a/c/third", b"3"), directory(7, b"/a/b/", mode=0o700)
    )
    assert (first.messages, second.messages) == ([], [])
    assert (tmp_path / "a").stat().st_mtime == MTIME
    assert (tmp_path / "a/b").stat().st_mtime == MTIME
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a/c/third").read_bytes() == b"3"


def test_links_of_an_earlier_storage_are_not_followed_either(tmp_path: Path) -> None:
    traces = Traces()
    outside = tmp_path / "outside"
    outside.mkdir()
    link = bytes(tmp_path / "link")
    Restoring(b"", earlier=traces).run(attributes(1, FileType.LNK, link, link=bytes(outside)))
    second = Restoring(b"", earlier=traces).run(regular(1, link + b"/planted", b"x"))
    assert second.texts(MessageType.ERROR) == [
        b"Refused to restore %b: a symbolic link is in its path.\n" % link
    ]
    assert os.listdir(outside) == []


def test_a_hard_link_whose_first_name_is_not_restored(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path).run(
        attributes(1, FileType.LNKSAVED, b"/a/second", link=b"/a/first"), regular(2, b"/a/other", b"2")
    )
    where = bytes(tmp_path)
    text = b"Could not hard link %b/a/second -> %b/a/first: ERR=No such file or directory\n"
    assert restoring.messages == [(MessageType.ERROR, text % (where, where))]
    assert os.listdir(tmp_path / "a") == ["other"]
    assert restoring.counters.files == 1


@pytest.mark.parametrize("name", [b"/f", b"/g"])
def test_a_hard_link_that_is_there_already(tmp_path: Path, name: bytes) -> None:
    """With stripped paths two names of an inode may become the same one: its content must survive that."""
    restoring = Restoring(tmp_path).run(
        regular(1, b"/f", b"content"),
        attributes(2, FileType.LNKSAVED, b"/g", link=b"/f"),
        attributes(3, FileType.LNKSAVED, name, link=b"/f"),
    )
    assert restoring.messages == []
    assert restoring.counters.files == 3
    assert (tmp_path / "f").read_bytes() == b"content"
    assert (tmp_path / "g").samefile(tmp_path / "f")
