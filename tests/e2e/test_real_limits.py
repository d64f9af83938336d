"""Real daemons: limits of bandwidth and of jobs, and secure erase, as an administrator sets them."""

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, real_daemons, running_lines, until
from tests.support.bareos_resources import OURS, Directives, FileSet

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(180)]

HOLE = 2 << 30
"""Size of the file that is saved, one hole and sent as zeros."""
SPELL = 8.0
"""Seconds over which a speed is measured. The Storage daemon writes whole blocks of up to 1 MiB."""
WITHIN = 0.05


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trees")
    for folder in ("hole", "few"):
        (root / folder).mkdir()
    with (root / "hole/zeros").open("wb") as file:
        file.truncate(HOLE)
    for number in range(5):
        (root / f"few/{number}").write_bytes(b"%d\n" % number * 500)
    return root


@pytest.fixture(scope="module")
def eraser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A command that notes what it was told to erase, and erases it."""
    script = tmp_path_factory.mktemp("eraser") / "erase"
    script.write_text(f'#!/bin/sh\necho "$1" >> {script}.log\nexec rm -f "$1"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(scope="module")
def real(trees: Path, eraser: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemons]:
    filesets = [FileSet(name, (trees / name,)) for name in ("few", "hole")]
    lines: Directives = [("Heartbeat Interval", 1), ("Secure Erase Command", f'"{eraser}"')]
    with real_daemons(
        tmp_path_factory.mktemp("bareos"), filesets, tls=True, client_lines=lines, lanes=1
    ) as daemons:
        yield daemons


def _configure(real: RealDaemons, *, client: str = "", director: str = "") -> None:
    """Write lines at the end of the resources of our running daemon, instead of those written before, and have them
    read.
    """
    ours = real.clients[OURS]
    path = real.site.etc / f"{OURS}.conf"
    text = re.sub(r"  #<.*?#>\n", "", path.read_text(), flags=re.DOTALL)
    for kind, lines in (("Client", client), ("Director", director)):
        text = re.sub(
            rf"^({kind} {{.*?\n)}}", rf"\1  #<\n  {lines}\n  #>\n}}", text, flags=re.DOTALL | re.MULTILINE
        )
    path.write_text(text)
    before = ours.output().count("read again")
    assert ours.process is not None
    ours.process.send_signal(signal.SIGHUP)
    until(lambda: ours.output().count("read again") > before, "new configuration")


def _written(real: RealDaemons) -> int:
    """Bytes on the volumes."""
    return sum(path.stat().st_size for path in real.site.volumes.iterdir())


def _limit(real: RealDaemons, job: int) -> int:
    """The limit that status shows of a job that moves data; 0 before that."""
    text = "\n".join(running_lines(real.status(OURS)))
    found = re.search(rf"^JobId {job} .*?Bwlimit=([\d,]+)", text, re.MULTILINE | re.DOTALL)
    return int(found[1].replace(",", "")) if found and "/zeros" in text else 0


def _speed(real: RealDaemons, job: int) -> float:
    """Bytes a second that a running job gets onto the volume."""
    before = _written(real)
    real.until(lambda: _written(real) > before, job, "block on the volume")
    first, began = _written(real), time.monotonic()
    real.until(lambda: time.monotonic() - began > SPELL, job, "passing of time")
    count = _written(real)
    real.until(lambda: _written(real) > count, job, "block on the volume")
    return (_written(real) - first) / (time.monotonic() - began)


def _stop(real: RealDaemons, job: int) -> None:
    real.console(f"cancel jobid={job} yes")
    assert real.finish(job).termination == "Backup Canceled"


@pytest.mark.parametrize(
    ("client", "director"),
    [
        ("Maximum Bandwidth Per Job = 20 mb/s", ""),
        ("Maximum Bandwidth Per Job = 5 mb/s", "Maximum Bandwidth Per Job = 20 mb/s"),
    ],
    ids=["of-the-client", "of-the-director"],
)
def test_a_configured_limit_holds(real: RealDaemons, client: str, director: str) -> None:
    _configure(real, client=client, director=director)
    job = real.backup(OURS, "hole")
    real.until(lambda: _limit(real, job) == 20_000_000, job, "limit in the status")
    speed = _speed(real, job)
    _stop(real, job)
    assert abs(speed / 20_000_000 - 1) < WITHIN, speed


def test_a_limit_is_set_while_the_job_runs(real: RealDaemons) -> None:
    _configure(real, client="Maximum Bandwidth Per Job = 2 mb/s")
    job = real.backup(OURS, "hole")
    real.until(lambda: _limit(real, job) == 2_000_000, job, "limit in the status")
    real.console(f"setbandwidth jobid={job} limit=20000")
    assert _limit(real, job) == 20_000 * 1024
    speed = _speed(real, job)
    _stop(real, job)
    assert abs(speed / (20_000 * 1024) - 1) < WITHIN, speed


def test_no_more_jobs_than_allowed(real: RealDaemons) -> None:
    """A session of a console counts as one; it is turned away while the job goes on."""
    _configure(real, client="Maximum Bandwidth Per Job = 2 mb/s")
    job = real.backup(OURS, "hole")
    real.until(lambda: _limit(real, job) == 2_000_000, job, "limit in the status")
    _configure(real, client="Maximum Concurrent Jobs = 1")
    assert "Running Jobs:" not in real.status(OURS)
    before = _written(real)
    real.until(lambda: _written(real) > before, job, "block on the volume")
    _configure(real, client="Maximum Concurrent Jobs = 2")
    real.until(lambda: _limit(real, job) == 2_000_000, job, "console that is let in")
    _stop(real, job)


def test_what_a_restore_deletes_is_erased(
    real: RealDaemons, trees: Path, eraser: Path, tmp_path: Path
) -> None:
    _configure(real)
    backup = real.finish(real.backup(OURS, "few"))
    assert backup.termination == "Backup OK", backup.log
    target = Path(f"{tmp_path}{trees}/few")
    target.mkdir(parents=True)
    (target / "3").write_bytes(b"in the way\n")
    report = real.finish(real.restore(backup.job_id, OURS, OURS, tmp_path))
    assert report.termination == "Restore OK", report.log
    assert (target / "3").read_bytes() == (trees / "few/3").read_bytes()
    (said,) = report.said(OURS, "SecureErase: executing")
    assert said == f'SecureErase: executing {eraser} "{target}/3"'
    erased = eraser.with_name("erase.log").read_text().splitlines()
    assert [name for name in erased if not name.endswith(".state")] == ["./3"]
