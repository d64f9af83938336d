"""Steps of whole jobs: the Storage daemon's side, the end of a job, what was said and what was stored."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import trio

from fdconform.expect import Like, meets, shown
from fdconform.stage import Check, Stage
from fdconform.verdicts import Verdict
from fdpeers.errors import Unexpected
from fdpeers.faults import Fault
from fdpeers.sinks import DiscardSink, MemorySink, Sink, StoredRecord
from fdpeers.sources import MemorySource, Replay, Source
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket

JOB_LIMIT: Final = 25.0
"""Seconds for a job on a few files."""

type Records = Callable[[Stage], list[StoredRecord] | bytes]
"""Makes what the Storage daemon sends for a restore: records, or wire bytes as they are."""


@dataclass(frozen=True, slots=True)
class Announce:
    """A Storage daemon that expects this case's job. `restore` makes the records it sends; else it takes a backup
    (`keep`: the records go to `stage.records`), whose first FileIndex is the one behind `after`. The names sd_host and
    sd_port tell where it listens."""

    faults: tuple[Fault, ...] = ()
    restore: Records | None = None
    keep: bool = True
    after: int = 0
    job: bytes = b"{job}"
    key: bytes = b"{key}"
    called: str = "sd"

    async def play(self, stage: Stage) -> None:
        if stage.storage is None:
            stage.storage = StoragePeer("conform-sd", stage.transcript)
            port = await stage.nursery.start(stage.storage.serve)
            stage.names |= {"sd_host": b"127.0.0.1", "sd_port": b"%d" % port}
        session = (int(stage.names["session_id"]), int(stage.names["session_time"]))
        sink: Sink | None = None
        source: Source | None = None
        if self.restore is not None:
            records = await trio.to_thread.run_sync(self.restore, stage)
            if isinstance(records, bytes):
                source = Replay((records,))
            else:
                source = MemorySource(records, session_id=session[0], session_time=session[1])
        elif self.keep:
            kept = sink = MemorySink(after=self.after)
            stage.records = kept.records
        else:
            sink = DiscardSink()
        job, key = stage.fill(self.job), stage.fill(self.key)
        ticket = JobTicket(job, key, *session, sink=sink, source=source, faults=self.faults)
        stage.runs[self.called] = stage.storage.announce(ticket)


@dataclass(frozen=True, slots=True)
class EndJob:
    """The report of the job and the end of the session. What is None is not looked at.

    `status` are the letters of TermCode that are right, `lenient` those that a Director copes with.
    """

    status: str = "T"
    lenient: str = ""
    files: int | None = None
    errors: int | None = None
    read_bytes: int | None = None
    job_bytes: int | None = None
    encrypt: int | None = None
    on: str = "dir"
    within: float = JOB_LIMIT

    async def play(self, stage: Stage) -> None:
        end = None
        with trio.move_on_after(self.within):
            try:
                end = await stage.line(self.on).session.job_end()
            except Unexpected as error:
                raise stage.fail(f"{error}{_said(stage)}") from error
        if end is None:
            raise stage.fail(f"no end of the job within {self.within:g} s{_said(stage)}")
        stage.end = end
        if end.status not in self.status:
            text = f"TermCode {end.status}, not {' or '.join(self.status)}{_said(stage)}"
            if end.status not in self.lenient:
                raise stage.fail(text)
            stage.note(Verdict.NON_STRICT, text)
        figures = (
            ("JobFiles", self.files, end.files),
            ("Errors", self.errors, end.errors),
            ("ReadBytes", self.read_bytes, end.read_bytes),
            ("JobBytes", self.job_bytes, end.job_bytes),
            ("Encrypt", self.encrypt, end.encrypt),
        )
        for name, wanted, got in figures:
            if wanted is not None and wanted != got:
                raise stage.fail(f"{name}={got}, not {wanted}{_said(stage)}")
        malformed = stage.line(self.on).session.malformed
        if malformed:
            raise stage.fail(f"not a job message and not a reply: {shown(malformed[0])}")
        run = stage.runs.get("sd")
        if run is not None and run.taken:
            with trio.move_on_after(5):
                await run.done.wait()


@dataclass(frozen=True, slots=True)
class Said:
    """A job message like this came (a regular expression over its whole text), of this severity if it is given.
    `strict` False: another wording is NON-STRICT as long as any message of the severity came."""

    pattern: bytes
    type: int | None = None
    times: int | None = None
    strict: bool = True

    async def play(self, stage: Stage) -> None:
        pattern = stage.filled(Like(self.pattern))
        right = [m for m in stage.messages if self.type in (None, m.type)]
        found = sum(meets(m.text, pattern) for m in right)
        if found and self.times in (None, found):
            return
        what = f"a message of type {self.type}" if self.type is not None else "a message"
        text = f"{what} like {self.pattern!r} came {found} times{_said(stage)}"
        if right and not self.strict and not found:
            stage.note(Verdict.NON_STRICT, text)
            return
        raise stage.fail(text)


@dataclass(frozen=True, slots=True)
class Unsaid:
    """No job message like this came."""

    pattern: bytes = rb".*"
    types: tuple[int, ...] = (3, 4, 5)

    async def play(self, stage: Stage) -> None:
        pattern = stage.filled(Like(self.pattern))
        for message in stage.messages:
            if message.type in self.types and meets(message.text, pattern):
                raise stage.fail(f"type {message.type}: {shown(message.text)}")


@dataclass(frozen=True, slots=True)
class Checked:
    """Look at what the case has brought: each check says what is wrong, or nothing."""

    checks: tuple[Check, ...]

    async def play(self, stage: Stage) -> None:
        problems = [text for check in self.checks if (text := await trio.to_thread.run_sync(check, stage))]
        if problems:
            raise stage.fail("; ".join(problems))


@dataclass(frozen=True, slots=True)
class Observed:
    """Put what was seen into the report, for what the protocol leaves open."""

    tell: Callable[[Stage], str]

    async def play(self, stage: Stage) -> None:
        stage.note(Verdict.INFORMATIONAL, self.tell(stage))


@dataclass(frozen=True, slots=True)
class Until:
    """Wait until the Storage daemon has come as far as `reached` says; it is asked every few milliseconds."""

    reached: Callable[[Stage], bool]
    what: str
    within: float = JOB_LIMIT

    async def play(self, stage: Stage) -> None:
        deadline = time.monotonic() + self.within
        while not self.reached(stage):
            if time.monotonic() > deadline:
                raise stage.fail(f"{self.what}: not within {self.within:g} s{_said(stage)}")
            await trio.sleep(0.01)


def _said(stage: Stage) -> str:
    """The last message of the daemon, which mostly explains the rest."""
    grave = [message for message in stage.messages if message.type in (3, 4, 5)]
    return f" (it said: {shown(grave[-1].text)})" if grave else ""
