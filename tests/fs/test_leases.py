"""Files on which another process holds a lease are read all the same."""

import os
from pathlib import Path

import pytest

from fdaemon.errors import JobCanceled
from fdaemon.fileset.model import Option
from fdaemon.fs import leases
from fdaemon.fs.leases import open_leased
from fdaemon.jobs.backup_plan import OPEN_FLAGS
from fdaemon.jobs.checksum import FileChecksum
from fdaemon.views import Counters
from fdaemon.wire.digests import Digest
from fdaemon.wire.streams import Stream
from tests.fs.leases import leased
from tests.jobs.backups import options, save
from tests.jobs.verifying import verify

GIVEN_UP_AFTER = 0.1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.write_bytes(b"hello")
    return path


@pytest.mark.parametrize("flags", [(), (Option.NO_ATIME,)])
def test_a_backup(file: Path, flags: tuple[Option, ...]) -> None:
    with leased(file, GIVEN_UP_AFTER):
        outcome = save(root=bytes(file.parent), block=options(*flags))
    assert outcome.messages == []
    assert outcome.file(b"/f").records(Stream.FILE_DATA) == [b"hello"]


@pytest.mark.parametrize("flags", [(), (Option.NO_ATIME,)])
def test_a_verify(file: Path, flags: tuple[Option, ...]) -> None:
    with leased(file, GIVEN_UP_AFTER):
        outcome = verify(bytes(file.parent), options(*flags, digests=frozenset({Digest.MD5})))
    assert outcome.messages == []
    assert outcome.file(b"/f").digest is not None


def test_a_checksum(file: Path) -> None:
    checksum = FileChecksum(
        report=lambda *_: pytest.fail("nothing to report"), counters=Counters(), check_cancelled=lambda: None
    )
    block = options(digests=frozenset({Digest.MD5}))
    with leased(file, GIVEN_UP_AFTER):
        assert checksum(bytes(file), -1, bytes(file), file.stat(), block) == b"XUFAKrxLKna5cZ2REBfFkg"


def test_a_cancel_meanwhile(file: Path) -> None:
    def check() -> None:
        raise JobCanceled

    with leased(file, 60), pytest.raises(JobCanceled):
        open_leased(bytes(file), OPEN_FLAGS, None, check)


def test_a_lease_that_does_not_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.1)
    with leased(file, 60), pytest.raises(BlockingIOError):
        open_leased(bytes(file), OPEN_FLAGS, None, lambda: None)


def test_other_errors_pass(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_leased(b"missing", OPEN_FLAGS, None, lambda: None)
    os.close(open_leased(bytes(file), OPEN_FLAGS, None, lambda: None))
