"""What the daemon shows of itself: live counters and frozen views. No secret ever enters a view."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """A job's figures, written by one worker thread and read by anyone (plain ints: each write is atomic).

    `files` is the last file index sent (backup) or the files created or skipped (restore); bytes as in
    `2800 End Job`; `current` is the path in work. `place` is where on the volume a restore reads: VolSessionId,
    VolSessionTime and FileIndex of what came last, written once for each piece of the record stream.
    """

    files: int = 0
    examined: int = 0
    read_bytes: int = 0
    job_bytes: int = 0
    errors: int = 0
    warnings: int = 0
    current: bytes = b""
    place: tuple[int, int, int] | None = None


@dataclass(slots=True)
class Flow:
    """A job's data between its worker thread and the Storage connection; written once a batch, read by anyone.

    `size` batches fit into the queue between them and `fill()` tells how many are in it; `sent_files` is the
    FileIndex last handed to the connection; `waited` the seconds that the worker has waited for the Storage
    side, not counting a wait that began at `waiting_since` (on the clock of `time.monotonic`; 0: none);
    `handed` the seconds of handing over
    without such a wait; `worker` is the worker's thread number in the kernel.
    """

    size: int = 0
    fill: Callable[[], int] = int
    sent_files: int = 0
    waited: float = 0.0
    handed: float = 0.0
    waiting_since: float = 0.0
    worker: int = 0


@dataclass(frozen=True, slots=True)
class TransitionView:
    """One step of a conversation, with the names of its chart. Time in Unix seconds."""

    time: float
    chart: str
    source: str
    event: str
    target: str


@dataclass(frozen=True, slots=True)
class ConversationView:
    """Where one conversation stands in its chart: since when, and the seconds spent in each state before."""

    chart: str
    state: str
    since: float
    spent: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class MessageView:
    """A warning or an error of a job: Unix seconds, the word of its type, its text without prefix."""

    time: float
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class FlowView:
    """A `Flow` at one moment; `waiting` the seconds of a wait that still lasts."""

    size: int
    used: int
    sent_files: int
    waited: float
    handed: float
    waiting: float
    worker: int


@dataclass(frozen=True, slots=True)
class JobView:
    """One running or finished job, as `status`, the monitor and the metrics show it. Times in Unix seconds.

    `key` is the session's number, which no other has while the daemon runs (a job id is the Director's, and there
    may be several of them); `roots` are the names in the FileSet of a backup; `session` is its own VolSessionId and
    VolSessionTime, and `place` that of a restore's counters.
    """

    job_id: int
    name: str
    type: str
    level: str
    director: str
    status: str
    started: float
    ended: float | None
    files: int
    examined: int
    read_bytes: int
    job_bytes: int
    errors: int
    warnings: int
    current: bytes
    bandwidth: int
    storage_packets: int | None
    storage_fd: int
    states: tuple[tuple[str, str], ...] = field(default=())
    key: int = 0
    conversations: tuple[ConversationView, ...] = ()
    transitions: tuple[TransitionView, ...] = ()
    messages: tuple[MessageView, ...] = ()
    flow: FlowView | None = None
    roots: tuple[bytes, ...] = ()
    session: tuple[int, int] = (0, 0)
    place: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A Director connection without a job. `director` is empty until it has been authenticated."""

    director: str
    started: float


@dataclass(frozen=True, slots=True)
class DaemonView:
    """The daemon's own head lines. `release` is the version text peers parse; `bandwidth` in bytes a second."""

    name: str
    release: str
    release_date: str
    system: str
    started: float
    finished_jobs: int
    debug: int
    trace: bool
    bandwidth: int
    secure_erase: str
    warnings: tuple[str, ...]
    jobs: tuple[JobView, ...]
    sessions: tuple[SessionView, ...]
    recent: tuple[JobView, ...]
    binary: str = "self-compiled"
    limits: tuple[tuple[str, int], ...] = ()
