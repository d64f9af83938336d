"""The commands of a Director as values. Says what a line means and what a bad line costs; never acts on it.

Parsing is in `dispatch`; the sources are protocol/02 section 1 and core/src/filed/dir_cmd.cc.
"""

from dataclasses import dataclass, field
from enum import Enum

from fdaemon.errors import RemoteProtocolError


class CommandError(RemoteProtocolError):
    """A line that is no legal command.

    `reply` goes to the Director as it is, `fatal` is the text of a fatal job message that comes before it;
    with `end_of_data` an EOD signal follows. The command loop ends unless `goes_on`.
    """

    def __init__(
        self,
        *,
        reply: bytes | None = None,
        fatal: bytes | None = None,
        end_of_data: bool = False,
        goes_on: bool = False,
    ) -> None:
        shown = fatal or reply or b"bad command"
        super().__init__(shown.decode("utf-8", "backslashreplace").strip(), reply=reply, fatal=fatal)
        self.end_of_data = end_of_data
        self.goes_on = goes_on


class JobLevel(Enum):
    """Level letters (core/src/include/job_level.h)."""

    NONE = " "
    BASE = "B"
    FULL = "F"
    INCREMENTAL = "I"
    DIFFERENTIAL = "D"
    SINCE = "S"
    VERIFY_INIT = "V"
    VERIFY_CATALOG = "C"
    VERIFY_VOLUME = "O"
    VERIFY_DISK = "d"
    VERIFY_DATA = "A"


@dataclass(frozen=True, slots=True)
class JobInfo:
    """`JobId=…`. `tls_policy` is None when the line had no `ssl=`: the job's policy is then 0."""

    job_id: int
    job: bytes
    session_id: int
    session_time: int
    authorization: bytes = field(repr=False)
    tls_policy: int | None


@dataclass(frozen=True, slots=True)
class Level:
    """`level = WORD`. Only FULL and BASE are answered at once (`answered`)."""

    level: JobLevel
    accurate: bool
    rerunning: bool

    @property
    def answered(self) -> bool:
        """False for incremental and differential: the since line follows and gets the reply."""
        return self.level in (JobLevel.FULL, JobLevel.BASE)


@dataclass(frozen=True, slots=True)
class SinceLevel:
    """`level = since_utime …`: Unix seconds on the Director's clock; `line` is the command, for messages."""

    since: int
    mtime_only: int
    previous_job: bytes
    line: bytes = b""


@dataclass(frozen=True, slots=True)
class FilesetStart:
    """`fileset`: items follow until a signal."""

    vss: bool


@dataclass(frozen=True, slots=True)
class AccurateStart:
    """`accurate files=N`: entries follow until a signal; N is an estimate only."""

    files: int


@dataclass(frozen=True, slots=True)
class Backup:
    """`backup FileIndex=N`: the first file gets N + 1; None when the line did not say."""

    file_index: int | None


@dataclass(frozen=True, slots=True)
class Restore:
    """`restore …`. `replace` is one of a, w, n, o; at most one of `where` and `regex_where` is set; the second is
    None when the Director said `where=`, for an empty one is an error."""

    replace: str
    prefix_links: bool
    where: bytes = b""
    regex_where: bytes | None = None


@dataclass(frozen=True, slots=True)
class Verify:
    """`verify level=…`."""

    level: JobLevel


@dataclass(frozen=True, slots=True)
class Estimate:
    """`estimate listing=N`."""

    listing: bool


@dataclass(frozen=True, slots=True)
class Storage:
    """`storage address=…`. `authorization`: None in the short form; empty (verify jobs) changes nothing."""

    address: bytes
    port: int
    tls_policy: int
    authorization: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetAuthorization:
    """`setauthorization Authorization=…`; an empty key is accepted and ignored."""

    authorization: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cancel:
    """`cancel Job=…`."""

    job: bytes


@dataclass(frozen=True, slots=True)
class SetDebug:
    """`setdebug=…`. Negative numbers after the level mean unchanged; `timestamp` None in older forms."""

    level: int
    trace: int
    hangup: int
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class SetBandwidth:
    """`setbandwidth=…` in bytes a second, 0 for no limit; an empty job means the client's default."""

    limit: int
    job: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """`status`."""


class StatusWord(Enum):
    """Arguments of `.status` (protocol/02 section 3.6)."""

    CURRENT = "current"
    LAST = "last"
    HEADER = "header"
    RUNNING = "running"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class DotStatus:
    """`.status …`."""

    word: StatusWord


@dataclass(frozen=True, slots=True)
class Resolve:
    """`resolve HOST`."""

    host: bytes


@dataclass(frozen=True, slots=True)
class GetSecureErase:
    """`getSecureEraseCmd`."""


@dataclass(frozen=True, slots=True)
class RunScript:
    """`Run …`. `when` is a bit set: 1 after, 2 before, 4 after VSS."""

    on_success: bool
    on_failure: bool
    abort_on_error: bool
    when: int
    command: bytes


@dataclass(frozen=True, slots=True)
class RunBeforeNow:
    """`RunBeforeNow`."""


@dataclass(frozen=True, slots=True)
class RestoreObjectHeader:
    """`restoreobject JobId=…`: the object's name and its bytes follow. `compression` 1 is zlib."""

    job_id: int
    size: int
    full_size: int
    index: int
    type: int
    compression: int
    file_index: int
    plugin: bytes


@dataclass(frozen=True, slots=True)
class RestoreObjectEnd:
    """`restoreobject end`."""


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """`pluginoptions …`."""

    options: bytes


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """`bootstrap`: lines follow until a signal. Deprecated, never sent by releases 22 to 26."""


@dataclass(frozen=True, slots=True)
class SessionCommand:
    """`session …`: what a later `read open session` is to carry. Deprecated."""

    volume: bytes
    session_id: int
    session_time: int
    start_file: int
    end_file: int
    start_block: int
    end_block: int


@dataclass(frozen=True, slots=True)
class EndRestore:
    """`endrestore`."""


type Command = (
    JobInfo
    | Level
    | SinceLevel
    | FilesetStart
    | AccurateStart
    | Backup
    | Restore
    | Verify
    | Estimate
    | Storage
    | SetAuthorization
    | Cancel
    | SetDebug
    | SetBandwidth
    | Status
    | DotStatus
    | Resolve
    | GetSecureErase
    | RunScript
    | RunBeforeNow
    | RestoreObjectHeader
    | RestoreObjectEnd
    | PluginOptions
    | Bootstrap
    | SessionCommand
    | EndRestore
)
