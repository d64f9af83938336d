"""Full, edits, Incremental, Differential, deletions and renames under a real Director: the tree comes back as edited.

Every job is run by our daemon and by the C++ one on the same tree, and both must save as many files.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report, real_daemons, until
from tests.support.bareos_resources import CPP, OURS, FileSet
from tests.support.described import describe

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(240)]

type Edit = Callable[[Path], object]


def grow(top: Path) -> Path:
    for number in range(5):
        place = top / f"d{number}" / "below"
        place.mkdir(parents=True)
        for name in ("one", "two", "sp ace", "new\nline", "empty"):
            (place / name).write_text(name * number * 100)
        os.symlink("one", place / "link")
        os.link(place / "one", place / "hard")
    (top / "nothing").mkdir()
    os.mkfifo(top / "pipe")
    (top / os.fsdecode(b"\xff\xfe")).write_text("no text")
    return top


def change(top: Path) -> None:
    (top / "d0/below/one").write_text("changed")
    (top / "d1/below/two").chmod(0o600)
    (top / "d5").mkdir()
    (top / "d5/new").write_text("new")


def change_more(top: Path) -> None:
    (top / "d2/below/one").write_text("through the other name")
    (top / "d5/new").write_text("newer")
    (top / "empty\tone").write_text("")


def take_away(top: Path) -> None:
    (top / "d0/below/two").unlink()
    (top / "d1/below/hard").unlink()
    os.rename(top / "d3", top / "renamed")
    os.rename(top / "d4/below/one", top / "d4/moved")
    (top / "d2/below/link").unlink()
    os.symlink("two", top / "d2/below/link")
    (top / "nothing").rmdir()
    (top / "pipe").unlink()
    (top / "pipe").write_text("no pipe any more")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("levels")


@pytest.fixture(scope="module")
def real(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemons]:
    filesets = [FileSet(name, (tree / name,)) for name in ("timed", "accurate")]
    with real_daemons(tmp_path_factory.mktemp("bareos"), filesets, tls=True) as daemons:
        yield daemons


def next_second() -> None:
    """Jobs begin at whole seconds: what is edited in the second of a start would be saved again."""
    start = int(time.time())
    until(lambda: int(time.time()) > start or None, "next second")


def both(real: RealDaemons, fileset: str, job: str, level: str) -> dict[str, Report]:
    next_second()
    started = {client: real.backup(client, fileset, job=job, level=level) for client in (CPP, OURS)}
    reports = {client: real.finish(number) for client, number in started.items()}
    next_second()
    for report in reports.values():
        assert report.termination == "Backup OK", report.log
    saved = {client: report.number("FD Files Written") for client, report in reports.items()}
    assert saved[OURS] == saved[CPP], f"{level} of {fileset}"
    return reports


def restored(real: RealDaemons, words: str, where: Path, tree: Path) -> None:
    """Restore by our daemon, and compare with the tree as it is now."""
    command = f"restore client={OURS} restorejob=restore where={where} {words} all done yes"
    report = real.finish(real.start(command))
    assert report.termination == "Restore OK", report.log
    assert describe(Path(f"{where}{tree}")) == describe(tree)


def test_levels_by_time(real: RealDaemons, tree: Path, tmp_path: Path) -> None:
    top = grow(tree / "timed")
    counts = [both(real, "timed", "backup", "Full")[OURS].number("FD Files Written")]
    for level, edit in (
        ("Incremental", change),
        ("Incremental", change_more),
        ("Differential", lambda top: None),
    ):
        edit(top)
        counts.append(both(real, "timed", "backup", level)[OURS].number("FD Files Written"))
    # Two changed with their hard links and directories and so on; the differential holds both increments.
    assert counts[0] == len(describe(top)) - 3
    assert 0 < counts[1] < counts[0]
    assert counts[2] < counts[3] < counts[1] + counts[2]
    restored(real, "fileset=timed select current", tmp_path / "restored", top)


def test_accurate_levels_and_a_virtual_full(real: RealDaemons, tree: Path, tmp_path: Path) -> None:
    top = grow(tree / "accurate")
    reports = both(real, "accurate", "accurate-backup", "Full")
    for level, edit in (
        ("Incremental", change),
        ("Differential", change_more),
        ("Incremental", take_away),
    ):
        edit(top)
        reports = both(real, "accurate", "accurate-backup", level)
    restored(real, "fileset=accurate select current", tmp_path / "current", top)
    nothing = both(real, "accurate", "accurate-backup", "Incremental")
    assert nothing[OURS].number("FD Files Written") == 0
    made = real.finish(real.backup(OURS, "accurate", job="accurate-backup", level="VirtualFull"))
    assert made.termination == "Backup OK", made.log
    assert made.number("SD Files Written") == len(describe(top))
    restored(real, f"jobid={made.job_id}", tmp_path / "virtual", top)
    assert reports[OURS].number("FD Files Written") > 0
