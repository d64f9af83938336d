"""Restores of some files, by every replace policy, to other names and over what is there: as the C++ daemon does.

Each daemon restores the same backup over a copy of the same changed tree. How many: `tests.support.mixture_jobs`.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report
from tests.support.bareos_resources import CPP, OURS
from tests.support.described import Described, describe
from tests.support.mixture_compare import masked, unlike
from tests.support.mixture_jobs import (
    CASES,
    Case,
    complaints,
    differences,
    finish,
    next_second,
    saved_names,
)
from tests.support.mixture_trees import change

OWN_DIRECTORY = re.compile("File skipped. Not (newer|older): .*/")
"""Said by the C++ daemon of directories that it has just made itself, which then have no attributes of the backup."""
REPLACE = ("always", "never", "ifnewer", "ifolder")

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(300 + 5 * CASES)]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a case is restored. `words` hold PLACE for the directory of the daemon that does it."""

    words: str
    tree: str


PLACE = "@PLACE@"


def plan(case: Case, names: Collection[bytes]) -> Plan:
    """Draw the files, the replace policy and the names that they get."""
    dice, top = case.dice, str(case.top)
    words = [f"replace={dice.choice(REPLACE)}"]
    if not case.mixture.strip and dice.random() < 0.5:
        simple = sorted(name for name in names if name and name.isascii() and b"\n" not in name)
        chosen = dice.sample(simple, min(len(simple), dice.randrange(1, 12)))
        if chosen:
            listed = case.place / "list"
            paths = [os.fsencode(top) + name for name in chosen]
            folders = [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]
            listed.write_bytes(b"".join(path + (b"/\n" if path in folders else b"\n") for path in paths))
            words.append(f"file=<{listed}")
    tree = top
    match dice.choice("wwspr"):
        case "s":
            parent = str(case.top.parent)
            words += [f"strip_prefix={parent}", f"add_prefix={PLACE}"]
            tree = f"/{case.top.name}"
        case "p":
            words += [f"add_prefix={PLACE}", "add_suffix=.old"]
        case "r":
            words.append(f'regexwhere="!(alpha|beta)/!$1.new/!,!^!{PLACE}!"')
        case _:
            words.append(f"where={PLACE}")
    return Plan(" ".join(words), tree)


def populate(case: Case, plans: Plan, places: Sequence[Path]) -> None:
    """The same changed copy of the tree for each daemon, where the restored one will come to stand."""
    if case.dice.random() < 0.7:
        changed = case.place / "changed"
        subprocess.run(["cp", "-a", case.top, changed], check=True)
        change(case.dice, changed, types=False)
        for place in places:
            tree = Path(f"{place}{plans.tree}")
            tree.parent.mkdir(parents=True)
            subprocess.run(["cp", "-a", changed, tree], check=True)
        shutil.rmtree(changed)


def said(report: Report, client: str, place: Path) -> list[str]:
    """What a daemon said of files, whatever its place; C++ names the line of its source before it."""
    texts = (each.replace(str(place), "") for each in complaints(report, client))
    return sorted(re.sub(r"^(\w+: )[\w/]+\.cc:\d+ ", r"\1", each) for each in texts)


def check(real: RealDaemons, cases: Sequence[Case]) -> None:
    """A Full by our daemon, then the same restore by each."""
    backups = finish(real, [case.run(OURS, "Full") for case in cases])
    next_second()
    plans: list[Plan] = []
    for case, backup in zip(cases, backups, strict=True):
        case.place.mkdir()
        plans.append(plan(case, saved_names(real, case, backup)))
        populate(case, plans[-1], [case.where(client) for client in (OURS, CPP)])
    reports: dict[tuple[int, str], Report] = {}
    for client in (OURS, CPP):
        commands = [
            f"restore jobid={backup.job_id} client={OURS} restoreclient={client} restorejob=restore"
            f" {each.words.replace(PLACE, str(case.where(client)))} {'' if 'file=' in each.words else 'all'} done yes"
            for case, backup, each in zip(cases, backups, plans, strict=True)
        ]
        done = finish(real, commands)
        reports |= {(case.number, client): report for case, report in zip(cases, done, strict=True)}
    for case, each in zip(cases, plans, strict=True):
        texts = compared(case, each.words, reports[case.number, OURS], reports[case.number, CPP])
        case.note(each.words, texts)


def compared(case: Case, words: str, ours: Report, cpp: Report) -> Iterator[str]:
    """How the restores differ."""
    errors = ours.said(OURS, "Error: ")
    if ours.number("FD Errors") != len(errors):
        yield f"FD Errors: {ours.value('FD Errors')} of {errors}"
    # Of an error with the last file the C++ daemon may tell after it has counted the errors.
    for key in ("Files Restored", *(() if errors else ("Termination", "FD Errors"))):
        if ours.value(key) != cpp.value(key):
            yield f"{key}: {ours.value(key)}, not {cpp.value(key)}: {complaints(ours, OURS)}"
    mine, theirs = said(ours, OURS, case.where(OURS)), said(cpp, CPP, case.where(CPP))
    if errors:  # what C++ says after one may get lost at the end of the job
        mine, theirs = ([line for line in each if line.startswith("Error")] for each in (mine, theirs))
    if "replace=if" in words:
        mine, theirs = (
            [line for line in each if not OWN_DIRECTORY.fullmatch(line)] for each in (mine, theirs)
        )
    if mine != theirs:
        only = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
        yield f"said {only[0]}, not {only[1]}"
    one, other = (tree(case.where(client)) for client in (OURS, CPP))
    # Directories that C++ makes on the way depend on other jobs: it clears the mask of the whole process now and then.
    yield from unlike(masked(one), masked(other), ())


def tree(place: Path) -> dict[bytes, Described]:
    """All below `place`."""
    return describe(place) if place.exists() else {}


def test_selected_and_relocated(tmp_path: Path) -> None:
    found = differences(tmp_path, check)
    assert not found, "\n\n".join(found)
