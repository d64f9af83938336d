"""Verify under a real Director: our daemon and the C++ one look at the same tree, and the Director must say the same.

What it says of an unchanged tree is `Verify OK`; of a changed one, the same differences in the same order.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report, real_daemons
from tests.support.bareos_resources import CPP, OURS, FileSet

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(240)]

OPTIONS = (("Signature", "SHA1"), ("Verify", "pinsugmc1"))
STRIPPED = (("Signature", "MD5"), ("Verify", "ps5"), ("Strip Path", "2"))
_DIFFERENCE = re.compile(r"File: |New file: |st_|\w+ digest differs|Warning: The following|/")
_MISSING = "Warning: The following files are in the Catalog but not on disk:"
LARGE = 3_000_000
"""Bytes of a file that does not fit a chunk of small ones."""


def grow(top: Path) -> None:
    for number in range(3):
        place = top / f"d{number}" / "be low"
        place.mkdir(parents=True)
        for name in ("one", "two", "new\nline", "empty", os.fsdecode(b"\xff\xfe")):
            (place / name).write_text(name * number * 100, errors="surrogateescape")
        os.symlink("one", place / "link")
        os.link(place / "one", place / "hard")
    (top / "large").write_bytes(os.urandom(LARGE))
    (top / "nothing").mkdir()
    os.mkfifo(top / "pipe")


def change(top: Path) -> None:
    (top / "d0/be low/one").write_text("changed")
    (top / "d1/be low/two").chmod(0o600)
    (top / "d1/be low/empty").unlink()
    (top / "d2/be low/link").unlink()
    os.symlink("two", top / "d2/be low/link")
    os.rename(top / "nothing", top / "something")
    with (top / "large").open("r+b") as large:
        large.seek(LARGE // 2)
        large.write(b"another")
    (top / "d3").mkdir()
    (top / "d3/new").write_text("new")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("verified")


@pytest.fixture(scope="module")
def real(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemons]:
    filesets = [
        FileSet("verified", (tree / "plain",), OPTIONS),
        FileSet("stripped", (tree / "stripped",), STRIPPED),
    ]
    with real_daemons(tmp_path_factory.mktemp("bareos"), filesets, tls=True) as daemons:
        yield daemons


def differences(report: Report) -> list[str]:
    """What the Director says of the files; those that it missed sorted, for it reads them from its catalog unsorted."""
    said = [line for line in report.said("test-dir") if _DIFFERENCE.match(line)]
    at = said.index(_MISSING) if _MISSING in said else len(said)
    return said[:at] + sorted(said[at:])


def verify(real: RealDaemons, level: str, fileset: str = "verified") -> dict[str, Report]:
    """One verify job by each daemon, one after the other; what the Director found is the same in both."""
    reports = {}
    for client in (CPP, OURS):
        number = real.start(f"run job=verify level={level} client={client} fileset={fileset} yes")
        reports[client] = real.finish(number)
    ours, theirs = reports[OURS], reports[CPP]
    assert differences(ours) == differences(theirs)
    assert ours.termination == theirs.termination, ours.log
    assert ours.value("Files Examined") == theirs.value("Files Examined")
    assert ours.value("Non-fatal FD errors") == theirs.value("Non-fatal FD errors")
    assert ours.value("FD termination status") == theirs.value("FD termination status")
    return reports


def backup(real: RealDaemons, fileset: str) -> dict[str, int]:
    """A full backup by each daemon; the JobIds."""
    jobs = {}
    for client in (CPP, OURS):
        jobs[client] = real.backup(client, fileset)
        assert real.finish(jobs[client]).termination == "Backup OK"
    return jobs


def test_all_levels_on_a_tree_before_and_after_changes(real: RealDaemons, tree: Path) -> None:
    top = tree / "plain"
    grow(top)
    assert verify(real, "InitCatalog")[OURS].termination == "Verify OK"
    jobs = backup(real, "verified")
    for level in ("Catalog", "DiskToCatalog", "VolumeToCatalog"):
        report = verify(real, level)[OURS]
        assert report.termination == "Verify OK", report.log
        assert differences(report) == []

    change(top)
    for level in ("Catalog", "DiskToCatalog"):
        report = verify(real, level)[OURS]
        assert report.termination == "Verify Differences", report.log
        said = differences(report)
        assert f"New file: {top}/d3/new" in said
        assert f"File: {top}/large" in said
        assert sum("SHA1 digest differs" in line for line in said) == 3
        missing = said[said.index(f"{top}/d1/be low/empty") :]
        assert f"{top}/nothing/" in missing
        assert _MISSING in missing

    forget = (
        "update file set md5 = 'AAAAAAAAAAAAAAAAAAAAAAAAAAA', lstat = replace(lstat, ' B ', ' C ')"
        f" where jobid in ({jobs[CPP]}, {jobs[OURS]}) and name = 'two'"
    )
    subprocess.run(["psql", "-q", "-c", forget, real.site.database], check=True)
    report = verify(real, "VolumeToCatalog")[OURS]
    assert report.termination == "Verify Differences", report.log
    assert sum("SHA1 digest differs" in line for line in differences(report)) == 3


def test_a_stripped_path(real: RealDaemons, tree: Path) -> None:
    grow(tree / "stripped")
    assert verify(real, "InitCatalog", "stripped")[OURS].termination == "Verify OK"
    assert verify(real, "Catalog", "stripped")[OURS].termination == "Verify OK"
    (tree / "stripped/d1/be low/one").write_text("changed")
    (tree / "stripped/large").unlink()
    report = verify(real, "Catalog", "stripped")[OURS]
    assert report.termination == "Verify Differences"
    shown = "/" + "/".join((tree / "stripped/d1/be low/one").parts[3:])
    assert f"File: {shown}" in differences(report)


def test_level_data_is_refused_as_by_the_other(real: RealDaemons) -> None:
    assert verify(real, "Data")[OURS].termination == "Verify Error"
