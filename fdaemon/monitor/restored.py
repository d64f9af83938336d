"""How much a restore has before it: the sizes of the backups that it reads from, if this daemon made them. Pure.

No Director tells a File daemon what will come: the bootstrap, with its FileIndexes, goes to the Storage daemon alone
(protocol/02 section 2.5). But every record names its volume session and its FileIndex. If all files up to there have
come, the rest is taken to come too; a selection of files has gaps, and then nothing is said.
"""

from collections.abc import Callable

from fdaemon.monitor.history import Saved
from fdaemon.monitor.position import cost
from fdaemon.views import JobView

ENTIRE = 0.8
"""Share of the files up to the present one that must have come. After a Full, its later changes take the place of some
of its files, so that not all of them come."""

type FindSaved = Callable[[str, int, int], Saved | None]
"""What a session saved, by Director, VolSessionId and VolSessionTime."""


class RestoredShare:
    """Follows one restore. It holds no more sessions than `find` knows."""

    def __init__(self, find: FindSaved) -> None:
        self._find = find
        self._saved: dict[tuple[int, int], Saved] = {}
        self._reached: dict[tuple[int, int], int] = {}
        self._lost = False

    def total(self, job: JobView) -> float | None:
        """The work of the whole restore, as far as its sessions are known by now; None if that cannot be told."""
        if job.place is None or self._lost:
            return None
        number, began, index = job.place
        session = number, began
        saved = self._saved.get(session) or self._find(job.director, number, began)
        if saved is None:
            self._lost = True
            return None
        self._saved[session] = saved
        self._reached[session] = max(self._reached.get(session, 0), min(index, saved.files))
        passed = sum(self._reached.values())
        come = (job.examined + 1) / max(1, passed)  # the header of one that has not come may have been read
        if passed <= 0 or come < ENTIRE:
            return None
        whole = sum(cost(each.files, each.sent_bytes) for each in self._saved.values())
        return whole * min(1.0, come)
