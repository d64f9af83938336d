"""Debug output: what `setdebug` and `-d` switch on, to the standard output or the trace file. Never a job message."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fdaemon.session.outlets import say
from statecharts.trace import format_transition
from statecharts.tracker import Transition

TRANSITIONS = 100
"""Debug level from which every transition of every conversation is told."""


@dataclass(slots=True)
class Debug:
    """The debug settings of the running daemon, and where its output goes.

    `name` is the daemon's, `trace_path` the file that is appended to while `trace` is on (protocol/06 section 9.3).
    """

    name: str = ""
    trace_path: str = ""
    level: int = 0
    trace: bool = False
    hangup: int = 0
    timestamp: bool = False
    clock: Callable[[], float] = time.time
    _file: BinaryIO | None = field(default=None, repr=False)

    def tell(self, level: int, text: str) -> None:
        """One line of debug output, if the level is on."""
        if level <= self.level:
            self._write(f"{self.name} ({level}): {text}")

    def observe(self, step: Transition) -> None:
        """A conversation has made a step."""
        if self.level >= TRANSITIONS:
            self.tell(TRANSITIONS, format_transition(step))

    def close(self) -> None:
        """Close the trace file; more output opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: str) -> None:
        if self.timestamp:
            now = self.clock()
            stamp = time.strftime("%d-%b-%Y %H:%M:%S", time.localtime(now))
            line = f"{stamp}.{int(now % 1 * 1_000_000):06d} {line}"
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        if not self.trace:
            self.close()
            say(sys.stdout, data.decode())
            return
        try:
            if self._file is None:
                self._file = Path(self.trace_path).open("ab", buffering=0)  # noqa: SIM115 - closed when tracing ends
            self._file.write(data)
        except OSError as error:
            self.trace = False
            say(sys.stderr, f"{self.name}: {self.trace_path}: {error.strerror}\n")
