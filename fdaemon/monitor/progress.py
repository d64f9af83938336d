"""How far a job is and when it will end: from its own earlier runs, else from its place in the tree, a restore from
the sizes of the backups that it reads; it always says from which. A guess without a ground is not made.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from fdaemon.monitor.history import Run, expected
from fdaemon.monitor.position import Position, cost
from fdaemon.monitor.restored import RestoredShare
from fdaemon.views import JobView

PACE = 15.0
"""Seconds over which the pace is taken that the time left is reckoned with."""
EARLIEST = 0.5
"""Seconds of data before anything is said."""
SURPASSED = 0.98
"""Above this share of what earlier runs had, the place in the tree is asked."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` of the work done (0 to 1) and `seconds_left`, or None; `source` is `history`, `tree`,
    `session` or `none`, and `basis` says in words what the estimate stands on.
    """

    fraction: float | None = None
    seconds_left: float | None = None
    source: str = "none"
    basis: str = "nothing to judge from"


UNKNOWN = Progress()
FINISHED = Progress(1.0, 0.0, "none", "the data is through")


class Estimator:
    """Judges one job, at each look. `survey` asks the disk and is blocking: it belongs in a worker thread."""

    def __init__(
        self,
        runs: list[Run],
        restored: RestoredShare | None = None,
        position: Callable[[tuple[bytes, ...]], Position] = Position,
    ) -> None:
        self._runs = runs
        self._restored = restored
        self._make = position
        self._position: Position | None = None
        self._tree_total: float | None = None
        self._paces: deque[tuple[float, float]] = deque()
        self._began: float | None = None

    def wants_survey(self, job: JobView) -> bool:
        """True when only the place in the tree can tell."""
        return job.type == "B" and bool(job.current) and self._expected(job) is None

    def survey(self, roots: tuple[bytes, ...], current: bytes, done: float) -> None:
        """Look at the directories above the path in work; the next `look` uses what was found."""
        if self._position is None:
            self._position = self._make(roots)
        self._tree_total = self._position.total(current, done)

    def look(self, job: JobView, now: float) -> Progress:
        """The estimate at this moment."""
        state = dict(job.states).get("job", "")
        if state in ("Reporting", "Closed"):
            return FINISHED if job.status in ("T", "W") else UNKNOWN
        done = work_done(job)
        if not done:
            return UNKNOWN
        if self._began is None:
            self._began = now
        self._paces.append((now, done))
        while len(self._paces) > 2 and self._paces[1][0] <= now - PACE:
            self._paces.popleft()
        if now - self._began < EARLIEST:
            return UNKNOWN
        if job.type == "R":
            total = None if self._restored is None else self._restored.total(job)
            basis = "the backups that are read, if all of them is restored"
            return UNKNOWN if total is None else self._judged(done, total, "session", basis)
        total = self._expected(job)
        if total is not None:
            count = len(self._runs)
            basis = f"{count} earlier run{'s' if count > 1 else ''} of this job at this level"
            return self._judged(done, total, "history", basis)
        if self._tree_total is not None:
            return self._judged(done, self._tree_total, "tree", "the place in the tree; no earlier run")
        return UNKNOWN

    def _expected(self, job: JobView) -> float | None:
        """The work of a run like the earlier ones, unless this one has gone beyond it."""
        if not self._runs:
            return None
        total = cost(expected(self._runs, _entries), expected(self._runs, lambda run: run.read_bytes))
        return total if total > 0 and work_done(job) < SURPASSED * total else None

    def _judged(self, done: float, total: float, source: str, basis: str) -> Progress:
        fraction = min(0.999, done / total) if total > 0 else None
        (first, at_first), (last, at_last) = self._paces[0], self._paces[-1]
        pace = (at_last - at_first) / (last - first) if last > first else 0.0
        left = (total - done) / pace if pace > 0 else None
        return Progress(fraction, None if left is None else max(0.0, left), source, basis)


def work_done(job: JobView) -> float:
    """The work behind a job, in the unit of `position.cost`: entries examined or saved, and bytes read."""
    return cost(max(job.examined, job.files), job.read_bytes)


def _entries(run: Run) -> float:
    return max(run.examined, run.files)
