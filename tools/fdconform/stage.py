"""Where one case is played: its names, its connections, its Storage daemon, its folder, and what was noticed.

Knows nothing of what is right; the steps do.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio
from trio.abc import Stream

from fdconform.expect import CLOSED, QUIET, Got, Like, Wanted
from fdconform.profiles import Director
from fdconform.subject import Subject
from fdconform.verdicts import CaseOver, Finding, Verdict
from fdpeers.cram import password_key
from fdpeers.director import DirectorSession, JobEnd, JobMessage
from fdpeers.errors import LinkClosed
from fdpeers.link import Link
from fdpeers.sinks import StoredRecord
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobRun
from fdpeers.tls import TlsStream, client_context
from fdpeers.transcript import Transcript

_NAME: Final = re.compile(rb"\{([a-z][a-z_0-9]*)\}")
KEY: Final = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"
DIAL_LIMIT: Final = 10.0
"""Seconds for a connection on one machine to stand."""


@dataclass(slots=True)
class Line:
    """One connection to the daemon that the tester opened; `session` filters as a Director does."""

    link: Link
    director: Director
    session: DirectorSession
    greeting: bytes = b""


@dataclass(slots=True)
class Stage:
    """What steps work on.

    `names` fill `{name}` in what is said and wanted: job, job_id, key, session_id, session_time, folder, and once a
    Storage daemon is announced its address and port. `messages` are all job messages heard so far.
    """

    subject: Subject
    folder: Path
    nursery: trio.Nursery
    number: int
    transcript: Transcript = field(default_factory=lambda: Transcript(time.monotonic))
    names: dict[str, bytes] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    messages: list[JobMessage] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    runs: dict[str, JobRun] = field(default_factory=dict)
    records: list[StoredRecord] = field(default_factory=list)
    end: JobEnd | None = None
    heard: list[bytes] = field(default_factory=list)
    storage: StoragePeer | None = None
    kept: dict[str, object] = field(default_factory=dict)
    """What steps leave for later ones, by a name that they agree on."""

    def __post_init__(self) -> None:
        number = self.number
        self.names |= {
            "job": b"conform-%d.2026-11-23_05.00.00_%02d" % (number, number % 60),
            "job_id": b"%d" % (number + 1000),
            "key": KEY,
            "session_id": b"%d" % (number + 1),
            "session_time": b"1700000000",
            "folder": bytes(self.folder),
            "tree": bytes(self.folder / "tree"),
            "where": bytes(self.folder / "restored"),
            "client": b"conform-fd",
        }

    def fill(self, text: bytes) -> bytes:
        """`text` with the names of this stage in the place of `{name}`; unknown names stay as they are."""
        names = self.names

        def named(found: re.Match[bytes]) -> bytes:
            return names.get(found[1].decode(), found[0])

        return _NAME.sub(named, text)

    def filled[W: Wanted](self, wanted: W) -> W | bytes | Like:
        """The same expectation with names filled in."""
        if isinstance(wanted, bytes):
            return self.fill(wanted)
        if isinstance(wanted, Like):
            names = {name.encode(): re.escape(value) for name, value in self.names.items()}
            return Like(_NAME.sub(lambda found: names.get(found[1], found[0]), wanted.pattern))
        return wanted

    def note(self, verdict: Verdict, text: str) -> None:
        """Remember something and go on."""
        self.findings.append(Finding(verdict, text))

    def fail(self, text: str) -> CaseOver:
        """What to raise when the daemon is wrong."""
        return CaseOver(Verdict.FAIL, text)

    def line(self, name: str) -> Line:
        """An open connection. Raises CaseOver when a case forgot to open it."""
        try:
            return self.lines[name]
        except KeyError:
            raise self.fail(f"the case has no connection called {name}") from None

    async def open(self, name: str, director: Director, *, tls: bool) -> Line:
        """Connect to the daemon, with TLS-PSK as this Director or in the clear, and say nothing yet.

        Raises LinkClosed, or AuthenticationFailed where TLS does.
        """
        with trio.fail_after(DIAL_LIMIT):
            try:
                stream: Stream = await trio.open_tcp_stream(self.subject.host, self.subject.port)
            except OSError as error:
                raise LinkClosed(f"no File daemon listens: {error}") from error
            if tls:
                identity = b"R_DIRECTOR\x1e" + director.name.encode()
                wrapped = TlsStream(
                    stream, client_context(identity, password_key(director.password)), server=False
                )
                try:
                    await wrapped.handshake()
                except BaseException:
                    await trio.aclose_forcefully(stream)
                    raise
                stream = wrapped
        return self.adopt(name, stream, director)

    def adopt(self, name: str, stream: Stream, director: Director) -> Line:
        """A connection that stands already becomes a line of this stage."""
        link = Link(stream, self.transcript.open("dir-fd", "dir", "fd"))
        session = DirectorSession(link, 0, time.time, 0.0)
        session.on_message = self.messages.append
        line = self.lines[name] = Line(link, director, session)
        return line

    async def hear(self, name: str, within: float, *, raw: bool) -> Got:
        """The next thing on a line: everything if `raw`, else what a Director's filter lets through."""
        line = self.line(name)
        receive = line.session.receive if raw else line.session.reply
        with trio.move_on_after(within):
            try:
                return await receive()
            except LinkClosed:
                return CLOSED
        return QUIET

    async def close(self) -> None:
        """Hang up everywhere."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
            for line in self.lines.values():
                await trio.aclose_forcefully(line.link.stream)
        for run in self.runs.values():
            run.cancel()


type Check = Callable[[Stage], str | None]
"""Looks at a stage; says what is wrong, or nothing."""
