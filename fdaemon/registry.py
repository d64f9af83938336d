"""Who is connected and what runs: the one place where sessions find each other (cancel, bandwidth, status).

It holds no configuration secrets and does no I/O.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from fdaemon.jobs.job import SYSTEM, Job
from fdaemon.views import JobView, SessionView

RECENT_JOBS = 10
"""Terminated jobs that `status` shows (core/src/lib/recent_job_results_list.cc)."""


class Registry:
    """All sessions in the order they came, and the last finished jobs, oldest first."""

    def __init__(self, recent: Iterable[JobView] = ()) -> None:
        self._jobs: list[Job] = []
        self.recent: deque[JobView] = deque(recent, RECENT_JOBS)
        self.finished = 0

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    def enter(self, job: Job) -> None:
        """A session begins."""
        self._jobs.append(job)

    def leave(self, job: Job) -> bool:
        """A session is over. True when it was a real job, which then counts and is listed as terminated."""
        self._jobs.remove(job)
        if not job.spec.job_id or job.type == SYSTEM:
            return False
        self.finished += 1
        self.recent.append(job.view())
        return True

    def find(self, name: bytes) -> Job | None:
        """The session of that unique job name, or None."""
        if not name:
            return None
        return next((job for job in self._jobs if job.spec.name == name), None)

    def jobs(self) -> tuple[JobView, ...]:
        """Views of all sessions that have a job id."""
        return tuple(job.view() for job in self._jobs if job.spec.job_id)

    def sessions(self) -> tuple[SessionView, ...]:
        """The sessions without a job id."""
        return tuple(SessionView(job.director, job.started) for job in self._jobs if not job.spec.job_id)
