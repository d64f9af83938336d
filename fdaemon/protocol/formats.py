"""Times, numbers and level words as the daemons print them in status and listings. Reads no clock.

Source: protocol/02 section 3.2, core/src/lib/edit.cc, core/src/lib/btime.cc.
"""

from collections.abc import Callable
from typing import Protocol


class BrokenTime(Protocol):
    """The fields of `time.struct_time` that are printed."""

    @property
    def tm_year(self) -> int: ...
    @property
    def tm_mon(self) -> int: ...
    @property
    def tm_mday(self) -> int: ...
    @property
    def tm_hour(self) -> int: ...
    @property
    def tm_min(self) -> int: ...
    @property
    def tm_sec(self) -> int: ...


type LocalTime = Callable[[float], BrokenTime]
"""Unix seconds to broken-down local time: `time.localtime` in the daemon."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SUFFIXES = ("", "K", "M", "G", "T", "P", "E")

LEVELS = {
    "B": "Base",
    "F": "Full",
    "I": "Incremental",
    "D": "Differential",
    "S": "Since",
    "C": "Verify Catalog",
    "V": "Init Catalog",
    "O": "Volume to Catalog",
    "d": "Disk to Catalog",
    "A": "Data",
    " ": " ",
    "": " ",
}
"""Level letter to text (core/src/filed/status.cc: JobLevelToString)."""

TYPES = {
    "B": "Backup",
    "M": "Migrated Job",
    "V": "Verify",
    "R": "Restore",
    "U": "Console",
    "I": "System or Console",
    "D": "Admin",
    "A": "Archive",
    "C": "Job Copy",
    "c": "Copy",
    "g": "Migrate",
    "S": "Scan",
    "O": "Consolidate",
}
"""Job type letter to text (core/src/lib/util.cc: job_type_to_str)."""


def level_text(letter: str) -> str:
    """The words for a level letter."""
    return LEVELS.get(letter, "Unknown Job Level")


def type_text(letter: str) -> str:
    """The words for a job type letter."""
    return TYPES.get(letter, "Unknown Type")


def date_short(when: float, localtime: LocalTime) -> str:
    """`23-Nov-26 03:10`."""
    t = localtime(when)
    return f"{t.tm_mday:02d}-{_MONTHS[t.tm_mon - 1]}-{t.tm_year % 100:02d} {t.tm_hour:02d}:{t.tm_min:02d}"


def date_iso(when: float, localtime: LocalTime) -> str:
    """`2026-11-23 03:11:15`."""
    t = localtime(when)
    return f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"


def suffixed(number: int) -> str:
    """`0 `, `5.016 K`, `123.4 M`: five characters of the number, truncated, and a thousands letter."""
    if number < 1000:
        return f"{number} "
    first, *rest = f"{number:,}".split(",")
    return f"{f'{first}.{"".join(rest)}'[:5]} {_SUFFIXES[len(rest)]}"
