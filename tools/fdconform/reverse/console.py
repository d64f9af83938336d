"""The Director's console as a command that takes text: starts jobs and tells how they ended. Parses what it prints."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import Final

import trio

QUEUED: Final = re.compile(r"Job queued\. JobId=(\d+)")
_STATUS: Final = re.compile(r"^\s*jobstatus: +(\S)", re.IGNORECASE | re.MULTILINE)
_OVER: Final = frozenset("TWEfAeDI?")
_PAUSE: Final = 0.15
"""Seconds between two looks at a job: only asking tells that it has ended."""


class ConsoleError(Exception):
    """The console cannot be used at all."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a job ended: the letter of the catalog, and its log."""

    status: str
    log: str


@dataclass(frozen=True, slots=True)
class Console:
    """`command` is the whole command line, such as `bconsole -c FILE`."""

    command: str

    async def tell(self, *orders: str) -> str:
        """What is printed for these commands. Raises ConsoleError."""
        text = "".join(f"{order}\n" for order in orders)
        try:
            done = await trio.run_process(
                shlex.split(self.command),
                stdin=text.encode(),
                capture_stdout=True,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise ConsoleError(f"cannot run {self.command}: {error}") from error
        return done.stdout.decode(errors="replace")

    async def outcome(self, job_id: int) -> JobOutcome:
        """Wait until the job is over and its summary is in its log; never returns otherwise."""
        while True:
            printed = await self.tell(f"llist jobid={job_id}", f"list joblog jobid={job_id}")
            found = _STATUS.search(printed)
            if found and found[1] in _OVER and "Termination:" in printed:
                return JobOutcome(found[1], printed)
            await trio.sleep(_PAUSE)

    async def query(self, sql: str) -> str:
        """What the catalog answers to an SQL question."""
        return await self.tell("sqlquery", f"{sql};", "")
