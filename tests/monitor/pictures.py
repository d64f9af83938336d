"""Views of a daemon that does not exist, for tests that need no real one."""

from dataclasses import replace
from typing import Any

from fdaemon.views import (
    ConversationView,
    DaemonView,
    FlowView,
    JobView,
    MessageView,
    SessionView,
    TransitionView,
)

JOB = JobView(
    job_id=17,
    name="nightly.2026-11-23_05.00.00_17",
    type="B",
    level="F",
    director="bareos-dir",
    status="R",
    started=1000.0,
    ended=None,
    files=100,
    examined=120,
    read_bytes=5_000_000,
    job_bytes=4_000_000,
    errors=1,
    warnings=2,
    current=b"/home/a\xff\x1b[2J/b",
    bandwidth=0,
    storage_packets=3,
    storage_fd=9,
    states=(("job", "Streaming"), ("storage", "Streaming")),
    key=1,
    conversations=(
        ConversationView(
            "job", "Streaming", 1001.0, (("Idle", 0.1), ("Authenticated", 0.2), ("Scanning", 0.1))
        ),
        ConversationView("storage", "Streaming", 1001.5, (("NoChannel", 0.01),)),
    ),
    transitions=(TransitionView(1001.0, "job", "Scanning", "STORAGE_OPENED", "Streaming"),),
    messages=(MessageView(1002.0, "error", "Could not stat /x: ERR=No such file"),),
    flow=FlowView(size=2, used=1, sent_files=90, waited=0.5, handed=0.1, waiting=0.0, worker=0),
    roots=(b"/home",),
)


def job(key: int = 1, **changes: Any) -> JobView:
    """The job, with another key and what else is different."""
    return replace(JOB, key=key, **changes)


def daemon(*jobs: JobView, recent: tuple[JobView, ...] = (), **changes: Any) -> DaemonView:
    """A daemon with these jobs."""
    view = DaemonView(
        name="client-fd",
        release="25.1.0",
        release_date="03 August 2026",
        system="Linux",
        started=900.0,
        finished_jobs=len(recent),
        debug=0,
        trace=False,
        bandwidth=0,
        secure_erase="",
        warnings=(),
        jobs=jobs,
        sessions=(SessionView("other-dir", 950.0),),
        recent=recent,
        binary="fdaemon",
        limits=(("concurrent_jobs", 1000),),
    )
    return replace(view, **changes)


class Watched:
    """A daemon whose view the test changes, and its clock."""

    def __init__(self, view: DaemonView) -> None:
        self.view = view
        self.now = 0.0

    def look(self) -> DaemonView:
        return self.view

    def clock(self) -> float:
        return 1000.0 + self.now

    def monotonic(self) -> float:
        return self.now
