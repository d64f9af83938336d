"""What went wrong with one file, as a value: how grave it is and the message text. Reports nothing itself."""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How a problem is announced; only errors count as job errors."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Problem:
    """One message about one file.

    `text` is the whole job message, newline included. `counted` adds to the job's sum of ACL or attribute
    errors. `unsupported` says that the file system has no such attributes: the caller leaves them out until
    the device changes.
    """

    severity: Severity
    text: bytes
    counted: bool = True
    unsupported: bool = False
