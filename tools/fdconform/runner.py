"""Plays cases on daemons, several at once where they allow it, and gathers their results. Judges nothing itself."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from itertools import count, groupby
from pathlib import Path
from typing import Final

import trio

from fdconform.case import Case, Need
from fdconform.profiles import PROFILES, Profile
from fdconform.stage import Stage
from fdconform.subject import ProfileMissing, Subject, SubjectError
from fdconform.verdicts import CaseOver, Finding, Result, Verdict, worst
from fdpeers import dialogues
from fdpeers.director import DirectorPeer
from fdpeers.errors import PeersError

AT_ONCE: Final = 8
"""Cases played at the same time: most of their time they wait."""

_VERSION: Final = re.compile(rb"Version: ([^\n]+?)(?: VSS|\n|$)")

VERSION_LIMIT: Final = 10.0
"""Seconds for a daemon to say its version."""

type Start = Callable[[Profile, Path], AbstractAsyncContextManager[Subject]]
"""Gives a daemon for a profile. Raises SubjectError."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. `told` is called with each result as it comes; `keep` leaves the transcripts of good cases in."""

    at_once: int = AT_ONCE
    told: Callable[[Result], object] = lambda result: None
    keep: bool = False


@dataclass(slots=True)
class Outcome:
    """All results in the order of the cases, the output of the daemons that were started by profile, the seconds it
    took, and what the daemon calls itself."""

    results: list[Result]
    logs: dict[str, str]
    seconds: float
    version: str = ""


async def run(cases: Iterable[Case], start: Start, settings: Settings) -> Outcome:
    """Play all cases, one profile after the other."""
    began = time.monotonic()
    outcome = Outcome([], {}, 0.0)
    ordered = sorted(cases, key=lambda case: (case.profile, case.number))
    numbers = count()
    with tempfile.TemporaryDirectory(prefix="fdconform-") as scratch:
        os.chmod(scratch, 0o755)
        for name, group in groupby(ordered, key=lambda case: case.profile):
            folder = Path(scratch, name)
            await trio.Path(folder).mkdir()
            play = _Play(settings, outcome, folder, numbers)
            await play.profile(PROFILES[name], list(group), start)
    outcome.results.sort(key=lambda result: tuple(map(int, result.case.split("."))))
    outcome.seconds = time.monotonic() - began
    return outcome


class _Play:
    """The cases of one profile."""

    def __init__(self, settings: Settings, outcome: Outcome, folder: Path, numbers: "count[int]") -> None:
        self._settings = settings
        self._outcome = outcome
        self._folder = folder
        self._numbers = numbers

    async def profile(self, profile: Profile, cases: Sequence[Case], start: Start) -> None:
        """Everything that can go together first, then the others on a fresh daemon each time one has died."""
        waiting = [[case for case in cases if not case.alone]]
        waiting += [[case] for case in cases if case.alone]
        while waiting:
            try:
                async with start(profile, self._folder / "daemon") as subject:
                    self._outcome.version = self._outcome.version or await version_of(subject)
                    while waiting and subject.alive:
                        waiting[:0] = await self._together(waiting.pop(0), subject)
                    self._keep_log(profile, subject)
            except SubjectError as error:
                verdict = Verdict.SKIPPED if isinstance(error, ProfileMissing) else Verdict.FAIL
                for case in (case for group in waiting for case in group):
                    self._done(Result(case.id, verdict, (Finding(verdict, str(error)),), 0.0))
                return

    async def _together(self, cases: list[Case], subject: Subject) -> list[list[Case]]:
        """Play them side by side. If the daemon dies meanwhile: the groups that are to be played on another one, each
        case alone that may have been the cause."""
        limiter = trio.CapacityLimiter(self._settings.at_once)
        left: list[Case] = []
        suspects: list[Case] = []
        async with trio.open_nursery() as nursery:
            for case in cases:
                await limiter.acquire_on_behalf_of(case.id)
                if subject.alive:
                    nursery.start_soon(
                        self._one, case, subject, limiter, suspects if len(cases) > 1 else None
                    )
                else:
                    limiter.release_on_behalf_of(case.id)
                    left.append(case)
        return [*([case] for case in suspects), *([left] if left else [])]

    async def _one(
        self, case: Case, subject: Subject, limiter: trio.CapacityLimiter, suspects: list[Case] | None
    ) -> None:
        try:
            missing = _missing(case, subject)
            if missing:
                finding = Finding(Verdict.SKIPPED, missing)
                self._done(Result(case.id, Verdict.SKIPPED, (finding,), 0.0))
                return
            result = await play(case, subject, self._folder / f"case-{case.id}", next(self._numbers))
            if result.verdict is Verdict.FAIL and not (await subject.listens() and subject.alive):
                if suspects is not None and not subject.alive:
                    suspects.append(case)
                    return
                finding = Finding(Verdict.FAIL, "the daemon does not listen any more")
                result = replace(result, findings=(*result.findings, finding))
            self._done(result)
        finally:
            limiter.release_on_behalf_of(case.id)

    def _done(self, result: Result) -> None:
        good = result.verdict in (Verdict.OK, Verdict.SKIPPED)
        self._settings.told(result)
        self._outcome.results.append(replace(result, rows=()) if good and not self._settings.keep else result)

    def _keep_log(self, profile: Profile, subject: Subject) -> None:
        if subject.log is not None:
            self._outcome.logs[profile.name] = subject.log.read_text(errors="replace")


def _missing(case: Case, subject: Subject) -> str:
    if Need.ROOT in case.needs and os.geteuid() != 0:
        return "needs root"
    if Need.FILES in case.needs and subject.files is None:
        return "needs a daemon that sees the tester's files"
    if Need.PROCESS in case.needs and subject.process is None:
        return "needs a daemon that the tester has started"
    return ""


async def version_of(subject: Subject) -> str:
    """What a daemon calls itself in its status, or "" if none of its Directors can ask."""
    for director in subject.directors.values():
        peer = DirectorPeer(
            director.name, password=director.password, port=subject.port, host=subject.host, tls=director.tls
        )
        with suppress(PeersError, OSError, trio.TooSlowError), trio.move_on_after(VERSION_LIMIT):
            async with peer.connect() as session:
                found = _VERSION.search(await dialogues.status(session, "header"))
                return found[1].decode(errors="replace") if found else ""
    return ""


async def play(case: Case, subject: Subject, folder: Path, number: int) -> Result:
    """One case on a daemon; its folder is removed again."""
    began = time.monotonic()
    if subject.files is not None:
        folder = subject.files / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    rows: tuple[dict[str, object], ...] = ()
    findings: tuple[Finding, ...] = ()
    try:
        async with trio.open_nursery() as nursery:
            stage = Stage(subject, folder, nursery, number)
            try:
                with trio.move_on_after(case.limit) as scope:
                    await _steps(case, stage)
                if scope.cancelled_caught:
                    stage.note(Verdict.FAIL, f"not over after {case.limit:g} s")
            finally:
                await stage.close()
                findings = tuple(stage.findings)
                rows = tuple(stage.transcript.rows)
                nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
    verdict = worst(findings)
    if case.informational and verdict is Verdict.OK:
        verdict = Verdict.INFORMATIONAL
    return Result(case.id, verdict, findings, time.monotonic() - began, rows)


async def _steps(case: Case, stage: Stage) -> None:
    try:
        for step in case.play:
            await step.play(stage)
    except* CaseOver as over:
        stage.findings += [error.finding for error in _leaves(over)]
    except* (PeersError, OSError, trio.BrokenResourceError, trio.TooSlowError) as lost:
        stage.findings += [Finding(Verdict.FAIL, str(error) or repr(error)) for error in _leaves(lost)]


def _leaves[E: BaseException](group: BaseExceptionGroup[E]) -> list[E]:
    found: list[E] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
