"""The tester on our own daemon in a short form: a case of each section, and a few defects that it must notice."""

import shlex
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from fdconform.case import Case
from fdconform.chapters import all_cases
from fdconform.profiles import Profile
from fdconform.runner import Settings, run
from fdconform.subject import Subject, started
from fdconform.verdicts import Verdict
from tests.fdconform.defects import DEFECTS
from tests.fdconform.sensitivity import caught_by

OURS = shlex.join([sys.executable, "-m", "fdaemon.cli"])


LONG = {(9, 1), (9, 2)}
"""Sections that wait for seconds, and are left to the whole run; chapter 10 has a test of its own."""


def one_of_each_section() -> list[Case]:
    """The first case of every section that does not need the daemon for itself."""
    chosen: dict[tuple[int, ...], Case] = {}
    for case in all_cases():
        section = case.number[:2]
        if not case.alone and section not in LONG and case.number[0] < 10:
            chosen.setdefault(section, case)
    return list(chosen.values())


@pytest.mark.deadline(180)
async def test_our_daemon_in_short() -> None:
    def start(profile: Profile, folder: Path) -> AbstractAsyncContextManager[Subject]:
        return started(OURS, profile, folder)

    outcome = await run(one_of_each_section(), start, Settings())
    bad = [result for result in outcome.results if result.verdict in (Verdict.FAIL, Verdict.NON_STRICT)]
    assert not [f"{result.case}: {result.text}" for result in bad]
    assert any(result.verdict is Verdict.OK for result in outcome.results)


@pytest.mark.deadline(120)
@pytest.mark.parametrize(("name", "case"), [("large", "1.1.1"), ("reply", "3.1.6"), ("files", "5.1.1")])
def test_a_defect_is_noticed(name: str, case: str) -> None:
    defect = next(defect for defect in DEFECTS if defect.name == name)
    assert caught_by(defect, [case]) == [case]


def test_every_defect_has_a_name_of_its_own() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 20
