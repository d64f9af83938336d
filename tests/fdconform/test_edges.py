"""The cases of chapter 10 on our daemon, and what they exercise of the charts."""

import shlex
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from fdconform.chapters import edges
from fdconform.coverage import Edge, by_chart, coverage_of
from fdconform.coverage_reasons import REASONS
from fdconform.profiles import Profile
from fdconform.runner import Settings, run
from fdconform.subject import Subject, started
from fdconform.verdicts import Verdict

OURS = shlex.join([sys.executable, "-m", "fdaemon.cli"])
LIST_STATES = ("LevelSync", "FilesetRx", "AccurateRx", "BootstrapRx", "ObjName", "ObjData")


@pytest.mark.deadline(180)
async def test_they_reach_what_they_are_for_and_no_reason_is_stale() -> None:
    def start(profile: Profile, folder: Path) -> AbstractAsyncContextManager[Subject]:
        return started(OURS, profile, folder)

    outcome = await run(edges.CHAPTER.cases, start, Settings(keep=True))
    bad = [result for result in outcome.results if result.verdict not in (Verdict.OK, Verdict.SKIPPED)]
    assert not [f"{result.case}: {result.text}" for result in bad]

    coverage = coverage_of((result.rows for result in outcome.results), outcome.logs.values())
    assert coverage.strange == {}
    assert [edge for chart in by_chart(coverage, REASONS) for edge in chart.stale] == []
    followed = {
        Edge("director", state, event)
        for state in LIST_STATES
        for event in ("STORAGE_ATTACHED", "DIRECTOR_LEFT", "ABANDONED")
    }
    assert followed | {Edge("verify", "Volume", "RECORD_REJECTED")} <= coverage.followed
    told = {
        Edge("director", "Idle", "DIAL_STARTED"),
        Edge("director", "Dialing", "PARKED"),
        Edge("director", "Dialing", "ABANDONED"),
        Edge("director", "Parked", "TAKEN_UP"),
        Edge("director", "Parked", "FAILED"),
        Edge("storage", "TlsHandshake", "TLS_WAIVED"),
    }
    assert told <= coverage.told
