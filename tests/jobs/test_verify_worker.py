"""A verify of many small files, most of them digested by a second process: the same packets as without it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from fdaemon.codec.digest_worker import DigestWorker
from fdaemon.errors import JobCanceled
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import FileSet, Include, Option, Options
from fdaemon.fileset.walk import walk
from fdaemon.jobs.verify import SMALL, DiskVerifier
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from tests.jobs.verifying import Outcome, settle, verify

FROM = 20
SIZES = (0, 1, 5000, 40_000, SMALL - 1, SMALL, SMALL + 1)


def block(digest: Digest = Digest.MD5, **arguments: object) -> Options:
    return Options(digests=frozenset({digest}), verify=b"V5", **arguments)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> list[DigestWorker]:
    """Workers are started after FROM files, and chunks hold few; the list gets the workers."""
    started: list[DigestWorker] = []

    class Noted(DigestWorker):
        def __init__(self, count: int, size: int, contents: int) -> None:
            super().__init__(count, size, contents)
            started.append(self)

    monkeypatch.setattr("fdaemon.jobs.verify_digest.WORKER_FROM", FROM)
    monkeypatch.setattr("fdaemon.jobs.verify_digest.DigestWorker", Noted)
    monkeypatch.setattr("fdaemon.jobs.verify.FILES", 10)
    return started


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """200 files of all sizes."""
    for number in range(200):
        path = tmp_path / f"d{number % 3}" / f"{number:03}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(SIZES[number % len(SIZES)]))
        settle(path)
    for path in (*tmp_path.iterdir(), tmp_path):
        settle(path)
    return tmp_path


def wire(outcome: Outcome) -> bytes:
    return b"".join(batch.wire for batch in outcome.batches)


@pytest.mark.parametrize("digest", list(Digest))
def test_the_packets_are_the_same(tree: Path, digest: Digest, early: list[DigestWorker]) -> None:
    helped = verify(bytes(tree), block(digest))
    assert len(early) == (digest is not Digest.XXH128)
    alone = verify(bytes(tree), block(digest), threads=0)
    assert len(early) == (digest is not Digest.XXH128)
    assert wire(helped) == wire(alone)
    assert helped.counters == alone.counters
    assert sum(batch.digested for batch in helped.batches) == 200


@pytest.mark.parametrize(("files", "threads", "workers"), [(FROM - 1, 2, 0), (FROM, 2, 1), (5 * FROM, 0, 0)])
def test_only_for_many_files_and_beside_threads(
    tmp_path: Path, files: int, threads: int, workers: int, early: list[DigestWorker]
) -> None:
    for number in range(files):
        (tmp_path / f"{number}").write_bytes(b"x")
    verify(bytes(tmp_path), block(), threads=threads)
    assert len(early) == workers


@pytest.mark.parametrize("other", [Digest.SHA1, Digest.XXH128])
def test_two_digests_side_by_side(tree: Path, other: Digest, early: list[DigestWorker]) -> None:
    """Each of two Includes with its own digest, entries of both in turn."""
    includes = [Include(options=(block(digest),), names=(bytes(tree),)) for digest in (Digest.MD5, other)]

    def outcome(threads: int) -> Outcome:
        pairs = zip(*[walk(FileSet(includes=(include,))) for include in includes], strict=True)
        return verify(entries=(entry for pair in pairs for entry in pair), threads=threads)

    assert wire(outcome(2)) == wire(outcome(0))
    assert len(early) == 1


@pytest.mark.parametrize("after", [FROM + 5, 100, 199])
def test_a_worker_that_is_killed(tree: Path, after: int, early: list[DigestWorker]) -> None:
    met = 0

    def kill(entry: Entry) -> None:
        nonlocal met
        met += 1
        if met == after and early:
            os.kill(early[0]._process.pid, signal.SIGKILL)

    helped = verify(bytes(tree), block(), on_entry=kill)
    assert len(early) == 1
    assert wire(helped) == wire(verify(bytes(tree), block(), threads=0))


def test_a_worker_that_cannot_be_started(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = verify(bytes(tree), block(), threads=0)
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert wire(verify(bytes(tree), block())) == wire(alone)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 1)


@pytest.mark.parametrize("change", [os.unlink, grow, shrink])
def test_files_that_change(tree: Path, change: Callable[[Path], None], early: list[DigestWorker]) -> None:
    def touch(entry: Entry) -> None:
        if entry.type is FileType.REG and entry.name.endswith(b"3"):
            change(Path(os.fsdecode(entry.path)))

    done = verify(bytes(tree), block(), on_entry=touch)
    assert len(early) == 1
    assert len(done.files) == 204
    changed = [file for file in done.files if file.attributes.name.endswith(b"3")]
    assert len(changed) == 20
    if change is os.unlink:
        assert len(done.messages) == 20 - sum(number % len(SIZES) == 0 for number in range(3, 200, 10))
    rest = [file for file in done.files if file not in changed]
    alone = {file.attributes.name: file.digest for file in verify(bytes(tree), block(), threads=0).files}
    for file in rest if change is os.unlink else done.files:
        found = alone[file.attributes.name]
        assert (file.digest and file.digest.text) == (found and found.text)


def test_options_of_the_general_path(tree: Path, early: list[DigestWorker]) -> None:
    """Contents that the general path reads come to the worker as well."""
    mixed = FileSet(
        includes=(
            Include(options=(block(),), names=(bytes(tree / "d0"),)),
            Include(options=(block(flags=Option.NO_ATIME),), names=(bytes(tree / "d1"),)),
        )
    )
    assert wire(verify(chosen=mixed)) == wire(verify(chosen=mixed, threads=0))
    assert len(early) == 1


def test_stop_while_it_works(tree: Path, early: list[DigestWorker]) -> None:
    def source(say: object) -> object:
        for number, entry in enumerate(walk(FileSet((Include(options=(block(),), names=(bytes(tree),)),)))):
            if number == 150:
                verifier.stop()
            yield entry

    verifier = DiskVerifier(source, counters=Counters(), check_cancelled=lambda: None)  # type: ignore[arg-type]
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(JobCanceled):
        list(verifier.batches())
    assert len(early) == 1
    assert set(os.listdir("/proc/self/fd")) == before
