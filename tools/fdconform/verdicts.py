"""What can be said of an implementation in one case, and what a whole case came to. Never decides anything."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Verdict(Enum):
    """How a daemon did in a case; the value is what reports print."""

    OK = "OK"
    """It does what the protocol says."""
    INFORMATIONAL = "INFORMATIONAL"
    """The protocol leaves it open; the report says what the daemon does."""
    NON_STRICT = "NON-STRICT"
    """Not what the protocol says, but a Director or Storage daemon gets along with it."""
    FAIL = "FAIL"
    """A Director, a Storage daemon or a user would notice."""
    SKIPPED = "SKIPPED"
    """Not run: something that the case needs is not there."""


WORST_FIRST = (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFORMATIONAL, Verdict.OK, Verdict.SKIPPED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed while a case was played."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case. `seconds` is wall-clock time; `rows` the transcript (see `fdpeers.transcript`)."""

    case: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    seconds: float
    rows: tuple[dict[str, object], ...] = ()

    @property
    def text(self) -> str:
        """All that was noticed, in one line."""
        return "; ".join(finding.text for finding in self.findings)


def worst(findings: tuple[Finding, ...]) -> Verdict:
    """The verdict of a case with these findings; OK without any."""
    said = {finding.verdict for finding in findings}
    return next((verdict for verdict in WORST_FIRST if verdict in said), Verdict.OK)


class CaseOver(Exception):
    """The rest of a case makes no sense any more; the finding says why."""

    def __init__(self, verdict: Verdict, text: str) -> None:
        super().__init__(text)
        self.finding = Finding(verdict, text)
