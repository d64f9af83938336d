"""Follows one connection between a File daemon and a Storage daemon (protocol/02 section 6.2 and 6.3)."""

import re
from collections.abc import Callable
from typing import Final

from fdconform.followed import Pen, fire_if
from fdconform.rows import EOD, TERMINATE, Kind, Row
from statecharts.storage import STORAGE, StorageEvent, StorageState
from statecharts.tracker import Tracker

_S, _E = StorageState, StorageEvent
_HELLO: Final = re.compile(rb"Hello (?:Start Job|Storage calling Start Job) (\S+)")
_CLOSE: Final = re.compile(rb"3000 OK close Status = (\d+)")
_TWO: Final = re.compile(rb"(\d+) (\d+) ")
_RECORD: Final = re.compile(rb"rechdr \d+ \d+ -?\d+ (-?\d+) \d+")
_GOOD: Final = (84, 87)
_TYPE_BITS: Final = 0x7FF


class StorageFollower:
    """One connection, from its opening on. `job` is empty until its Hello has been seen."""

    def __init__(self, pen: Pen, dialled_by_fd: bool, tls_of: Callable[[bytes], bool]) -> None:
        """`tls_of` tells whether the Director asked for TLS for a job."""
        self.tracker = Tracker(STORAGE, b"", (pen.observe,))
        self.job = b""
        self.granted = False
        self.is_append = False
        self.canceled = False
        self._pen = pen
        self._dialled_by_fd = dialled_by_fd
        self._tls_of = tls_of
        self._oks = 0
        self._in_group = False
        self._records_ended = False
        self._status: int | None = None
        self._far_gone = False

    @property
    def is_ready(self) -> bool:
        """Whether it has come so far that a job could use it."""
        return self._oks >= 2

    @property
    def called(self) -> bool:
        """Whether the Storage daemon opened it (passive client)."""
        return not self._dialled_by_fd

    @property
    def is_over(self) -> bool:
        """Whether the File daemon is done with it."""
        return self.tracker.ended

    def cancel(self) -> None:
        """The job was canceled: what still comes was under way."""
        self.canceled = True
        fire_if(self.tracker, _E.CANCELED)

    def see(self, row: Row) -> None:
        """The next row of the connection."""
        match row.kind:
            case Kind.OPEN:
                if self._dialled_by_fd:
                    self._pen.fire(self.tracker, _E.DIALED, _E.CONNECTED)
            case Kind.CLOSE if row.sender == "sd":
                self._far_gone = True
                self._far_ended()
            case Kind.CLOSE:
                self._hung_up()
            case _ if self.tracker.ended:
                pass
            case _ if row.sender == "fd":
                self._from_fd(row)
            case _:
                self._from_sd(row)

    def _from_fd(self, row: Row) -> None:
        fire, tracker = self._pen.fire, self.tracker
        if row.is_signal(TERMINATE):
            self._leave()
            return
        match tracker.state:
            case _S.BROKEN | _S.FAILED:
                pass
            case _S.NO_CHANNEL if not self._dialled_by_fd and row.is_packet(b"auth cram-md5"):
                fire(tracker, _E.ATTACHED)
            case _S.TLS_HANDSHAKE if hello := _HELLO.match(row.head):
                self._named(hello[1])
                tls = _E.TLS_ESTABLISHED if self._tls_of(self.job) else _E.TLS_WAIVED
                fire(tracker, tls, _E.HELLO_SENT)
            case _S.AUTH:
                self._authenticate(row)
            case _S.READY if row.is_packet(b"append open"):
                self.is_append = True
                fire(tracker, _E.APPEND_REQUESTED)
            case _S.READY if row.is_packet(b"read open"):
                fire(tracker, _E.READ_REQUESTED)
            case _S.OPEN_SENT if row.is_packet(b"append data"):
                fire(tracker, _E.TICKET_GIVEN)
            case _S.READ_OPEN_SENT if row.is_packet(b"read data"):
                fire(tracker, _E.TICKET_GIVEN)
            case _S.STREAMING:
                self._stream(row)
            case _S.EOD_SENT if row.is_packet(b"append end"):
                fire(tracker, _E.APPEND_CONFIRMED)
            case _S.END_SENT if row.is_packet(b"append close"):
                fire(tracker, _E.END_CONFIRMED)
            case _S.READING if row.is_packet(b"read close"):
                fire(tracker, _E.RECORDS_ENDED if self._records_ended else _E.RECORD_REJECTED)
            case _:
                pass  # answers to polls

    def _from_sd(self, row: Row) -> None:
        fire, tracker = self._pen.fire, self.tracker
        match tracker.state:
            case _S.NO_CHANNEL if hello := _HELLO.match(row.head):
                self._named(hello[1])
            case _S.AUTH:
                self._authenticate(row)
            case _S.DATA_REQ_SENT | _S.READ_DATA_SENT if row.is_packet(b"3000 OK data"):
                self.granted = True
                fire(tracker, _E.DATA_GRANTED)
            case _S.READING:
                if record := _RECORD.match(row.head):
                    self._pen.followed.streams.add(("sd", int(record[1]) & _TYPE_BITS))
                elif row.kind is Kind.SIGNAL and row.number in (EOD, TERMINATE):
                    self._records_ended = True
            case _S.CLOSE_SENT if row.kind is Kind.PACKET:
                if (status := _CLOSE.match(row.head)) and self._status is None:
                    self._status = int(status[1])
            case _S.CLOSE_SENT if row.number in (EOD, TERMINATE):
                self._far_ended()
            case _S.READ_CLOSING if row.kind is Kind.PACKET or row.number in (EOD, TERMINATE):
                fire(tracker, _E.CLOSE_CONFIRMED)
            case _:
                pass

    def _named(self, job: bytes) -> None:
        self.job = self.tracker.label = job

    def _authenticate(self, row: Row) -> None:
        if row.is_packet(b"1000 OK auth"):
            self._oks += 1
            if self._oks == 2:
                self._pen.fire(self.tracker, _E.AUTHENTICATED)
        elif row.is_packet(b"1999"):
            self._pen.fire(self.tracker, _E.REFUSED)

    def _stream(self, row: Row) -> None:
        if row.is_signal(EOD):
            if self._in_group:
                self._in_group = False
            else:
                self._pen.fire(self.tracker, _E.STREAM_ENDED)
        elif row.kind is Kind.PACKET and not self._in_group:
            self._in_group = True
            if header := _TWO.match(row.head):
                self._pen.followed.streams.add(("fd", int(header[2]) & _TYPE_BITS))

    def _far_ended(self) -> None:
        """A signal or the end of the connection, where either decides."""
        if self.tracker.state is _S.CLOSE_SENT:
            good = self._status in _GOOD
            self._pen.fire(self.tracker, _E.CLOSE_CONFIRMED if good else _E.CLOSE_REJECTED)
        elif self.tracker.state is _S.READING:
            self._records_ended = True

    def _leave(self) -> None:
        """The File daemon says TERMINATE."""
        if self.tracker.state is _S.CLOSE_SENT:
            self._far_ended()
        elif self.tracker.state is _S.STREAMING and not self._in_group:
            self._pen.fire(self.tracker, _E.WRITE_FAILED)
        elif self.tracker.state is _S.READ_CLOSING:
            self._pen.fire(self.tracker, _E.FAILED if self._far_gone else _E.CLOSE_CONFIRMED)
        if not self.tracker.can(_E.TERMINATED):
            self._pen.fire(self.tracker, _E.FAILED)
        self._pen.fire(self.tracker, _E.TERMINATED)

    def _hung_up(self) -> None:
        """The File daemon closes without a word, which it does when nobody could hear it or it was canceled."""
        tracker = self.tracker
        if tracker.ended or tracker.state is _S.NO_CHANNEL:
            return
        match tracker.state:
            case _S.AUTH:
                self._pen.fire(tracker, _E.REFUSED)
            case _S.STREAMING if self._far_gone:
                self._pen.fire(tracker, _E.WRITE_FAILED)
            case _ if not tracker.can(_E.TERMINATED):
                self._pen.fire(tracker, _E.FAILED)
            case _:
                pass
        self._pen.fire(tracker, _E.TERMINATED)
