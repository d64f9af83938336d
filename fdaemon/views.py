"""What the daemon shows of itself: live counters and frozen views. No secret ever enters a view."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """A job's figures, written by one worker thread and read by anyone (plain ints: each write is atomic).

    `files` is the last file index sent (backup) or the files created or skipped (restore); bytes as in
    `2800 End Job`; `current` is the path in work.
    """

    files: int = 0
    examined: int = 0
    read_bytes: int = 0
    job_bytes: int = 0
    errors: int = 0
    warnings: int = 0
    current: bytes = b""


@dataclass(frozen=True, slots=True)
class JobView:
    """One running or finished job, as `status`, the monitor and the metrics show it. Times in Unix seconds."""

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
