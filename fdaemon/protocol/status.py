"""The texts of `status` and `.status`, packet by packet, from views. Knows no registry and reads no clock.

Source: protocol/02 section 3, core/src/filed/status.cc. Packets hold their trailing NUL where the wire
has one; the EOD signal at the end of each answer is the driver's.
"""

from fdaemon.outcome import Status
from fdaemon.protocol.commands import StatusWord
from fdaemon.protocol.formats import LocalTime, date_iso, date_short, level_text, suffixed, type_text
from fdaemon.views import DaemonView, JobView, SessionView

BLANK = b"\n"
"""The packet before everything else in the answer to `status`; it has no NUL."""
DOT_STATUS_OK = b"2000 OK .status\n"
"""First packet of `.status current` and `.status last`; the packets of these two have no NUL."""
RULE = "====\n"
ROW_LIMIT = 10
"""Finished jobs shown (core/src/lib/recent_job_results_list.cc)."""

_STATUS_TEXTS = {
    Status.CREATED.value: "Created",
    Status.FATAL.value: "Error",
    Status.ERROR.value: "Error",
    Status.DIFFERENCES.value: "Diffs",
    Status.CANCELED.value: "Cancel",
    Status.TERMINATED.value: "OK",
}


def _packet(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"


def status(view: DaemonView, now: float, localtime: LocalTime) -> list[bytes]:
    """All packets of the answer to `status`."""
    return [
        BLANK,
        *header(view, localtime),
        *running(view, now, localtime),
        *terminated(view, localtime),
    ]


def dot_status(word: StatusWord, view: DaemonView, now: float, localtime: LocalTime) -> list[bytes]:
    """All packets of the answer to `.status WORD`."""
    match word:
        case StatusWord.HEADER:
            return header(view, localtime)
        case StatusWord.RUNNING:
            return running_fields(view, now, localtime)
        case StatusWord.TERMINATED:
            return terminated_fields(view, localtime)
        case StatusWord.CURRENT:
            return [DOT_STATUS_OK, *(_job_line(job) for job in view.jobs if job.job_id > 0)]
        case StatusWord.LAST:
            return [DOT_STATUS_OK, *(_job_line(job) for job in view.recent[-1:])]


def header(view: DaemonView, localtime: LocalTime) -> list[bytes]:
    """Version, start time, sizes, and what else the daemon wants to be known (section 3.3)."""
    active = sum(job.job_id > 0 for job in view.jobs)
    lines = [
        f"{view.name} Version: {view.release} ({view.release_date}) {view.system}\n",
        f"Daemon started {date_short(view.started, localtime)}. "
        f"Jobs: run={view.finished_jobs} running={active}, {view.binary} binary\n",
        f" Sizeof: boffset_t=8 size_t=8 debug={view.debug} trace={int(view.trace)} "
        f"bwlimit={view.bandwidth // 1024:,}kB/s\n",
    ]
    if view.secure_erase:
        lines.append(f" secure erase command='{view.secure_erase}'\n")
    if view.warnings:
        lines.append(
            "\nThere are WARNINGS for this filedaemon's configuration!\n"
            "See output of 'bareos-fd -t' for details.\n"
        )
    return [_packet(line) for line in lines]


def _in_order(view: DaemonView) -> list[JobView | SessionView]:
    """Sessions with and without a job, in the order of their start."""
    return sorted([*view.jobs, *view.sessions], key=lambda session: session.started)


def _rate(job: JobView, now: float) -> int:
    """Bytes a second, cut to a 32-bit integer."""
    rate = job.job_bytes // max(1, int(now - job.started))
    rate &= 0xFFFF_FFFF
    return rate - (1 << 32) if rate >> 31 else rate


def _current(job: JobView) -> str:
    return job.current.decode("utf-8", "surrogateescape")


def running(view: DaemonView, now: float, localtime: LocalTime) -> list[bytes]:
    """The running jobs as text (section 3.4)."""
    lines = ["\nRunning Jobs:\n"]
    for session in _in_order(view):
        started = date_short(session.started, localtime)
        if isinstance(session, JobView) and session.job_id > 0:
            lines += _running_job(session, started, now)
        elif session.director:
            lines.append(f"{session.director} (director) connected at: {started}\n")
        else:
            lines.append(f"Unknown connection, started at: {started}\n")
    if not any(job.job_id > 0 for job in view.jobs):
        lines.append("No Jobs running.\n")
    lines.append(RULE)
    return [_packet(line) for line in lines]


def _running_job(job: JobView, started: str, now: float) -> list[str]:
    lines = [
        f"JobId {job.job_id} Job {job.name} is running.\n",
        f"    {level_text(job.level)} {type_text(job.type)} Job started: {started}\n",
        f"    Files={job.files:,} Bytes={job.job_bytes:,} Bytes/sec={_rate(job, now):,} Errors={job.errors}\n"
        f"    Bwlimit={job.bandwidth:,}\n",
        f"    Files Examined={job.examined:,}\n",
    ]
    if job.files > 0:
        lines.append(f"    Processing file: {_current(job)}\n")
    if job.storage_packets is None:
        lines.append("    SDSocket closed.\n")
    else:
        lines.append(f"    SDReadSeqNo={job.storage_packets} fd={job.storage_fd}\n")
    return lines


def running_fields(view: DaemonView, now: float, localtime: LocalTime) -> list[bytes]:
    """The running jobs as `name=value` lines: `.status running`."""
    lines: list[str] = []
    for session in _in_order(view):
        started = date_iso(session.started, localtime)
        if not isinstance(session, JobView) or session.job_id <= 0:
            lines.append(f"DirectorConnected={started}\n")
            continue
        job = session
        lines += [
            f"JobId={job.job_id}\n Job={job.name}\n",
            f" VSS=0\n Level={job.level or ' '}\n JobType={job.type}\n JobStarted={started}\n",
            f" Files={job.files}\n Bytes={job.job_bytes}\n Bytes/sec={_rate(job, now)}\n"
            f" Errors={job.errors}\n Bwlimit={job.bandwidth}\n",
            f" Files Examined={job.examined}\n",
        ]
        if job.files > 0:
            lines.append(f" Processing file={_current(job)}\n")
        if job.storage_packets is None:
            lines.append(" SDSocket=closed\n")
        else:
            lines.append(f" SDReadSeqNo={job.storage_packets}\n fd={job.storage_fd}\n")
    return [_packet(line) for line in lines]


def terminated(view: DaemonView, localtime: LocalTime) -> list[bytes]:
    """The finished jobs as a table, oldest first (section 3.5)."""
    lines = ["\nTerminated Jobs:\n"]
    if view.recent:
        lines.append(" JobId  Level    Files      Bytes   Status   Finished        Name \n")
        lines.append("=" * 70 + "\n")
        for job in view.recent[-ROW_LIMIT:]:
            identity, level, files, size, status, ended, name = _row(job, localtime)
            lines.append(f"{identity}  {level} {files} {size}  {status}  {ended} {name}\n")
    lines.append(RULE)
    return [_packet(line) for line in lines]


def terminated_fields(view: DaemonView, localtime: LocalTime) -> list[bytes]:
    """The finished jobs with tabs between the columns: `.status terminated`."""
    return [_packet("\t".join(_row(job, localtime)) + "\n") for job in view.recent[-ROW_LIMIT:]]


def _row(job: JobView, localtime: LocalTime) -> tuple[str, ...]:
    level = " " * 4 if job.type in ("R", "D") else level_text(job.level)[:4]
    ended = date_short(job.started if job.ended is None else job.ended, localtime)
    return (
        f"{job.job_id:6d}",
        f"{level:<6}",
        f"{job.files:,}".rjust(8),
        suffixed(job.job_bytes).rjust(10),
        f"{_STATUS_TEXTS.get(job.status, 'Other'):<7}",
        f"{ended:<8}",
        short_name(job.name),
    )


def short_name(job: str) -> str:
    """A unique job name without its last three dotted parts: date, time and number."""
    return job.rsplit(".", 3)[0] if job.count(".") >= 3 else job.split(".", 1)[0]


def _job_line(job: JobView) -> bytes:
    return b"JobId=%d JobStatus=%b JobErrors=%d\n" % (job.job_id, job.status.encode(), job.errors)
