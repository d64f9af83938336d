"""What the Director asked for, collected command by command. A spec is a value: each command makes a new one."""

from dataclasses import dataclass

from fdaemon.fileset.accurate import AccurateList
from fdaemon.fileset.model import FileSet
from fdaemon.protocol.commands import JobLevel

TLS_NONE = 0
TLS_AUTO = 4


@dataclass(frozen=True, slots=True)
class RunScript:
    """One client script of the job (protocol/02 section 2.13). `when` bits: 1 after, 2 before, 4 after VSS."""

    command: bytes
    on_success: bool
    on_failure: bool
    abort_on_error: bool
    when: int


@dataclass(frozen=True, slots=True)
class JobSpec:
    """The marching orders of one Director session; everything empty until the Director says it.

    `since` in Unix seconds by our clock; `storage_key` is the session key for the Storage daemon (never shown:
    left out of repr); `multi_storage` is set when a second key arrives; `bandwidth` in bytes a second, 0 = none.
    """

    job_id: int = 0
    name: bytes = b""
    session_id: int = 0
    session_time: int = 0
    level: JobLevel = JobLevel.NONE
    since: int = 0
    incremental: bool = False
    mtime_only: bool = False
    previous_job: bytes = b""
    accurate_mode: bool = False
    rerunning: bool = False
    fileset: FileSet | None = None
    accurate: AccurateList | None = None
    scripts: tuple[RunScript, ...] = ()
    plugin_options: tuple[bytes, ...] = ()
    multi_storage: bool = False
    storage_policy: int = TLS_NONE
    bandwidth: int = 0
