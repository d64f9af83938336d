"""Real daemons: FileSets of several kinds, what cannot be saved, jobs side by side: as the C++ daemon does it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report, real_daemons, running_lines
from tests.support.bareos_resources import CPP, OURS, FileSet
from tests.support.described import Described, describe

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(120)]

SIGNATURES = ("MD5", "SHA1", "SHA256", "SHA512", "XXH128")


@pytest.fixture(scope="module")
def troubled_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file, a socket and an empty directory."""
    # Names of sockets are short, so this one is bound from where it stands.
    root = tmp_path_factory.mktemp("troubled")
    (root / "file").write_bytes(b"all is well\n")
    (root / "folder").mkdir()
    before = Path.cwd()
    os.chdir(root)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket")
    finally:
        os.chdir(before)
    return root


@pytest.fixture(scope="module")
def real(
    reference_tree: Path, troubled_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealDaemons]:
    trees: tuple[Path | str, ...] = (reference_tree,)
    missing = troubled_tree / "vanished"
    filesets = [
        *(FileSet(name, trees, (("Signature", name), ("Hard Links", "yes"))) for name in SIGNATURES),
        FileSet("copies", trees, (("Signature", "MD5"), ("Hard Links", "no"))),
        FileSet("unsigned", trees, (("Hard Links", "yes"),)),
        FileSet("troubled", (troubled_tree, missing)),
    ]
    with real_daemons(tmp_path_factory.mktemp("bareos"), filesets, tls=True) as daemons:
        yield daemons


def _both(real: RealDaemons, fileset: str) -> tuple[Report, Report]:
    """A backup by our daemon and one by the C++ daemon, at the same time."""
    jobs = [real.backup(client, fileset) for client in (OURS, CPP)]
    ours, cpp = (real.finish(job) for job in jobs)
    return ours, cpp


def _assert_same_figures(ours: Report, cpp: Report) -> None:
    for key in (
        "Termination",
        "FD Files Written",
        "FD Bytes Written",
        "SD Bytes Written",
        "Non-fatal FD errors",
    ):
        assert ours.value(key) == cpp.value(key), f"{key}: {ours.log}"


def test_five_jobs_at_a_time_with_a_signature_each(
    real: RealDaemons, reference_tree: Path, tmp_path: Path
) -> None:
    jobs = {name: real.backup(OURS, name) for name in SIGNATURES}
    reports = {name: real.finish(job) for name, job in jobs.items()}
    expected = describe(reference_tree)
    for name, report in reports.items():
        assert report.termination == "Backup OK", report.log
        assert report.number("FD Files Written") == report.number("SD Files Written") == len(expected), name
    # The C++ daemon checks the signature of what it restores; the longest one is checked here.
    restored = real.finish(real.restore(reports["SHA512"].job_id, OURS, CPP, tmp_path))
    assert restored.termination == "Restore OK", restored.log
    assert restored.number("FD Errors") == 0
    assert restored.number("Files Restored") == len(expected)


@pytest.mark.parametrize("fileset", ["XXH128", "unsigned"])
def test_a_fileset_has_the_figures_of_the_cpp_daemon(real: RealDaemons, fileset: str) -> None:
    ours, cpp = _both(real, fileset)
    assert ours.termination == "Backup OK", ours.log
    _assert_same_figures(ours, cpp)


def test_without_hard_links_every_name_is_a_file_of_its_own(
    real: RealDaemons, reference_tree: Path, tmp_path: Path
) -> None:
    ours, cpp = _both(real, "copies")
    assert ours.termination == "Backup OK", ours.log
    _assert_same_figures(ours, cpp)
    report = real.finish(real.restore(ours.job_id, OURS, OURS, tmp_path))
    assert report.termination == "Restore OK", report.log
    restored = describe(Path(f"{tmp_path}{reference_tree}"))
    assert _without_links(restored) == _without_links(describe(reference_tree))
    assert not any(entry.links for entry in restored.values())


def _without_links(tree: dict[bytes, Described]) -> dict[bytes, tuple[object, ...]]:
    return {
        name: (entry.mode, entry.owner, entry.mtime, entry.content, entry.extended)
        for name, entry in tree.items()
    }


def test_what_cannot_be_saved_is_told_as_the_cpp_daemon_tells_it(
    real: RealDaemons, troubled_tree: Path
) -> None:
    ours, cpp = _both(real, "troubled")
    _assert_same_figures(ours, cpp)
    assert ours.number("FD Files Written") == 3
    told = [sorted(_complaints(report, client)) for report, client in ((ours, OURS), (cpp, CPP))]
    assert told[0] == told[1]
    assert any(f"{troubled_tree}/vanished" in line for line in told[0])


def _complaints(report: Report, client: str) -> list[str]:
    """All that a daemon said about files."""
    words = ("Version:", "Connected", "Encryption:", "support is")
    return [line for line in report.said(client) if not any(word in line for word in words)]


def test_the_status_shows_a_job_that_runs_and_then_how_it_ended(real: RealDaemons) -> None:
    job = real.backup(OURS, "MD5", job="slow-backup")

    def look() -> bool:
        lines = running_lines(real.status(OURS))
        return any(line.startswith(f"JobId {job} Job slow-backup.") for line in lines) and any(
            "Full Backup Job started: " in line for line in lines
        )

    real.until(look, job, "line in the status")
    report = real.finish(job)
    assert report.termination == "Backup OK", report.log

    def ended() -> str | None:
        rows = real.status(OURS).partition("Terminated Jobs:")[2].splitlines()
        return next((row for row in rows if row.split()[:1] == [str(job)]), None)

    row = real.until(ended, job, "row in the status").split()
    assert row[1:3] == ["Full", f"{report.number('FD Files Written')}"]
    assert (row[5], row[-1]) == ("OK", "slow-backup")
