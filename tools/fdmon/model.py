"""What the feed has told so far: full views and changes put together. Knows no terminal."""

import json
from collections import deque
from typing import Any, Final

from fdmon.errors import MonitorError

VERSION: Final = 1
KEPT_RATES: Final = 120
"""Looks whose rates are kept for the sparkline of a job."""

type Json = dict[str, Any]


class Model:
    """The newest state, and a memory of each job's rate."""

    def __init__(self) -> None:
        self.daemon: Json = {}
        self.jobs: dict[int, Json] = {}
        self.recent: list[Json] = []
        self.time = 0.0
        self.messages = 0
        self.views = 0
        self.rates: dict[int, deque[tuple[float, float]]] = {}

    @property
    def is_empty(self) -> bool:
        """True before the first full view."""
        return not self.views

    def take(self, message: str) -> None:
        """One message of the feed. Raises MonitorError for what is none, or of a version we do not know."""
        try:
            document = json.loads(message)
            version, kind = document["v"], document["kind"]
        except (ValueError, KeyError, TypeError):
            raise MonitorError("this is no feed of a File Daemon") from None
        if version != VERSION:
            raise MonitorError(f"the feed speaks version {version}, this program knows {VERSION}")
        if kind == "view":
            self._replace(document)
        elif kind == "change" and self.views:
            self._change(document)
        self.time = document["time"]
        self.messages += 1

    def finished(self, key: int) -> Json | None:
        """The finished job of that key."""
        return next((job for job in self.recent if job["key"] == key), None)

    def job(self, key: int | None) -> Json | None:
        """The job of that key, running or over."""
        if key is None:
            return None
        return self.jobs.get(key) or self.finished(key)

    def _replace(self, view: Json) -> None:
        if view["daemon"].get("started") != self.daemon.get("started"):
            self.rates.clear()  # another life of the daemon: its keys begin anew
        self.views += 1
        self.daemon = view["daemon"]
        self.jobs = {job["key"]: job for job in view["jobs"]}
        self.recent = list(view["recent"])
        for key in self.jobs:
            self._remember(key, view["time"])

    def _change(self, change: Json) -> None:
        self.daemon |= change.get("daemon", {})
        for job in change.get("jobs", ()):
            self.jobs[job["key"]] = self.jobs.get(job["key"], {}) | job
        for key in change.get("gone", ()):
            self.jobs.pop(key, None)
        for job in change.get("recent", ()):
            self.recent = [old for old in self.recent if old["key"] != job["key"]] + [job]
        self.recent = self.recent[-50:]
        for key in self.jobs:
            self._remember(key, change["time"])

    def _remember(self, key: int, now: float) -> None:
        rate = self.jobs[key]["rate"]
        kept = self.rates.setdefault(key, deque(maxlen=KEPT_RATES))
        kept.append((rate["bytes_now"], rate["files_now"]))
        if len(self.rates) > 200:
            for old in [known for known in self.rates if known not in self.jobs and not self.finished(known)]:
                del self.rates[old]

    def transitions(self) -> list[tuple[float, int, Json]]:
        """The newest steps of all jobs, newest first: time, job id, step."""
        found = [
            (step["time"], job["job_id"], step)
            for job in [*self.recent, *self.jobs.values()]
            for step in job["transitions"]
        ]
        return sorted(found, key=lambda row: row[0])[::-1]  # of steps at one time the later one is first, too
