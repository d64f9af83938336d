"""Random trees and FileSets whose Options differ from file to file, saved and put back by both daemons.

How many: `tests.support.mixture_jobs`.
"""

import re
import shutil
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report
from tests.support.bareos_resources import CPP, OURS
from tests.support.described import Described
from tests.support.mixture_compare import masked, unlike, unlike_source
from tests.support.mixture_jobs import (
    CASES,
    Case,
    Catalogued,
    Row,
    catalogued,
    complaints,
    differences,
    finish,
    next_second,
    restored,
    saved_names,
)
from tests.support.mixture_trees import change

UNLINKED = "Could not hard link"
"""Not accurate, or by letters that do not see it, a link comes back without the file that it was a link to."""

DIFFERENCE = re.compile(r"File: |New file: |st_|\w+ digest differs|Warning: The following|/")
MISSING = "Warning: The following files are in the Catalog but not on disk:"

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(300 + 10 * CASES)]


def full(real: RealDaemons, cases: Sequence[Case], level: str) -> dict[tuple[int, str], Report]:
    """A backup of each case by each daemon, compared with each other."""
    keys = [(case, client) for case in cases for client in (OURS, CPP)]
    reports = finish(real, [case.run(client, level) for case, client in keys])
    found = {(case.number, client): report for (case, client), report in zip(keys, reports, strict=True)}
    for report in reports:
        assert report.termination.startswith("Backup OK"), report.log
    for case in cases:
        ours, cpp = found[case.number, OURS], found[case.number, CPP]
        case.note(level, different_backups(real, case, ours, cpp, level))
    return found


def different_backups(real: RealDaemons, case: Case, ours: Report, cpp: Report, level: str) -> Iterator[str]:
    """How the backup by our daemon differs from the one by the C++ daemon."""
    for key in ("Termination", "Non-fatal FD errors", "SD Errors", "Encryption"):
        if ours.value(key) != cpp.value(key):
            yield f"{key}: {ours.value(key)}, not {cpp.value(key)}\n{ours.log}"
    if ours.number("FD Files Written") != ours.number("SD Files Written"):
        yield f"files of FD and SD: {ours.log}"
    alike = case.mixture.alike
    steady = case.mixture.steady and (alike or not case.mixture.accurate)
    if level != "Full" and not steady:
        return
    if complaints(ours, OURS) != complaints(cpp, CPP):
        yield f"said {complaints(ours, OURS)}, not {complaints(cpp, CPP)}"
    mine, theirs = catalogued(real, ours.job_id), catalogued(real, cpp.job_id)
    if case.mixture.twice and not alike:
        return  # C++ takes a name that it has met before, and excluded, for one that it has saved
    for one, other in differing(mine, theirs, alike=alike):
        yield f"catalog: {one}, not {other}"
    if alike and not case.mixture.packed and ours.value("FD Bytes Written") != cpp.value("FD Bytes Written"):
        yield f"FD Bytes Written: {ours.value('FD Bytes Written')}, not {cpp.value('FD Bytes Written')}"


def differing(mine: Catalogued, theirs: Catalogued, *, alike: bool) -> Iterator[tuple[object, object]]:
    """Pairs of rows that differ; only as names when Hard Links is mixed, where C++ goes by the entry before."""
    if not alike:
        ours, cpp = Counter(name for name, _ in mine), Counter(name for name, _ in theirs)
        if set(ours) != set(cpp):
            yield sorted(ours.keys() - cpp.keys())[:20], sorted(cpp.keys() - ours.keys())[:20]
        return
    if [name for name, _ in mine] != [name for name, _ in theirs]:
        yield [name for name, _ in mine], [name for name, _ in theirs]
        return
    for (name, one), (_, other) in zip(mine, theirs, strict=True):
        if constant(one) != constant(other):
            yield (name, one), other


def constant(row: Row) -> Row:
    """Without what reading a file changes, and the stream that directories do not have."""
    stream = 0 if stat.S_ISDIR(row.stat.mode) else row.stat.stream
    return replace(row, stat=replace(row.stat, atime=0, ctime=0, stream=stream))


def restore(
    real: RealDaemons, jobs: Sequence[tuple[Case, str, str, str, Path]]
) -> dict[tuple[int, Path], dict[bytes, Described]]:
    """Restore side by side: case, words that select, source, client, where. The trees that came of it."""
    commands = [
        f"restore {words} client={source} restoreclient={client} restorejob=restore where={where} all done yes"
        for _, words, source, client, where in jobs
    ]
    found: dict[tuple[int, Path], dict[bytes, Described]] = {}
    for (case, words, source, client, where), report in zip(jobs, finish(real, commands), strict=True):
        whole = report.termination == "Restore OK" and not report.number("FD Errors")
        loose = not case.mixture.accurate or "Accurate = " in case.mixture.blocks
        known = loose and any(UNLINKED in line for line in report.said(client, "Error"))
        if not whole and not known and (source == OURS or case.mixture.alike):
            case.problems.append(
                f"{words} of {source} by {client}: {report.termination} {report.said(client)}"
            )
        found[case.number, where] = restored(where, case)
        shutil.rmtree(where, ignore_errors=True)
    return found


def check_full(real: RealDaemons, cases: Sequence[Case]) -> None:
    """A Full of each daemon, ours put back by both, the other by ours; and verified from the volume."""
    reports = full(real, cases, "Full")
    jobs = [
        (case, f"jobid={reports[case.number, source].job_id}", source, OURS, case.where(source))
        for case in cases
        for source in (OURS, CPP)
    ]
    trees = restore(real, jobs)
    trees |= restore(
        real,
        [
            (case, f"jobid={reports[case.number, OURS].job_id}", OURS, CPP, case.where("crossed"))
            for case in cases
        ],
    )
    for case in cases:
        source, twice = case.source(), case.mixture.twice
        case.saved = names = saved_names(real, case, reports[case.number, OURS])
        kept = names & masked(source).keys()
        ours, cpp, crossed = (trees[case.number, case.where(words)] for words in (OURS, CPP, "crossed"))
        case.note("ours by ours", unlike_source(ours, source, names, twice=twice))
        case.note("ours by C++", unlike_source(masked(crossed), masked(source), kept, twice=twice))
        case.note(
            "ours by ours / by C++", unlike(masked(ours, twice=twice), masked(crossed, twice=twice), names)
        )
        if case.mixture.alike:
            case.note("C++ by ours", unlike_source(cpp, source, names, twice=twice))
            case.note("ours by ours / C++ by ours", unlike(masked(ours), masked(cpp), names))
    check_volumes(real, cases)


def check_volumes(real: RealDaemons, cases: Sequence[Case]) -> None:
    """Our backups verify; as many files as the C++ daemon's."""
    verified = finish(real, [case.verify(client) for case in cases for client in (OURS, CPP)])
    for case, ours, cpp in zip(cases, verified[::2], verified[1::2], strict=True):
        if ours.termination != "Verify OK":
            case.problems.append(f"verify: {ours.log}")
        if ours.value("Files Examined") != cpp.value("Files Examined") and case.mixture.alike:
            case.problems.append(f"verify: {ours.log}{cpp.log}")


def check_disk(real: RealDaemons, cases: Sequence[Case]) -> None:
    """What the Director finds different on disk from the Full is the same by either daemon."""
    reports = finish(real, [case.verify(client, "DiskToCatalog") for case in cases for client in (OURS, CPP)])
    for case, ours, cpp in zip(cases, reports[::2], reports[1::2], strict=True):
        if not case.mixture.alike:
            continue
        if differences_found(ours) != differences_found(cpp) or ours.termination != cpp.termination:
            pairs = zip_longest(differences_found(ours), differences_found(cpp))
            case.note("disk", (f"{mine} / {theirs}" for mine, theirs in pairs if mine != theirs))
            case.note("disk", [f"{ours.termination} / {cpp.termination}"])


def differences_found(report: Report) -> list[str]:
    """What the Director says of the files; those that it missed sorted, for it reads them from its catalog unsorted."""
    said = [line for line in report.said("test-dir") if DIFFERENCE.match(line)]
    at = said.index(MISSING) if MISSING in said else len(said)
    return said[:at] + sorted(said[at:])


def check_incremental(real: RealDaemons, cases: Sequence[Case]) -> None:
    """Changes, an Incremental of each daemon, and what is current put back."""
    next_second()
    for case in cases:
        change(case.dice, case.top, types=case.mixture.accurate)
    next_second()
    check_disk(real, cases)
    reports = full(real, cases, "Incremental")
    words = "select current"
    trees = restore(
        real,
        [
            (case, f"fileset={case.name} {words}", source, OURS, case.where(source))
            for case in cases
            for source in (OURS, CPP)
        ],
    )
    trees |= restore(
        real,
        [(case, f"fileset={case.name} {words}", OURS, CPP, case.where("crossed")) for case in cases],
    )
    for case in cases:
        source, twice = case.source(), case.mixture.twice
        names = saved_names(real, case, reports[case.number, OURS])
        ours, cpp, crossed = (trees[case.number, case.where(word)] for word in (OURS, CPP, "crossed"))
        # Directories of the Full may have default ACLs, which what comes later without an ACL then gets.
        case.note("current by ours", unlike_source(ours, source, names, twice=True))
        names |= case.saved
        if case.mixture.accurate:
            case.note("not deleted", (f"{name!r}" for name in ours.keys() - source.keys() if source))
            if "Accurate" not in case.mixture.blocks:
                case.note("still current", unlike_source(ours, source, names, twice=True))
        case.note(
            "current by ours / by C++", unlike(masked(ours, twice=twice), masked(crossed, twice=twice), names)
        )
        if case.mixture.alike and case.mixture.steady:
            case.note("current ours / C++ by ours", unlike(masked(ours), masked(cpp), names))


def check(real: RealDaemons, cases: Sequence[Case]) -> None:
    check_full(real, cases)
    check_incremental(real, cases)


def test_mixed_options(tmp_path: Path) -> None:
    found = differences(tmp_path, check)
    assert not found, "\n\n".join(found)
