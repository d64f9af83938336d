"""One Director session's job: its spec, its standing, its chart, and the one handle by which it is canceled."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import trio

from fdaemon.channels.storage import StorageChannel
from fdaemon.fs.target import Traces
from fdaemon.jobs.reporter import Standing
from fdaemon.jobs.spec import JobSpec
from fdaemon.jobs.throttle import Throttle
from fdaemon.jobs.trail import Trail
from fdaemon.outcome import Status
from fdaemon.views import Flow, FlowView, JobView, MessageView
from statecharts.job import JobEvent, JobState
from statecharts.tracker import Tracker

SYSTEM = "I"
"""The type letter of a session that has not said what it wants ("System or Console")."""
VERIFY_TYPE = "V"
"""That of a verify."""
_keys = count(1)


class Job:
    """What one session is about. Before `JobId=` it is a console session with job id 0.

    Whoever sets `awaited` may wait for `told`: the Director has taken the report, or never will.

    `traces` is what a restore from several storages remembers. `storage_key` is a secret: it is wiped after one
    authentication and never enters a view.
    """

    def __init__(
        self, tracker: Tracker[JobState, JobEvent], *, bursting: bool = False, trail: Trail | None = None
    ) -> None:
        """`trail` observes the session's trackers."""
        self.tracker = tracker
        self.key = next(_keys)
        self.trail = trail if trail is not None else Trail()
        self.flow = Flow()
        self.spec = JobSpec()
        self.traces = Traces()
        self.standing = Standing()
        self.director = ""
        self.type = SYSTEM
        self.started = time.time()
        self.ended: float | None = None
        self.storage: StorageChannel | None = None
        self.storage_key = b""
        self.storage_problem = b""
        self.had_key = False
        self.encrypts = False
        self.storage_calling = False
        self.storage_arrived = trio.Event()
        self.throttle = Throttle(bursting=bursting)
        self.awaited = False
        self.told = trio.Event()
        self.stop_reason = b""
        self._scope: trio.CancelScope | None = None
        self._canceled = False
        self._over = False

    @property
    def canceled(self) -> bool:
        """True once somebody asked to cancel; the status may still name an earlier failure."""
        return self._canceled

    @property
    def over(self) -> bool:
        """True once the session has stopped taking commands: nobody uses or closes a Storage channel
        that comes now."""
        return self._over

    def cancel(self, why: bytes = b"") -> bool:
        """Stop the data side at once; the control channel lives on to report (protocol/02 section 6.6).

        With `why` the job ends fatally, with that message, and not as one that somebody did not want any more.
        True when a report is on its way: then `told` will be set.
        """
        if not self._over and not self._canceled:
            self._canceled = True
            self.stop_reason = why
            self.standing.announce(Status.FATAL if why else Status.CANCELED)
            self.awaited = self._scope is not None
            if self._scope is not None:
                self._scope.cancel()
        elif self._over:
            self.awaited = True
        return self.awaited

    def close(self) -> None:
        """From here on a cancel has no effect: the job is reporting."""
        self._over = True
        self.ended = time.time()

    @contextmanager
    def data_scope(self) -> Iterator[trio.CancelScope]:
        """The scope of everything that a cancel must end; cancelled from the start if the cancel came before."""
        with trio.CancelScope() as scope:
            self._scope = scope
            if self._canceled:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scope = None

    def view(self) -> JobView:
        """A frozen picture for status, monitor and metrics."""
        counters, spec = self.standing.counters, self.spec
        return JobView(
            job_id=spec.job_id,
            name=spec.name.decode("utf-8", "surrogateescape"),
            type=self.type,
            level=spec.level.value,
            director=self.director,
            status=self.standing.status.value,
            started=self.started,
            ended=self.ended,
            files=counters.files,
            examined=counters.examined,
            read_bytes=counters.read_bytes,
            job_bytes=counters.job_bytes,
            errors=counters.errors,
            warnings=counters.warnings,
            current=counters.current,
            bandwidth=self.throttle.limit,
            storage_packets=None if self.storage is None else self.storage.packets_received,
            storage_fd=-1 if self.storage is None else self.storage.socket_number,
            states=(("job", self.tracker.state.value),)
            + (() if self.storage is None else (("storage", self.storage.state),)),
            key=self.key,
            conversations=self.trail.conversations,
            transitions=self.trail.steps,
            messages=tuple(
                MessageView(when, kind.name.lower(), text.decode("utf-8", "backslashreplace").rstrip())
                for when, kind, text in self.standing.recent
            ),
            flow=self._flow_view(),
            roots=()
            if spec.fileset is None
            else tuple(name for include in spec.fileset.includes for name in include.names),
            session=(spec.session_id, spec.session_time),
            place=counters.place,
        )

    def _flow_view(self) -> FlowView:
        flow = self.flow
        since = flow.waiting_since
        return FlowView(
            size=flow.size,
            used=flow.fill(),
            sent_files=flow.sent_files,
            waited=flow.waited,
            handed=flow.handed,
            waiting=max(0.0, time.monotonic() - since) if since else 0.0,
            worker=flow.worker,
        )
