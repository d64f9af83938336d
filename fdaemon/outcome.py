"""How a job stands and how it ended: the status letters of the wire, and the rule for which one wins."""

from enum import Enum


class Status(Enum):
    """Job status with its wire letter (core/src/include/job_status.h); the wire carries its ASCII code."""

    CREATED = "C"
    RUNNING = "R"
    BLOCKED = "B"
    TERMINATED = "T"
    WARNINGS = "W"
    ERROR = "E"
    NON_FATAL = "e"
    FATAL = "f"
    CANCELED = "A"
    INCOMPLETE = "I"
    DIFFERENCES = "D"

    @property
    def code(self) -> int:
        """The decimal number that `TermCode=` and `JobStatus=` carry."""
        return ord(self.value)

    @property
    def is_canceled(self) -> bool:
        """True where the C++ daemon says "job is canceled": canceled, error or fatal."""
        return self in (Status.CANCELED, Status.ERROR, Status.FATAL)

    @property
    def is_ok(self) -> bool:
        """True for a good end, with or without warnings."""
        return self in (Status.TERMINATED, Status.WARNINGS)


_PRIORITY = {
    Status.INCOMPLETE: 10,
    Status.ERROR: 9,
    Status.FATAL: 9,
    Status.CANCELED: 9,
    Status.NON_FATAL: 8,
    Status.DIFFERENCES: 7,
}


def supersede(old: Status, new: Status) -> Status:
    """The status that stands after `new` was announced over `old`.

    A higher priority wins, among priority-0 statuses the last one; so the first of error, fatal and canceled
    sticks (core/src/lib/jcr.cc: setJobStatusWithPriorityCheck).
    """
    before, after = _PRIORITY.get(old, 0), _PRIORITY.get(new, 0)
    return new if after > before or (before == 0 and after == 0) else old
