"""What a finished job amounts to, for reports and exit codes. Values only."""

from dataclasses import dataclass
from enum import IntEnum

from fdpeers.director import JobMessage


class ExitCode(IntEnum):
    """Exit status of the command."""

    DONE = 0
    WITH_ERRORS = 1
    """The job ran to its end, but some files could not be saved or restored."""
    USAGE = 2
    FAILED = 3
    DIFFERENT = 4
    """A comparison or a verify found differences."""
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished job. `status` is its letter (T good, W warnings, E f failed, A canceled, D differences).

    `wire_bytes` are what the Storage peer stored or sent, `seconds` the time on the wall, `chain` the
    JobIds that a restore read
    or an incremental job built on; `states` the (chart, path) pairs of the daemon's state charts.
    """

    job_id: int
    name: str
    kind: str
    status: str
    files: int
    read_bytes: int
    job_bytes: int
    wire_bytes: int
    errors: int
    seconds: float
    cipher: str
    messages: tuple[JobMessage, ...]
    reason: str = ""
    chain: tuple[int, ...] = ()
    where: str = ""
    states: tuple[tuple[str, str], ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The exit status of a command that ran this job."""
        match self.status:
            case "T" if not self.errors:
                return ExitCode.DONE
            case "T" | "W":
                return ExitCode.WITH_ERRORS
            case "A":
                return ExitCode.INTERRUPTED
            case "D":
                return ExitCode.DIFFERENT
            case _:
                return ExitCode.FAILED
