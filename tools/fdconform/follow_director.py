"""Follows one control connection (protocol/02 section 6.1): the director chart, the job's, and its verify exchange.

A Director may say more before the answer to what it said first has come; its rows wait here until it is their turn.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from fdconform.follow_orders import Awaiting, Order, order_of
from fdconform.follow_verify import VerifyFollower
from fdconform.followed import Pen, fire_if
from fdconform.rows import EOD, TERMINATE, Kind, Row
from statecharts.director import DIRECTOR, DirectorEvent, DirectorState
from statecharts.job import JOB, JobEvent, JobState
from statecharts.tracker import Tracker

_S, _E = DirectorState, DirectorEvent
_CANCELED: Final = re.compile(rb"2001 Job (\S+) marked to be canceled")
_END: Final = re.compile(rb"2800 End Job TermCode=(\d+) ")
_BEFORE: Final = (_S.IDLE, _S.DIALING, _S.PARKED, _S.HANDSHAKE)
_WORK: Final = (_S.BEFORE_SCRIPTS, _S.SD_CONNECT, _S.ESTIMATING, _S.JOB_RUNNING, _S.RESTORING)
_LINES: Final = (_S.FILESET_RX, _S.BOOTSTRAP_RX)


class DirectorFollower:
    """One connection. `letter` is the TermCode that its rows will bring ("" without any), and `last_storages` are the
    rows after which the daemon leaves by itself."""

    def __init__(
        self,
        pen: Pen,
        *,
        letter: str,
        last_storages: frozenset[int],
        named: Callable[["DirectorFollower", bytes], None],
        canceled: Callable[[bytes], None],
        storage_ready: Callable[[bytes], bool],
    ) -> None:
        """`named` hears the job's name, `canceled` that of a job which this Director canceled; `storage_ready` tells
        whether a Storage daemon is there for a job."""
        self.tracker = Tracker(DIRECTOR, b"", (pen.observe,))
        self.work = Tracker(JOB, b"", (pen.observe,))
        self.verify: VerifyFollower | None = None
        self.tls = False
        self.canceled = False
        self._pen = pen
        self._letter = letter
        self._last_storages = last_storages
        self._named = named
        self._has_canceled = canceled
        self._storage_ready = storage_ready
        self._queue: deque[Row] = deque()
        self._order: Order | None = None
        self._refusal_heard = False
        self._listed = False
        self._gone = False
        self._has_fileset = False

    def see(self, row: Row) -> None:
        """The next row of the connection."""
        if row.kind is Kind.OPEN:
            begun = _E.ACCEPTED if row.link.startswith("dir") else _E.DIAL_STARTED
            self._pen.fire(self.tracker, begun)
        elif self.tracker.ended:
            pass
        elif row.sender == "fd":
            self._from_fd(row)
        elif self.tracker.state in _BEFORE:
            self._before(row)
        else:
            self._from_director(row)

    def cancel(self) -> None:
        """Another connection canceled this job."""
        self.canceled = True
        self._is_estimating()
        fire_if(self.tracker, _E.CANCELED)
        fire_if(self.work, JobEvent.CANCELED)
        if self.verify is not None:
            self.verify.cancel()

    def storage_granted(self) -> None:
        """The job's Storage daemon lets data flow; this may be seen before the acceptance that came first."""
        if self._order is not None and self._order.awaiting is Awaiting.BACKUP:
            fire_if(self.work, JobEvent.WALK_STARTED)
        fire_if(self.work, JobEvent.STORAGE_OPENED)
        if self.verify is not None:
            self.verify.opened()

    def storage_attached(self) -> None:
        """The job's Storage daemon has called and is authenticated (passive client)."""
        self._is_estimating()
        fire_if(self.tracker, _E.STORAGE_ATTACHED)

    def storage_released(self) -> None:
        """TERMINATE went to the Storage daemon of a backup: its data phase is over."""
        if self.tracker.state is _S.JOB_RUNNING:
            self._leave()
            self._pen.fire(self.tracker, _E.STORAGE_RELEASED)

    # What the Director says.

    def _before(self, row: Row) -> None:
        """Before authentication; a Director that takes up a parked connection says no Hello."""
        if row.kind is Kind.CLOSE or row.is_signal(TERMINATE):
            self._gone = True
        if self.tracker.state is _S.DIALING and row.is_packet(b"1000 OK:"):
            self._pen.fire(self.tracker, _E.PARKED)
        elif self.tracker.state is _S.PARKED and row.kind is Kind.PACKET:
            self._pen.fire(self.tracker, _E.TAKEN_UP)
            self._pen.fire(self.work, JobEvent.AUTHENTICATED)
            self._from_director(row)
        elif self.tracker.state is _S.PARKED:
            self._pen.fire(self.tracker, _E.FAILED)
            self._pen.fire(self.work, JobEvent.REFUSED)

    def _from_director(self, row: Row) -> None:
        if row.kind is Kind.CLOSE or row.is_signal(TERMINATE):
            if self._gone and row.kind is Kind.CLOSE:
                return
            self._gone = True
            self._is_estimating()
            if self.tracker.state in (*_WORK, _S.AFTER_SCRIPTS):
                self._pen.fire(self.tracker, _E.DIRECTOR_LEFT)
        self._queue.append(row)
        self._go_on()

    def _go_on(self) -> None:
        while self._queue and self._order is None and not self._listed and self._listens():
            self._take(self._queue.popleft())

    def _listens(self) -> bool:
        state = self.tracker.state
        return state in (_S.COMMAND, _S.LEVEL_SYNC, _S.ACCURATE_RX, _S.OBJ_NAME, _S.OBJ_DATA, *_LINES)

    def _take(self, row: Row) -> None:
        fire, tracker = self._pen.fire, self.tracker
        packet = row.kind is Kind.PACKET
        match tracker.state:
            case _ if row.kind is Kind.CLOSE:
                fire(tracker, _E.DIRECTOR_LEFT)
            case _S.FILESET_RX | _S.BOOTSTRAP_RX:
                self._listed = not packet
            case _S.ACCURATE_RX:
                if not packet:
                    fire(tracker, _E.LIST_ENDED)
            case _S.LEVEL_SYNC:
                self._listed = not row.is_packet(b"btime ")
            case _S.OBJ_NAME if packet:
                fire(tracker, _E.OBJECT_NAMED)
            case _S.OBJ_DATA if packet:
                fire(tracker, _E.OBJECT_RECEIVED)
            case _S.OBJ_NAME | _S.OBJ_DATA:
                self._listed = True
            case _ if not packet:
                fire(tracker, _E.DIRECTOR_LEFT)
            case _:
                self._begin(order_of(row.head, second_fileset=self._has_fileset))

    def _begin(self, order: Order) -> None:
        """An order that the daemon reads now."""
        self._refusal_heard = False
        if order.job:
            self.tracker.label = self.work.label = order.job
            self._named(self, order.job)
        if order.tls is not None:
            self.tls = order.tls
        if order.begins is not None:
            self._pen.fire(self.tracker, order.begins)
        if order.begins is _E.FILESET_STARTED:
            self._has_fileset = True
        self._order = order if order.awaiting is not None else None

    # What the File daemon says.

    def _from_fd(self, row: Row) -> None:
        if row.kind is Kind.CLOSE:
            self._hung_up()
        elif self.tracker.state in _BEFORE:
            self._greeting(row)
        elif row.is_signal(TERMINATE):
            self._terminate()
        elif self.verify is not None and self.verify.takes(row):
            pass
        elif _END.match(row.head):
            self._end_job()
        elif row.kind is Kind.SIGNAL:
            self._signal(row.number)
        else:
            self._said(row.head)
        self._go_on()

    def _greeting(self, row: Row) -> None:
        if row.is_packet(b"2000 OK Hello"):
            self._pen.fire(self.tracker, _E.AUTHENTICATED)
            self._pen.fire(self.work, JobEvent.AUTHENTICATED)
        elif row.is_packet(b"2999 Auth"):
            self._refused()

    def _refused(self) -> None:
        if self.tracker.state is _S.HANDSHAKE:
            self._pen.fire(self.tracker, _E.REFUSED)
        else:
            self._pen.fire(self.tracker, _E.FAILED)
        self._pen.fire(self.work, JobEvent.REFUSED)

    def _signal(self, number: int) -> None:
        order = self._order
        if order is None or number != EOD or self._refusal_heard:
            return
        if order.awaiting is Awaiting.TEXT:
            self._answered()
        elif order.awaiting is Awaiting.ESTIMATE:
            self._start_estimate()
            fire_if(self.work, JobEvent.WALK_ENDED)
            self._answered(_E.ESTIMATED)
            fire_if(self.work, JobEvent.ESTIMATED)

    def _said(self, text: bytes) -> None:
        if self._listed or self.tracker.state is _S.LEVEL_SYNC:
            ended = _LISTED.get(text.rstrip(b"\n"))
            if ended is not None and self.tracker.can(ended):
                self._listed = False
                self._pen.fire(self.tracker, ended)
            return
        order = self._order
        if order is None or order.awaiting is None:
            return
        self._refusal_heard = self._refusal_heard or text.startswith((b"2900 ", b"2997 ", b"2992 "))
        if found := _CANCELED.search(text):
            self._has_canceled(found[1])
        match order.awaiting:
            case Awaiting.ESTIMATE if not self._refusal_heard:
                self._start_estimate()
            case Awaiting.BACKUP if text == b"2000 OK backup\n":
                self._answered(_E.JOB_STARTED)
                if not self.canceled:
                    fire_if(self.work, JobEvent.WALK_STARTED)
            case Awaiting.RESTORE if text == b"2000 OK restore\n":
                self._pen.fire(self.tracker, _E.RESTORE_STARTED)
                self._order = Order(Awaiting.STORAGE_END)
            case Awaiting.STORAGE_END if text == b"2000 OK storage end\n":
                self._storage_end()
            case Awaiting.VERIFY if text == b"2000 OK verify\n":
                self._start_verify(order)
            case _ if order.answer is not None and text.startswith(order.answer):
                self._answered(order.ends)
            case _:
                pass

    def _answered(self, event: DirectorEvent = _E.COMMAND_ANSWERED) -> None:
        self._order = None
        self._pen.fire(self.tracker, event)

    def _is_estimating(self) -> None:
        """An estimate says nothing when it starts: whatever happens while it is not refused happens to it."""
        order = self._order
        if order is not None and order.awaiting is Awaiting.ESTIMATE and not self._refusal_heard:
            self._start_estimate()

    def _start_estimate(self) -> None:
        if self.tracker.state is _S.COMMAND:
            self._pen.fire(self.tracker, _E.ESTIMATE_STARTED)
            self._pen.fire(self.work, JobEvent.WALK_STARTED)

    def _start_verify(self, order: Order) -> None:
        job = self.tracker.label
        if not order.verifies or (order.on_volume and not self._storage_ready(job)):
            return  # the refusal follows
        self._answered(_E.JOB_STARTED)
        rejected = self._letter not in ("", "T", "W")
        self.verify = VerifyFollower(self._pen, job, on_volume=order.on_volume, rejected=rejected)
        if not order.on_volume:
            self._pen.fire(self.work, JobEvent.WALK_STARTED)

    def _storage_end(self) -> None:
        if self.work.state is JobState.STREAMING:
            self._pen.fire(self.work, JobEvent.DATA_ENDED)
        elif self.work.state is JobState.AUTHENTICATED:
            self._pen.fire(self.work, JobEvent.FAILED)
        if self.canceled or self._pen.row in self._last_storages:
            self._answered(_E.JOB_ENDED)
        else:
            self._answered(_E.STORAGE_ENDED)
            self._pen.fire(self.work, JobEvent.STORAGE_ENDED)

    # The end.

    def _end_job(self) -> None:
        self._leave()
        fire_if(self.tracker, _E.STORAGE_RELEASED)
        fire_if(self.tracker, _E.SCRIPTS_ENDED)
        self._pen.fire(self.tracker, _E.END_JOB_SENT)

    def _leave(self) -> None:
        """The daemon is on its way out: what ended the commands, seen from where it stood."""
        state, fire = self.tracker.state, self._pen.fire
        if state is _S.COMMAND and self._order is not None:
            fire(self.tracker, _E.COMMAND_REFUSED)
        elif state in (_S.JOB_RUNNING, _S.RESTORING):
            fire(self.tracker, _E.JOB_ENDED)
        elif state in _LINES and self._listed:
            fire(self.tracker, _E.LIST_REFUSED)
        elif state is _S.BEFORE_SCRIPTS:
            fire(self.tracker, _E.SCRIPTS_REFUSED)
        elif self._listens() or state in _WORK:
            fire(self.tracker, _E.FAILED)
        self._order, self._listed = None, False
        if self.work.state in (JobState.SCANNING, JobState.STREAMING):
            fire(self.work, self._how_work_ended())
        fire_if(self.work, JobEvent.COMMANDS_ENDED)

    def _how_work_ended(self) -> JobEvent:
        match self._letter:
            case "A":
                return JobEvent.CANCELED
            case "T" | "W":
                scanning = self.work.state is JobState.SCANNING
                return JobEvent.WALK_ENDED if scanning else JobEvent.DATA_ENDED
            case _:
                return JobEvent.FAILED

    def _terminate(self) -> None:
        self._through(_E.TERMINATE_SENT)

    def _through(self, last: DirectorEvent) -> None:
        """All steps that are left, with this one as the last."""
        self._leave()
        for event in (_E.STORAGE_RELEASED, _E.SCRIPTS_ENDED):
            fire_if(self.tracker, event)
        if self.tracker.state is _S.END_JOB:
            self._pen.fire(self.tracker, _E.SKIPPED)
        self._pen.fire(self.tracker, _E.MESSAGES_FLUSHED, last)
        self._pen.fire(self.work, JobEvent.REPORTED)

    def _hung_up(self) -> None:
        """The daemon closed without TERMINATE: because nobody hears it, or because something made it."""
        if self.tracker.state in _BEFORE and self.tracker.state is not _S.PARKED:
            self._refused()
        elif self._gone:
            self._through(_E.SKIPPED)
        else:
            self._pen.fire(self.tracker, _E.ABANDONED)
            self._pen.fire(self.work, JobEvent.ABANDONED)


_LISTED: Final = {
    b"2000 OK include": _E.LIST_ENDED,
    b"2000 OK bootstrap": _E.LIST_ENDED,
    b"2000 OK level": _E.CLOCK_SYNCED,
}
