"""The feed: looks at the daemon on a timer and gives every viewer what changed. Never waits for a viewer.

Each look is encoded once, whoever many watch. A viewer holds at most the one message that is being sent to it and
a mark that it has missed others; one that missed something gets a full view instead of a change, so nothing that
it says is ever wrong, and a stuck viewer costs neither time nor memory.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from threading import get_native_id

import trio

from fdaemon.monitor.document import (
    Json,
    change_document,
    daemon_document,
    is_empty,
    job_document,
    view_document,
)
from fdaemon.monitor.history import History
from fdaemon.monitor.progress import Estimator, work_done
from fdaemon.monitor.restored import RestoredShare
from fdaemon.monitor.sampling import NOTHING, JobWatch, helper_seconds
from fdaemon.views import DaemonView, JobView

PERIOD = 0.5
"""Seconds between two looks with a few viewers."""
PERIOD_PER_VIEWER = 0.01
"""Seconds more for each viewer: so 100 of them get one message a second each, about 1 % of a CPU in all."""
IDLE_PERIOD = 1.0
"""Seconds between two looks without viewers: estimates and metrics live on."""
SURVEY_PATIENCE = 0.5
"""Seconds that a look waits for what the disk tells; a file system that hangs must not hide the jobs from viewers."""
SIGN_OF_LIFE = 5.0
"""Seconds after which an empty change is sent, so that a viewer knows a dead connection."""

type Look = Callable[[], DaemonView]
type Survey = tuple[JobWatch, tuple[bytes, ...], bytes, float]
"""Whose estimate wants to know, the FileSet's names, the path in work, the work done."""


class Viewer:
    """One who watches: what waits to be sent, at most one message, and how many were lost to it."""

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: bytes | None = None
        self._behind = True
        self._due = trio.Event()

    def offer(self, change: bytes) -> None:
        """There is news. It is taken if the viewer is up to date and idle; else a full view will follow."""
        if self._behind or self._waiting is not None:
            self.lost += not self._behind
            self._behind, self._waiting = True, None
        else:
            self._waiting = change
        self._due.set()

    async def next(self, full_view: Callable[[], bytes]) -> bytes:
        """The next message for this viewer, when there is one; `full_view()` encodes the newest look."""
        await self._due.wait()
        self._due = trio.Event()
        if self._behind:
            self._behind, self._waiting = False, None
            return full_view()
        message, self._waiting = self._waiting, None
        return message if message is not None else full_view()

    def catch_up(self) -> None:
        """A new viewer is owed a full view at once."""
        self._due.set()


class Feed:
    """The newest look, the viewers, and what is remembered between looks. `run` is its only task."""

    def __init__(
        self,
        look: Look,
        history: History | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self.history = history if history is not None else History()
        self._clock = clock
        self._monotonic = monotonic
        self._viewers: set[Viewer] = set()
        self._watches: dict[int, JobWatch] = {}
        self._done: dict[int, Json] = {}
        self._past: dict[tuple[object, ...], int] = {}
        self._told = -SIGN_OF_LIFE
        self._encoded: bytes | None = None
        self._surveyed = trio.Event()
        self._surveyed.set()
        self.learned = False
        self.sequence = 0
        self.view: Json = self._picture()

    @property
    def period(self) -> float:
        """Seconds to the next look."""
        count = len(self._viewers)
        return max(PERIOD, count * PERIOD_PER_VIEWER) if count else IDLE_PERIOD

    def join(self) -> Viewer:
        """A viewer comes; its first message is a full view."""
        viewer = Viewer()
        viewer.catch_up()
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """A viewer goes."""
        self._viewers.discard(viewer)

    def full_view(self) -> bytes:
        """The newest look as a message, encoded once for all who need it."""
        if self._encoded is None:
            self._encoded = encode(self.view)
        return self._encoded

    async def run(self) -> None:
        """Look, tell, sleep, until cancelled."""
        async with trio.open_nursery() as surveys:
            while True:
                await trio.sleep(self.period)
                await self._survey(surveys)
                self.tick()
                if self.learned:
                    self.learned = False
                    await trio.to_thread.run_sync(self._save)

    def tick(self) -> None:
        """Look once and give the viewers what changed."""
        before = self.view
        after = self._picture()
        change = change_document(self.sequence + 1, after["time"], before, after)
        now = self._monotonic()
        if is_empty(change) and now - self._told < SIGN_OF_LIFE:
            return
        self.sequence += 1
        after["seq"] = self.sequence
        self.view, self._encoded, self._told = after, None, now
        if self._viewers:
            message = encode(change)
            for viewer in self._viewers:
                viewer.offer(message)

    def _picture(self) -> Json:
        view, now = self._look(), self._monotonic()
        helpers = self._helper_seconds(view)
        jobs = [job_document(job, self._watch(job).look(job, now, helpers)) for job in view.jobs]
        recent = [self._finished(job) for job in view.recent]
        for key in self._watches.keys() - {job.key for job in view.jobs}:
            del self._watches[key]
        for key in self._done.keys() - {document["key"] for document in recent}:
            del self._done[key]
        daemon = daemon_document(view, len(self._viewers), self.period)
        return view_document(self.sequence, self._clock(), daemon, jobs, recent)

    @staticmethod
    def _helper_seconds(view: DaemonView) -> float:
        workers = {job.flow.worker for job in view.jobs if job.flow is not None and job.flow.worker}
        return helper_seconds({get_native_id(), *workers}) if workers else 0.0

    def _watch(self, job: JobView) -> JobWatch:
        watch = self._watches.get(job.key)
        if watch is None:
            watch = self._watches[job.key] = JobWatch(
                Estimator(self.history.runs(job), RestoredShare(self.history.saved))
            )
        return watch

    def _finished(self, job: JobView) -> Json:
        """The document of a finished job, made once. One that an earlier daemon ran has no key; it gets one below 0."""
        if not job.key:
            past = (job.director, job.job_id, job.name, job.ended)
            job = replace(job, key=self._past.setdefault(past, -1 - len(self._past)))
        document = self._done.get(job.key)
        if document is None:
            watch = self._watches.get(job.key)
            sample = watch.finish(job) if watch is not None else NOTHING
            document = self._done[job.key] = job_document(job, sample)
            if job.key > 0 and self.history.add(job):
                self.learned = True
        return document

    async def _survey(self, surveys: trio.Nursery) -> None:
        """Let the estimates that need it look at the disk, in a worker thread: one at a time, and the feed does not
        wait for one that hangs.
        """
        if not self._surveyed.is_set():
            return
        wanting = [
            (watch, job.roots, job.current, work_done(job))
            for job in self._look().jobs
            if (watch := self._watches.get(job.key)) is not None and watch.estimator.wants_survey(job)
        ]
        if wanting:
            self._surveyed = trio.Event()
            surveys.start_soon(_ask, wanting, self._surveyed)
            with trio.move_on_after(SURVEY_PATIENCE):
                await self._surveyed.wait()

    def _save(self) -> None:
        try:
            self.history.save()
        except OSError:
            self.learned = False  # the estimates of this run go on from memory


async def _ask(wanting: list[Survey], done: trio.Event) -> None:
    await trio.to_thread.run_sync(_ask_the_disk, wanting, abandon_on_cancel=True)
    done.set()


def _ask_the_disk(wanting: list[Survey]) -> None:
    for watch, roots, current, done in wanting:
        watch.estimator.survey(roots, current, done)


def encode(document: Json) -> bytes:
    """One message, without blanks."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
