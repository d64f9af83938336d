"""Figures of earlier jobs, in one small file of the working directory. They only feed estimates: a file that is
lost or broken is no error.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fdaemon.views import JobView

KEPT_RUNS = 8
"""Runs of one job and level that are remembered."""
KEPT_JOBS = 500
"""Jobs and levels; the least recently run one goes first (some 400 KB at the most)."""
KEPT_SESSIONS = 2000
"""Backups whose size is remembered for a restore from them; the oldest goes first (some 100 KB)."""

_UNIQUE = re.compile(r"\.\d{4}-\d\d-\d\d_\d\d\.\d\d\.\d\d_\d+$")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished job: what it examined, saved and read, and how long it took."""

    ended: float
    seconds: float
    examined: int
    files: int
    read_bytes: int


@dataclass(frozen=True, slots=True)
class Saved:
    """What one backup has on its volumes: its FileIndexes are 1 to `files`; `sent_bytes` are its JobBytes."""

    files: int
    sent_bytes: int


def job_base(name: str) -> str:
    """The job's name in the Director's configuration, from the unique name of one run."""
    return _UNIQUE.sub("", name)


class History:
    """Runs by job and level, backups by volume session. `load` and `save` are blocking; the rest is memory."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._runs: dict[str, list[Run]] = {}
        self._saved: dict[str, Saved] = {}

    def load(self) -> None:
        """Read the file; what cannot be understood is forgotten."""
        try:
            found = json.loads(Path(self._path).read_bytes()) if self._path else {}
            self._runs = {
                str(key): [Run(**{name: float(run[name]) for name in Run.__slots__}) for run in runs]  # type: ignore[arg-type]
                for key, runs in found.get("runs", {}).items()
            }
            self._saved = {
                str(key): Saved(int(files), int(size))
                for key, (files, size) in found.get("sessions", {}).items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            self._runs, self._saved = {}, {}

    def save(self) -> None:
        """Write the file anew, whole or not at all. Raises OSError."""
        if not self._path:
            return
        beside = f"{self._path}.new"
        text = json.dumps(
            {
                "v": 1,
                "runs": {key: [asdict(run) for run in runs] for key, runs in self._runs.items()},
                "sessions": {key: [saved.files, saved.sent_bytes] for key, saved in self._saved.items()},
            }
        )
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, self._path)

    def add(self, job: JobView) -> bool:
        """Remember a job that ended well. False when there is nothing to learn from it."""
        if job.status not in ("T", "W") or job.ended is None or job.type not in ("B", "V"):
            return False
        run = Run(job.ended, job.ended - job.started, job.examined, job.files, job.read_bytes)
        key = _key(job)
        runs = [*self._runs.pop(key, []), run]
        self._runs[key] = runs[-KEPT_RUNS:]
        while len(self._runs) > KEPT_JOBS:
            del self._runs[next(iter(self._runs))]
        if job.type == "B" and job.session[1]:
            session = _session_key(job.director, *job.session)
            self._saved.pop(session, None)
            self._saved[session] = Saved(job.files, job.job_bytes)
            while len(self._saved) > KEPT_SESSIONS:
                del self._saved[next(iter(self._saved))]
        return True

    def runs(self, job: JobView) -> list[Run]:
        """Earlier runs of the same job at the same level, oldest first."""
        return self._runs.get(_key(job), [])

    def saved(self, director: str, session_id: int, session_time: int) -> Saved | None:
        """What that volume session of this Director holds, if it was a backup of this daemon that ended well."""
        return self._saved.get(_session_key(director, session_id, session_time))


def expected(runs: list[Run], figure: Callable[[Run], float]) -> float:
    """What the next run will have: the last one weighs as much as all before it together."""
    value = figure(runs[0])
    for run in runs[1:]:
        value = (value + figure(run)) / 2
    return value


def _session_key(director: str, session_id: int, session_time: int) -> str:
    return f"{director}\0{session_id}\0{session_time}"


def _key(job: JobView) -> str:
    return "\0".join((job.director, job_base(job.name), job.type, job.level))
