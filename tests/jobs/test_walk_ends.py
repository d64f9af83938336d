"""A job that ends early closes the directories it was in at once, so that a snapshot can be unmounted after it."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fdaemon.errors import JobCanceled, JobFailed
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.walk import walk
from fdaemon.jobs.backup import BackupReader
from fdaemon.jobs.estimate import LINES, Estimate
from fdaemon.jobs.hangup import HangUp
from fdaemon.views import Counters
from tests.jobs.backups import fileset, options


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """More files than a batch of a backup or of a listing holds, some levels down."""
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    for number in range(LINES + 100):
        (folder / f"{number}").write_bytes(bytes(20_000))
    return tmp_path


def descriptors() -> set[str]:
    return {path for path in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{path}")}


def reader_of(entries: Iterator[Entry]) -> BackupReader:
    return BackupReader(
        entries, report=lambda *_: None, counters=Counters(), check_cancelled=lambda: None, workers=0
    )


def test_a_backup_that_nobody_takes(tree: Path) -> None:
    before = descriptors()
    reader = reader_of(walk(fileset(bytes(tree), options())))
    with closing(reader.batches()) as batches:
        next(batches)
        assert len(descriptors()) > len(before)
    assert descriptors() == before
    del reader


def test_a_backup_that_is_canceled(tree: Path) -> None:
    before = descriptors()
    calls = iter(range(10))

    def check() -> None:
        if next(calls) > 2:
            raise JobCanceled

    reader = BackupReader(
        walk(fileset(bytes(tree), options())),
        report=lambda *_: None,
        counters=Counters(),
        check_cancelled=check,
        workers=0,
    )
    with pytest.raises(JobCanceled):
        list(reader.batches())
    assert descriptors() == before
    del reader


def test_a_backup_that_hangs_up(tree: Path) -> None:
    before = descriptors()
    hang_up = HangUp(lambda: 1, lambda: None)
    reader = reader_of(hang_up.entries(walk(fileset(bytes(tree), options()))))
    with pytest.raises(JobFailed):
        list(hang_up.source(reader).batches())
    assert descriptors() == before
    del reader


def test_an_estimate_that_nobody_takes(tree: Path) -> None:
    before = descriptors()
    estimate = Estimate(walk(fileset(bytes(tree), options())), listing=True)
    with closing(estimate.batches()) as batches:
        next(batches)
        assert len(descriptors()) > len(before)
    assert descriptors() == before
    del estimate
