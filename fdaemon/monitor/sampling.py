"""Two looks at a job make a rate: what moved between them, and what the job waited for. Looks only, never asks
a job to do anything.
"""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from fdaemon.monitor.progress import FINISHED, UNKNOWN, Estimator, Progress
from fdaemon.views import JobView

MEMORY = 3.0
"""Seconds that the present rate looks back."""
STORAGE, CPU, DISK, LIMIT = "storage", "cpu", "disk", "bandwidth limit"


@dataclass(frozen=True, slots=True)
class Sample:
    """What is derived from successive views of a job. Rates a second; bytes are content bytes read or written.

    `waits` are shares (0 to 1) of the worker's time since the last look: for the Storage side, using or waiting
    for a CPU, and the rest, which is the disk (and locks); `waits_on` names the greatest, empty when nothing moves.
    """

    files_now: float = 0.0
    bytes_now: float = 0.0
    files_average: float = 0.0
    bytes_average: float = 0.0
    waits: tuple[tuple[str, float], ...] = ()
    waits_on: str = ""
    progress: Progress = field(default=UNKNOWN)


NOTHING = Sample()


def thread_seconds(thread: int | str) -> float | None:
    """Seconds that a thread of this process ran or stood in line for a CPU; None when it is gone."""
    try:
        ran, waited = Path(f"/proc/self/task/{thread}/schedstat").read_bytes().split()[:2]
    except (OSError, ValueError):
        return None
    return (int(ran) + int(waited)) / 1e9


def helper_seconds(known: Collection[int]) -> float:
    """The same for all threads but the `known` ones: those that pack blocks for the workers."""
    apart = {str(thread) for thread in known}
    try:
        threads = [name for name in os.listdir("/proc/self/task") if name not in apart]
    except OSError:
        return 0.0
    return sum(thread_seconds(name) or 0.0 for name in threads)


class JobWatch:
    """Follows one job; `look` is called with its newest view, the time on any clock in seconds, and what the
    threads that help all workers have used (`helper_seconds`).
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        of_thread: Callable[[int], float | None] = thread_seconds,
    ) -> None:
        self.estimator = estimator
        self._of_thread = of_thread
        self._looks: list[tuple[float, int, int]] = []
        self._began: tuple[float, int, int] | None = None
        self._waited = 0.0
        self._thread: float | None = None
        self._helpers = 0.0
        self._handed = 0.0
        self._shares: tuple[tuple[str, float], ...] = ()

    def look(self, job: JobView, now: float, helpers: float = 0.0) -> Sample:
        """The sample that this view completes."""
        look = (now, job.files, job.read_bytes)
        last = self._looks[-1] if self._looks else look
        self._looks.append(look)
        while len(self._looks) > 2 and self._looks[1][0] <= now - MEMORY:
            del self._looks[0]
        moving = job.files > 0 or job.read_bytes > 0
        if self._began is None and moving:
            self._began = last
        self._share_out(job, now - last[0], helpers)
        waits_on = max(self._shares, key=lambda item: item[1])[0] if self._shares else ""
        if waits_on == STORAGE and job.bandwidth:
            waits_on = LIMIT
        return Sample(
            *_rates(self._looks[0], look),
            *(_rates(self._began, look) if self._began is not None else (0.0, 0.0)),
            waits=self._shares,
            waits_on=waits_on,
            progress=self.estimator.look(job, now),
        )

    def finish(self, job: JobView) -> Sample:
        """The last sample: averages over the time of its data phase."""
        began = self._began[0] if self._began is not None else None
        last = self._looks[-1][0] if self._looks else 0.0
        seconds = last - began if began is not None else 0.0
        if seconds <= 0:
            seconds = max((job.ended or job.started) - job.started, 1e-3)
        return Sample(
            files_average=job.files / seconds,
            bytes_average=job.read_bytes / seconds,
            progress=FINISHED if job.status in ("T", "W") else UNKNOWN,
        )

    def _share_out(self, job: JobView, seconds: float, helpers: float) -> None:
        flow = job.flow
        helped, self._helpers = max(0.0, helpers - self._helpers), helpers
        if flow is None or not flow.worker:
            return
        waited, self._waited = self._waited, flow.waited + flow.waiting
        handed, self._handed = self._handed, flow.handed
        thread, self._thread = self._thread, self._of_thread(flow.worker)
        if seconds <= 0 or thread is None or self._thread is None:
            self._shares = ()
            return
        storage = _share(self._waited - waited, seconds)
        busy = self._thread - thread + self._handed - handed
        cpu = min(_share(busy, seconds), 1 - storage)
        rest = 1 - storage - cpu
        packing = min(
            rest, _share(helped, seconds)
        )  # what it waits for may be the threads that pack its blocks
        self._shares = ((STORAGE, storage), (CPU, cpu + packing), (DISK, rest - packing))


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole))


def _rates(first: tuple[float, int, int], last: tuple[float, int, int]) -> tuple[float, float]:
    seconds = last[0] - first[0]
    if seconds <= 0:
        return 0.0, 0.0
    return max(0, last[1] - first[1]) / seconds, max(0, last[2] - first[2]) / seconds
