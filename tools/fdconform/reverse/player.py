"""Plays the cases of the other direction one after the other and judges each by the job's end, its log and the wire."""

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import trio

from fdconform.reverse.case import Plan, ReverseCase
from fdconform.reverse.console import QUEUED, Console, ConsoleError, JobOutcome
from fdconform.reverse.daemon import PlayedDaemon
from fdconform.reverse.notes import Notes
from fdconform.reverse.resources import CLIENTS
from fdconform.verdicts import Result, Verdict, worst
from fdpeers.cram import password_key


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the tester listens as a File daemon, and how the Director is told to start jobs."""

    console: Console
    password: str
    host: str
    port: int


async def play_all(
    cases: Sequence[ReverseCase], setting: Setting, told: Callable[[Result], object]
) -> list[Result]:
    """The results in the order of the cases, played on all clients at once. Raises ConsoleError, or OSError when a
    port is taken."""
    results: dict[str, Result] = {}
    based = deque(case for case in cases if case.needs_backup)
    free = deque(case for case in cases if not case.needs_backup)

    device = trio.Semaphore(1)

    async def work(name: str, number: int) -> None:
        async with trio.open_nursery() as listening:
            daemon = PlayedDaemon(name, password_key(setting.password), device)
            await listening.start(
                partial(trio.serve_tcp, daemon.serve, setting.port + number, host=setting.host)
            )
            queue, backup = free, 0
            if number == 0 and based:
                backup = await _backup(daemon, setting.console)
                queue = based
            while queue:
                result = await _play(queue.popleft(), daemon, setting.console, backup)
                results[result.case] = result
                told(result)
                queue = queue or free
            listening.cancel_scope.cancel()

    async with trio.open_nursery() as workers:
        for number, name in enumerate(CLIENTS):
            workers.start_soon(work, name, number)
    return [results[case.id] for case in cases]


async def _backup(daemon: PlayedDaemon, console: Console) -> int:
    """A good backup that other cases refer to; 0 if it did not come about."""
    notes = daemon.begin(Plan())
    order = f"run job=conform-base client={daemon.client} level=Full yes"
    found = QUEUED.search(await console.tell(order))
    if found is None:
        return 0
    status = ""
    with trio.move_on_after(60):
        status = (await console.outcome(int(found[1]))).status
    _release(daemon, notes)
    return int(found[1]) if status == "T" else 0


def _release(daemon: PlayedDaemon, notes: Notes) -> None:
    if notes.holds:
        notes.holds = False
        daemon.device.release()


async def _play(case: ReverseCase, daemon: PlayedDaemon, console: Console, backup: int) -> Result:
    began = time.monotonic()
    notes = daemon.begin(case.plan)
    if case.needs_backup and not backup:
        notes.note(Verdict.SKIPPED, "the backup that it needs did not end well")
    else:
        try:
            with trio.move_on_after(case.limit) as scope:
                await _judged(case, notes, console, daemon.client, backup)
            if scope.cancelled_caught:
                notes.note(Verdict.FAIL, f"not over after {case.limit:g} s")
        except ConsoleError as error:
            notes.note(Verdict.FAIL, str(error))
    _release(daemon, notes)
    findings = tuple(notes.findings)
    verdict = worst(findings)
    if case.informational and verdict is Verdict.OK:
        verdict = Verdict.INFORMATIONAL
    rows = tuple(notes.transcript.rows)
    return Result(case.id, verdict, findings, time.monotonic() - began, rows)


async def _judged(case: ReverseCase, notes: Notes, console: Console, client: str, backup: int) -> None:
    printed = await console.tell(case.order.format(backup=backup, client=client))
    queued = QUEUED.search(printed)
    outcome = JobOutcome("", "")
    if queued is None and case.order.startswith(("run", "restore")):
        notes.note(Verdict.FAIL, f"the Director starts no job: {printed.strip()[-300:]}")
        return
    if queued is not None:
        if case.meanwhile:
            await notes.running.wait()
            printed += await console.tell(case.meanwhile.format(job_id=queued[1]))
        outcome = await console.outcome(int(queued[1]))
    await _look(case, notes, printed, outcome)
    if case.expected.query and queued is not None:
        answer = await console.query(case.expected.query.format(job_id=queued[1]))
        if re.search(case.expected.found, answer) is None:
            notes.note(Verdict.FAIL, f"the catalog has no {case.expected.found!r}: {answer.strip()[-300:]}")


async def _look(case: ReverseCase, notes: Notes, printed: str, outcome: JobOutcome) -> None:
    expected = case.expected
    text = printed + outcome.log
    if expected.status and outcome.status not in expected.status:
        lenient = outcome.status in expected.lenient
        said = _last_words(outcome.log)
        verdict = Verdict.NON_STRICT if lenient else Verdict.FAIL
        notes.note(verdict, f"the job ended with {outcome.status}, not {' or '.join(expected.status)}{said}")
    if case.informational:
        notes.note(Verdict.INFORMATIONAL, f"the job ended with {outcome.status}{_last_words(outcome.log)}")
    for pattern in expected.log:
        if re.search(pattern, text) is None:
            notes.note(Verdict.FAIL, f"nothing like {pattern!r} was said{_last_words(text)}")
    for pattern in expected.silent:
        if found := re.search(f".*{pattern}.*", text):
            notes.note(Verdict.FAIL, f"it said {found[0].strip()!r}")
    for order in expected.reached:
        if not any(got.startswith(order) for got in notes.orders):
            notes.note(Verdict.FAIL, f"no order {order!r} came")
    for order in expected.unreached:
        if any(got.startswith(order) for got in notes.orders):
            notes.note(Verdict.FAIL, f"an order {order!r} came all the same")


def _last_words(log: str) -> str:
    """The gravest lines of a log, which mostly explain the rest."""
    grave = [line.strip() for line in log.splitlines() if "Fatal error" in line or "Error:" in line]
    return f" (the log: {'; '.join(grave[-2:])[:400]})" if grave else ""
