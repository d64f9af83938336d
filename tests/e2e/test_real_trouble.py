"""Real daemons: a canceled job and a lost Storage daemon end soon, are reported, and harm no later job."""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report, real_daemons, running_lines
from tests.support.bareos_resources import OURS, SLOW, FileSet

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(120)]

FILES = 1003
"""Names that a job of the large tree saves."""
LOSS_LIMIT = 10.0
"""Seconds from the loss of the Storage daemon to the end of the job in the File daemon."""
CANCEL_LIMIT = 2.0
"""Seconds from a cancel to the end of the job in the File daemon."""


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small`: a few files; `large`: many that take a slow job half a minute, the largest a tenth of it; `names`: more
    than a Director's socket holds of a verify."""
    root = tmp_path_factory.mktemp("trees")
    noise = random.Random(1).randbytes(6_000_000)
    for folder, sizes in (("small", [1000] * 5), ("large", [*([40_000] * 1000), 6_000_000, 6_000_000])):
        (root / folder).mkdir()
        for number, size in enumerate(sizes):
            (root / folder / f"{number:04d}").write_bytes(noise[-size:])
    for number in range(30):
        (root / "names" / f"{number}").mkdir(parents=True)
        for name in range(1000):
            (root / "names" / f"{number}" / f"{name}").touch()
    return root


@pytest.fixture(scope="module")
def real(trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemons]:
    filesets = [FileSet(name, (trees / name,)) for name in ("small", "large", "names")]
    with real_daemons(tmp_path_factory.mktemp("bareos"), filesets, tls=True) as daemons:
        yield daemons


def _runs(real: RealDaemons, job: int) -> list[str]:
    """What status shows of the running jobs, nothing unless `job` is one of them."""
    lines = running_lines(real.status(OURS))
    return lines if any(line.startswith(f"JobId {job} ") for line in lines) else []


def _until_moving(real: RealDaemons, job: int) -> None:
    """Wait until our daemon says that the job has moved files."""

    def look() -> bool:
        moved = re.search(r"Files=([\d,]+)", "\n".join(_runs(real, job)))
        return moved is not None and moved[1] != "0"

    real.until(look, job, "moved file")


def _seconds_to_end(real: RealDaemons, job: int) -> float:
    """Seconds until our daemon no longer runs the job, and the length of a look more."""
    began = time.monotonic()
    real.until(lambda: not _runs(real, job), job, "end")
    return time.monotonic() - began


def _cancel(real: RealDaemons, job: int) -> float:
    """Cancel a job; the seconds until our daemon no longer runs it."""
    began = time.monotonic()
    printed = real.console(f"cancel jobid={job} yes")
    assert "marked to be canceled" in printed, printed
    _seconds_to_end(real, job)
    return time.monotonic() - began


def _assert_canceled(report: Report, kind: str, files: str) -> None:
    assert report.termination == f"{kind} Canceled", report.log
    assert report.value("FD termination status") == "Canceled"
    assert report.number(files) < FILES, report.log
    assert report.said(OURS, "Fatal error:") == []
    assert "Network error" not in report.log
    assert "Socket error" not in report.log


def _assert_next_job_works(real: RealDaemons) -> None:
    report = real.finish(real.backup(OURS, "small"))
    assert report.termination == "Backup OK", report.log


def _lose_storage(real: RealDaemons, job: int) -> Report:
    """Kill the Storage daemon in mid-job, and start it anew: the Director asks it how the job ended."""
    _until_moving(real, job)
    real.storage.kill()
    real.storage.start()
    assert _seconds_to_end(real, job) < LOSS_LIMIT
    return real.finish(job)


def _assert_one_fatal_message(real: RealDaemons, report: Report, folder: Path) -> None:
    (fatal,) = report.said(OURS, "Fatal error:")
    assert f"Storage daemon at 127.0.0.1:{real.storage.port}" in fatal
    assert f'last file "{folder}/' in fatal


@pytest.fixture(scope="module")
def saved(real: RealDaemons) -> int:
    """A backup of `large` to restore from."""
    report = real.finish(real.backup(OURS, "large"))
    assert report.termination == "Backup OK", report.log
    return report.job_id


@pytest.fixture
def slowed(real: RealDaemons) -> Iterator[None]:
    """The Director tells no restore its Maximum Bandwidth: the File daemon is told to limit every job that begins."""
    real.console(f"setbandwidth client={OURS} limit={SLOW // 1024}")
    yield
    real.console(f"setbandwidth client={OURS} limit=0")


def test_a_canceled_backup_ends_at_once(real: RealDaemons) -> None:
    job = real.backup(OURS, "large", job="slow-backup")
    _until_moving(real, job)
    assert _cancel(real, job) < CANCEL_LIMIT
    _assert_canceled(real.finish(job), "Backup", "FD Files Written")
    _assert_next_job_works(real)


@pytest.mark.usefixtures("slowed")
def test_a_canceled_restore_ends_at_once(real: RealDaemons, saved: int, tmp_path: Path) -> None:
    job = real.restore(saved, OURS, OURS, tmp_path)
    _until_moving(real, job)
    assert _cancel(real, job) < CANCEL_LIMIT
    _assert_canceled(real.finish(job), "Restore", "Files Restored")
    _assert_next_job_works(real)


@pytest.mark.parametrize("level", ["InitCatalog", "DiskToCatalog"])
def test_a_canceled_verify_ends_at_once(real: RealDaemons, level: str) -> None:
    """Its Director has stopped reading at the cancel, with packets on their way."""
    if level == "DiskToCatalog":
        assert real.finish(real.backup(OURS, "names")).termination == "Backup OK"
    job = real.start(f"run job=verify level={level} client={OURS} fileset=names yes")
    _until_moving(real, job)
    assert _cancel(real, job) < CANCEL_LIMIT
    assert real.finish(job).termination == "Verify Canceled"
    _assert_next_job_works(real)


def test_the_limit_of_a_running_job_can_be_lifted(real: RealDaemons, trees: Path) -> None:
    job = real.backup(OURS, "large", job="slow-backup")
    _until_moving(real, job)
    real.console(f"setbandwidth jobid={job} limit=0")
    report = real.finish(job)
    assert report.termination == "Backup OK", report.log
    size = sum(path.stat().st_size for path in (trees / "large").iterdir())
    assert report.number("Elapsed time") < size / SLOW / 2


def test_a_lost_storage_daemon_is_one_fatal_message_in_a_backup(real: RealDaemons, trees: Path) -> None:
    report = _lose_storage(real, real.backup(OURS, "large", job="slow-backup"))
    assert report.termination == "Backup Error", report.log
    assert report.value("FD termination status") == "Fatal Error"
    _assert_one_fatal_message(real, report, trees / "large")
    _assert_next_job_works(real)


@pytest.mark.usefixtures("slowed")
def test_a_lost_storage_daemon_is_one_fatal_message_in_a_restore(
    real: RealDaemons, trees: Path, saved: int, tmp_path: Path
) -> None:
    report = _lose_storage(real, real.restore(saved, OURS, OURS, tmp_path))
    assert report.termination == "Restore Error", report.log
    assert report.value("FD termination status") == "Fatal Error"
    _assert_one_fatal_message(real, report, Path(f"{tmp_path}{trees}/large"))
    _assert_next_job_works(real)
