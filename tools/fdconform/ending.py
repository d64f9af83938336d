"""Steps at the end of jobs that were canceled or lost a peer: the report, where one is due, and the idle daemon."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import trio

from fdconform.expect import CLOSED, Like, Nothing, Wanted, meets, shown
from fdconform.stage import Stage
from fdconform.talk import HangUp, Hear, HearText, Login, Say
from fdconform.verdicts import Verdict
from fdpeers.director import JobEnd
from fdpeers.errors import LinkClosed
from fdpeers.link import TERMINATE
from fdpeers.storage_session import reset

POLL: Final = 0.05
"""Seconds between two looks at the list of running jobs."""
_END: Final = re.compile(
    rb"2800 End Job TermCode=(\d+) JobFiles=(\d+) ReadBytes=(\d+) JobBytes=(\d+) Errors=(\d+)"
    rb" VSS=(\d+) Encrypt=(\d+)\n"
)
SOON: Final = 4.0
"""Seconds within which a canceled job has to be over."""


@dataclass(frozen=True, slots=True)
class CanceledEnd:
    """The canceled job ends within `within` seconds, once, with TermCode 65 (NON-STRICT: without its report, for the
    Director that canceled knows). `waits`: the daemon was waiting for the Director, and may go on doing so until
    he hangs up. `also` are other letters that are right, `through` are the replies that may come
    before. Up to `bearable` more seconds are NON-STRICT. A Storage daemon that stands still is told to drop the job,
    as the Director does, if the end does not come without (NON-STRICT)."""

    waits: bool = False
    also: str = ""
    through: tuple[Wanted, ...] = ()
    on: str = "dir"
    within: float = SOON
    bearable: float = 0.0

    async def play(self, stage: Stage) -> None:
        end = await self._end(stage, 1.0 if self.waits else self.within)
        if end is None and self.waits:
            await HangUp(self.on, terminate=True).play(stage)
            return
        running = [run for run in stage.runs.values() if run.taken and not run.done.is_set()]
        if end is None and running:
            for run in running:
                run.cancel()
            end = await self._end(stage, self.within + 14)
            stage.note(Verdict.NON_STRICT, "the canceled job ends only when the Storage daemon hangs up")
        if end is None and self.bearable:
            end = await self._end(stage, self.bearable)
            stage.note(Verdict.NON_STRICT, f"the canceled job is not over within {self.within:g} s")
        if end is None:
            raise stage.fail(f"the canceled job is not over within {self.within:g} s")
        if isinstance(end, Nothing):
            stage.note(Verdict.NON_STRICT, "the session ended without the report of the canceled job")
            return
        stage.end = end
        if end.status not in f"A{self.also}":
            raise stage.fail(f"TermCode {end.status} ({ord(end.status)}) after a cancel, not A (65)")

    async def _end(self, stage: Stage, within: float) -> JobEnd | Nothing | None:
        session = stage.line(self.on).session
        with trio.move_on_after(within):
            while True:
                try:
                    got = await session.reply()
                except LinkClosed:
                    return CLOSED
                if got == TERMINATE and not isinstance(got, bytes):
                    return CLOSED
                if (end := job_end(got)) is not None:
                    with suppress(LinkClosed):
                        while (got := await session.reply()) != TERMINATE:
                            raise stage.fail(f"after the report of the job came {shown(got)}")
                    return end
                if not any(meets(got, stage.filled(wanted)) for wanted in self.through):
                    raise stage.fail(f"before the report of the canceled job came {shown(got)}")
        return None


def job_end(got: bytes | int) -> JobEnd | None:
    """The figures of an End Job line; None if it is something else."""
    match = _END.fullmatch(got) if isinstance(got, bytes) else None
    if match is None:
        return None
    code, *figures = (int(number) for number in match.groups())
    return JobEnd(chr(code), *figures)


@dataclass(frozen=True, slots=True)
class LastWord:
    """Say something that the daemon need not hear any more."""

    text: bytes
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        with suppress(LinkClosed):
            await stage.line(self.on).link.send(stage.fill(self.text))


@dataclass(frozen=True, slots=True)
class DropStorage:
    """The Storage daemon drops the job, as it does when the Director cancels it there."""

    called: str = "sd"

    async def play(self, stage: Stage) -> None:
        stage.runs[self.called].cancel()


@dataclass(frozen=True, slots=True)
class Reset:
    """Hang up with a TCP reset."""

    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        link = stage.lines.pop(self.on).link
        reset(link)
        transport = getattr(link.stream, "transport", link.stream)
        await trio.aclose_forcefully(transport)


@dataclass(frozen=True, slots=True)
class Gone:
    """The job of this case is not among the running ones any more, within `within` seconds."""

    role: str = "clear"
    on: str = "look"
    within: float = 15.0

    async def play(self, stage: Stage) -> None:
        await _wait(stage, self.role, self.on, running=False, within=self.within)


@dataclass(frozen=True, slots=True)
class Running:
    """The job of this case is among the running ones, and what is said of it is like `like`."""

    like: bytes = rb".*"
    role: str = "clear"
    on: str = "look"
    within: float = 15.0

    async def play(self, stage: Stage) -> None:
        await _wait(stage, self.role, self.on, running=True, within=self.within, like=self.like)


async def _wait(
    stage: Stage, role: str, on: str, *, running: bool, within: float, like: bytes = rb".*"
) -> None:
    deadline = time.monotonic() + within
    await Login(role, on).play(stage)
    wanted = stage.filled(Like(rb"JobId={job_id}\n Job={job}\n" + like))
    while True:
        await Say(b".status running", on).play(stage)
        await HearText(Like(rb".*"), on=on).play(stage)
        jobs = re.split(rb"^(?=JobId=|DirectorConnected=)", stage.heard.pop(), flags=re.MULTILINE)
        if any(meets(text, wanted) for text in jobs) is running:
            break
        if time.monotonic() > deadline:
            said = [text for text in jobs if stage.names["job"] in text]
            what = "not seen running so" if running else "still running"
            raise stage.fail(f"the job is {what} after {within:g} s: {shown(b''.join(said))}")
        await trio.sleep(POLL)
    await HangUp(on, terminate=True).play(stage)


@dataclass(frozen=True, slots=True)
class NoReport:
    """Whatever still comes on this connection, the report is not among it. The Director's half is closed."""

    on: str = "dir"
    within: float = 10.0

    async def play(self, stage: Stage) -> None:
        link = stage.line(self.on).link
        with trio.move_on_after(self.within) as scope:
            try:
                while True:
                    got = await link.receive()
                    if isinstance(got, bytes) and got.startswith(b"2800 "):
                        raise stage.fail("the report came although the Director had left")
            except LinkClosed:
                return
        if scope.cancelled_caught:
            raise stage.fail(f"the connection is still open {self.within:g} s after the Director left")


@dataclass(frozen=True, slots=True)
class Closed:
    """The daemon closes this connection, whatever it says before."""

    on: str = "dir"
    within: float = 10.0

    async def play(self, stage: Stage) -> None:
        with trio.move_on_after(self.within):
            try:
                while True:
                    await stage.line(self.on).link.receive()
            except LinkClosed:
                return
        raise stage.fail(f"the connection is still open after {self.within:g} s")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The Director's side of the comparison of clocks: exactly ten questions, answered with the time plus `offset`
    seconds, then EOD. What comes between them and EOD must be like `message`, or nothing."""

    offset: float = 0.0
    message: Like | None = None
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        for number in range(10):
            got = await stage.hear(self.on, SOON, raw=True)
            if got != -9 or isinstance(got, bytes):
                raise stage.fail(f"instead of question {number + 1} for the clock came {shown(got)}")
            now = int((time.time() + self.offset) * 1_000_000)
            await Say(b"btime %d\n" % now, self.on).play(stage)
        got = await stage.hear(self.on, SOON, raw=True)
        if self.message is not None:
            if not meets(got, stage.filled(self.message)):
                raise stage.fail(f"wanted {shown(self.message)}, got {shown(got)}")
            got = await stage.hear(self.on, SOON, raw=True)
        if got != -1 or isinstance(got, bytes):
            raise stage.fail(f"after ten answers came {shown(got)}, not EOD")
        await Hear(b"2000 OK level\n", on=self.on, raw=True).play(stage)
