"""Run scripts on the client: which run when, what their command means, and what their failure does to the job.

Programs are started without a shell, with the daemon's own environment (protocol/02 section 2.13).
"""

import os
import re
import subprocess
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntFlag
from errno import ENOENT

import trio

from fdaemon.errors import FdaemonError
from fdaemon.fileset.lists import KILL_GRACE, edit_codes, split_command
from fdaemon.jobs.reporter import Reporter
from fdaemon.jobs.spec import RunScript
from fdaemon.outcome import Status
from fdaemon.protocol.messages import MessageType

NOT_STARTED = 208
"""Status of a program that could not be started (the C++ child's exit code for "no such file")."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
MAX_LINE = 129
"""A longer output line becomes several messages (core/src/lib/runscript.cc: RunScript::Run)."""


class When(IntFlag):
    """The `When=` bits of a script."""

    AFTER = 1
    BEFORE = 2
    AFTER_VSS = 4


@dataclass(frozen=True, slots=True)
class Phase:
    """One moment at which scripts run, with the label that messages use for it."""

    when: When
    label: bytes
    good: frozenset[Status]


_BAD = frozenset({Status.CANCELED, Status.ERROR, Status.FATAL, Status.DIFFERENCES})
BEFORE = Phase(When.BEFORE, b"ClientBeforeJob", frozenset({Status.RUNNING, Status.CREATED}))
AFTER = Phase(When.AFTER, b"ClientAfterJob", frozenset({Status.TERMINATED, Status.WARNINGS}))


class ProgramProblem(FdaemonError):
    """A program could not be run or failed: `status` and `text` as the Director's administrators know them."""

    def __init__(self, status: int, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "replace"))
        self.status = status
        self.text = text


def allowed_directory(command: bytes, directories: Iterable[str]) -> bool:
    """True when the command's directory equals one of the allowed ones, ignoring case; `..` never is allowed."""
    directory = command.rpartition(b"/")[0] or command
    if b".." in directory:
        return False
    return any(directory.lower() == entry.encode().lower() for entry in directories)


def _failure(code: int) -> ProgramProblem:
    if code < 0:
        return ProgramProblem(-code, b"Child died from signal %d" % -code)
    return ProgramProblem(code, b"Child exited with code %d" % code)


async def run_program(command: bytes, line: Callable[[bytes], Awaitable[None]]) -> None:
    """Run `command`, hand each output line (stdout and stderr merged) to `line`; killed when cancelled.

    Raises ProgramProblem when it cannot start, exits non-zero or dies from a signal.
    """
    words = split_command(command)
    try:
        if not words:
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
        process = await trio.lowlevel.open_process(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        reason = (error.strerror or "").encode()
        await line(b"Program execution failed: " + reason)
        raise ProgramProblem(NOT_STARTED, reason) from None
    assert process.stdout is not None
    try:
        pending = b""
        async with process.stdout:
            async for chunk in process.stdout:
                *lines, pending = _LINE_END.split(pending + bytes(chunk))
                for text in lines:
                    await _hand_over(line, text)
        if pending:
            await _hand_over(line, pending)
        code = await process.wait()
    finally:
        if process.returncode is None:
            with suppress(PermissionError):  # it may run as somebody else by now
                process.kill()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + KILL_GRACE):
                await process.wait()
    if code:
        raise _failure(code)


async def _hand_over(line: Callable[[bytes], Awaitable[None]], text: bytes) -> None:
    for start in range(0, max(len(text), 1), MAX_LINE):
        await line(text[start : start + MAX_LINE].rstrip(b"\r\n "))


class ScriptRunner:
    """Runs the scripts of one session; each phase at most once."""

    def __init__(
        self, reporter: Reporter, codes: Callable[[bytes], bytes | None], directories: tuple[str, ...] = ()
    ) -> None:
        self._reporter = reporter
        self._codes = codes
        self._directories = directories
        self._done: set[When] = set()

    async def run(self, phase: Phase, scripts: Iterable[RunScript]) -> None:
        """Run the scripts that belong to `phase` under the job's present status."""
        if phase.when in self._done:
            return
        self._done.add(phase.when)
        standing = self._reporter.standing
        status = standing.status
        for script in scripts:
            if not script.when & phase.when:
                continue
            if not ((script.on_success and status in phase.good) or (script.on_failure and status in _BAD)):
                continue
            command = edit_codes(script.command, self._codes)
            if not self._allowed(script.command, command):
                await self._reporter.send(
                    MessageType.ERROR,
                    b'Runscript: run %s "%s" could not execute, not in one of the allowed scripts dirs\n'
                    % (phase.label, script.command),
                )
                standing.announce(Status.ERROR)
                return
            await self._one(phase, script, command)

    def _allowed(self, received: bytes, command: bytes) -> bool:
        """Asked for the command as it was received, as C++ does, and for the program that it comes to: the Director
        chooses what stands in for a code, such as the job's name, and a blank in an allowed directory would end the
        program's name."""
        if not self._directories:
            return True
        program = next(iter(split_command(command)), b"")
        return all(allowed_directory(path, self._directories) for path in (received, program))

    async def _one(self, phase: Phase, script: RunScript, command: bytes) -> None:
        await self._reporter.send(MessageType.INFO, b'shell command: run %s "%s"\n' % (phase.label, command))
        try:
            await run_program(
                command, lambda line: self._reporter.send(MessageType.INFO, b"%s: %s\n" % (phase.label, line))
            )
        except ProgramProblem as problem:
            await self._reporter.send(
                MessageType.ERROR,
                b"Runscript: %s returned non-zero status=%d. ERR=%s\n"
                % (phase.label, problem.status, problem.text),
            )
            if script.abort_on_error:
                self._reporter.standing.announce(Status.ERROR)
