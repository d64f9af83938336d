"""What is remembered while one case of the other direction is played: names, orders, findings, the transcript."""

import re
import time
from dataclasses import dataclass, field
from typing import Final

import trio

from fdconform.verdicts import Finding, Verdict
from fdpeers.transcript import Transcript

_NAME: Final = re.compile(rb"\{([a-z][a-z_0-9]*)\}")


@dataclass(slots=True)
class Notes:
    """`orders` are all packets that Directors sent in sessions; `running` is set when a job's data is under way, and
    `holds` when the case keeps the Storage daemon's device to itself until it is over."""

    transcript: Transcript = field(default_factory=lambda: Transcript(time.monotonic))
    names: dict[str, bytes] = field(default_factory=dict)
    orders: list[bytes] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    running: trio.Event = field(default_factory=trio.Event)
    canceled: trio.Event = field(default_factory=trio.Event)
    holds: bool = False

    def note(self, verdict: Verdict, text: str) -> None:
        """Remember something and go on."""
        self.findings.append(Finding(verdict, text))

    def fill(self, text: bytes) -> bytes:
        """`text` with known names in the place of `{name}`."""
        return _NAME.sub(lambda found: self.names.get(found[1].decode(), found[0]), text)
