"""What the exit status says, the same for both directions."""

from enum import IntEnum

from fdconform.report import Report
from fdconform.verdicts import Verdict


class Exit(IntEnum):
    """The exit status."""

    GOOD = 0
    FAILED = 1
    """At least one case failed (with --strict also: was NON-STRICT)."""
    USAGE = 2
    NOTHING_TESTED = 3
    """No case could be played: the daemon does not start or does not listen."""


def exit_after(report: Report, *, strict: bool) -> Exit:
    """The status after a run: a daemon that told no version and did well in no case was not there."""
    if not report.version and not report.counts()[Verdict.OK]:
        return Exit.NOTHING_TESTED
    return Exit.GOOD if report.is_good(strict=strict) else Exit.FAILED
