"""The fast path of verify: the same packets as the general one, and nothing done when a file is out of the ordinary."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import Include, Option, Options
from fdaemon.jobs.verify_chunk import Chunk
from fdaemon.jobs.verify_plan import make_plan
from fdaemon.jobs.verify_small import TINY, put_tiny
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from tests.jobs.verifying import Outcome, settle, verify

NO_FLAGS = Option(0)


def block(digest: Digest = Digest.MD5, flags: Option = NO_FLAGS) -> Options:
    return Options(digests=frozenset({digest}), verify=b"Vpins5", flags=flags)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def entry(path: Path, dir_fd: int, options: Options) -> Entry:
    """A file reached through its directory, or by its whole name (-1), which the fast path leaves alone."""
    name = os.fsencode(path.name) if dir_fd >= 0 else bytes(path)
    include = Include(options=(options,))
    return Entry(
        bytes(path), name, dir_fd, FileType.REG, os.lstat(path), options, include, bytes(path.parent)
    )


@pytest.mark.parametrize("digest", list(Digest))
@pytest.mark.parametrize("size", [0, 1, TINY - 1, TINY, TINY + 1])
def test_the_packets_of_the_general_path(tmp_path: Path, directory: int, digest: Digest, size: int) -> None:
    path = tmp_path / "a file"
    path.write_bytes(os.urandom(size))
    settle(path)
    options = block(digest)

    def outcome(dir_fd: int) -> Outcome:
        return verify(entries=[entry(path, dir_fd, options)] * 11)

    tiny, general = outcome(directory), outcome(-1)
    assert tiny.said == general.said
    assert len(tiny.files) == 11
    assert b"".join(batch.wire for batch in tiny.batches) == b"".join(batch.wire for batch in general.batches)
    for outcome_of in (tiny, general):
        assert outcome_of.counters.read_bytes == outcome_of.counters.job_bytes == 11 * size
        assert sum(batch.digested for batch in outcome_of.batches) == 11


def unlink(path: Path) -> None:
    path.unlink()


def grow(path: Path) -> None:
    os.truncate(path, 5)


def shrink(path: Path) -> None:
    os.truncate(path, 2)


def become_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def become_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", [unlink, grow, shrink, become_link, become_directory])
def test_nothing_is_done_for_a_file_that_changed(
    tmp_path: Path, directory: int, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    found = entry(path, directory, block())
    change(path)
    chunk = Chunk(memoryview(bytearray(16)))
    before = set(os.listdir("/proc/self/fd"))
    assert not put_tiny(found, make_plan(found.options, found.include), chunk, 1)
    assert set(os.listdir("/proc/self/fd")) == before
    assert (chunk.items, chunk.files, chunk.digested, chunk.hashed) == ([], 0, 0, 0)


@pytest.mark.parametrize(
    ("options", "direct"),
    [
        (block(), True),
        (block(flags=Option.SPARSE), True),
        (block(flags=Option.NO_ATIME), False),
        (block(flags=Option.KEEP_ATIME), False),
        (Options(verify=b"V"), False),
        (Options(verify=b"V", digests=frozenset({Digest.MD5}), flags=Option.STRIP_PATH, strip=1), False),
    ],
)
def test_which_options_allow_it(options: Options, direct: bool) -> None:
    assert make_plan(options, Include(options=(options,))).direct is direct
