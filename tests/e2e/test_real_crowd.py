"""Real daemons: twenty jobs at once, backups and restores, some canceled; and a job that stands still holds up none."""

import os
import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report, real_daemons, running_lines
from tests.support.bareos_resources import OURS, FileSet
from tests.support.described import describe

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(240)]

LANES = 8
"""Jobs that read at a time: each volume needs a device of its own."""
BACKUPS = 12
CANCELED_BACKUPS, CANCELED_RESTORES = 3, 2
FILES = 600
SIZE = 50_000
"""Files of the tree and their size: half a minute of a job, to be sure that none ends before it is hurried."""
SPEED: tuple[str, str] = ("Maximum Bandwidth Per Job", "1000 kb/s")
"""For all jobs, until it is lifted for one: the Director would only limit backups."""
NAMES = FILES + 1
MEGABYTE = 1 << 20
JOB_MEMORY = 12 * MEGABYTE
"""What a job may need: batches and pieces of file content on their way, threads, TLS."""
HARDLY = 2.0
"""Seconds that a small job may take longer beside others than alone, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trees")
    noise = random.Random(2).randbytes(SIZE * 2)
    for folder, count in (("many", FILES), ("few", 20)):
        (root / folder).mkdir()
        for number in range(count):
            start = number * 50 % SIZE
            (root / folder / f"{number:04d}").write_bytes(noise[start : start + SIZE])
    (root / "waiting").mkdir()
    os.mkfifo(root / "waiting/pipe")
    return root


@pytest.fixture(scope="module")
def real(trees: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemons]:
    filesets = [FileSet(name, (trees / name,)) for name in ("few", "many")]
    options = (("Signature", "MD5"), ("Read Fifo", "yes"))
    filesets.append(FileSet("waiting", (trees / "waiting/pipe",), options))
    place = tmp_path_factory.mktemp("bareos")
    with real_daemons(place, filesets, tls=True, lanes=LANES, client_lines=[SPEED, MANY]) as daemons:
        yield daemons


@pytest.fixture(scope="module")
def saved(real: RealDaemons) -> list[int]:
    """A backup of `many` on each lane."""
    run = f"run job=backup client={OURS} fileset=many level=Full"
    jobs = real.start_all([f"{run} storage=Lane{number} yes" for number in range(1, LANES + 1)])
    _hurry(real, jobs)
    reports = [real.finish(job) for job in jobs]
    assert {report.termination for report in reports} == {"Backup OK"}
    return jobs


MANY: tuple[str, int] = ("Maximum Concurrent Jobs", 40)
"""Sessions of consoles count as jobs here, so there have to be more than the jobs."""


def _hurry(real: RealDaemons, jobs: list[int], without: list[int] | None = None) -> None:
    """Once all of the jobs move files, cancel those `without` which it goes on, and lift the limit of the others."""
    real.until(lambda: all(_moved(real).get(job) for job in jobs), jobs[0], "moved file in all jobs")
    without = without or []
    real.console(*[f"cancel jobid={job} yes" for job in without])
    real.console(*[f"setbandwidth jobid={job} limit=0" for job in jobs if job not in without])


def _moved(real: RealDaemons) -> dict[int, int]:
    """Files by job, of the jobs that our daemon runs now."""
    text = "\n".join(running_lines(real.status(OURS)))
    found = re.findall(r"JobId (\d+) .*?\n(?:.*\n)*?\s*Files=([\d,]+)", text)
    return {int(job): int(files.replace(",", "")) for job, files in found}


def _memory(real: RealDaemons) -> int:
    """Bytes of memory that our daemon has in use."""
    process = real.clients[OURS].process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _check_backup(report: Report) -> None:
    assert report.termination == "Backup OK", report.log
    assert report.number("FD Files Written") == report.number("SD Files Written") == NAMES


def _check_restore(report: Report, where: Path, tree: Path) -> None:
    assert report.termination == "Restore OK", report.log
    assert report.number("Files Restored") == report.number("Files Expected") == NAMES
    assert describe(Path(f"{where}{tree}")) == describe(tree)


def test_twenty_jobs_at_once(real: RealDaemons, saved: list[int], trees: Path, tmp_path: Path) -> None:
    idle = _memory(real)
    run = f"run job=backup client={OURS} fileset=many level=Full yes"
    places = [tmp_path / f"restored{number}" for number in range(LANES)]
    orders = [
        f"restore jobid={job} client={OURS} restoreclient={OURS} restorejob=restore"
        f" where={where} all done yes"
        for job, where in zip(saved, places, strict=True)
    ]
    jobs = real.start_all([*orders, *[run] * BACKUPS])
    restores, backups = jobs[:LANES], jobs[LANES:]
    canceled = restores[:CANCELED_RESTORES] + backups[:CANCELED_BACKUPS]
    _hurry(real, jobs, canceled)
    busy = _memory(real)
    reports = {job: real.finish(job) for job in jobs}

    for job in canceled:
        assert reports[job].termination in ("Backup Canceled", "Restore Canceled"), reports[job].log
        assert reports[job].value("FD termination status") == "Canceled"
    for job in backups[CANCELED_BACKUPS:]:
        _check_backup(reports[job])
    for job, where in list(zip(restores, places, strict=True))[CANCELED_RESTORES:]:
        _check_restore(reports[job], where, trees / "many")
    assert busy - idle < len(jobs) * JOB_MEMORY, (idle // MEGABYTE, busy // MEGABYTE)
    assert not _moved(real)


def _seconds(real: RealDaemons) -> float:
    """How long a small backup takes, from its order to its report."""
    began = time.monotonic()
    report = real.finish(real.backup(OURS, "few"))
    assert report.termination == "Backup OK", report.log
    return time.monotonic() - began


def test_a_job_that_stands_still_holds_up_no_other(real: RealDaemons, trees: Path) -> None:
    alone = _seconds(real)
    waiting = real.backup(OURS, "waiting")
    real.until(lambda: "/waiting/pipe" in real.status(OURS), waiting, "wait for the pipe's writer")
    beside = _seconds(real)
    assert "/waiting/pipe" in real.status(OURS)
    writer = threading.Thread(target=(trees / "waiting/pipe").write_bytes, args=(b"at last\n",))
    writer.start()
    report = real.finish(waiting)
    writer.join()
    assert report.termination == "Backup OK", report.log
    assert report.number("FD Bytes Written") > 0
    assert beside < alone + HARDLY


def test_slow_jobs_hold_up_no_other(real: RealDaemons) -> None:
    alone = _seconds(real)
    slow = real.start_all([f"run job=backup client={OURS} fileset=many level=Full yes"] * 6)
    real.until(lambda: all(_moved(real).get(job) for job in slow), slow[0], "moved file")
    beside = _seconds(real)
    assert set(slow) <= set(_moved(real))
    _hurry(real, slow)
    for job in slow:
        _check_backup(real.finish(job))
    assert beside < alone + HARDLY
