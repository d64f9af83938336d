"""Follows the verify exchange on a Director's connection (protocol/02 section 6.4). Knows nothing of the job."""

import re
from typing import Final

from fdconform.followed import Pen, fire_if
from fdconform.rows import EOD, Kind, Row
from statecharts.tracker import Tracker
from statecharts.verify import VERIFY, VerifyEvent, VerifyState

_S, _E = VerifyState, VerifyEvent
_DIGEST: Final = re.compile(rb"\d+ (?:3|10|17|18|40) \S* ?\*")
_MESSAGE: Final = re.compile(rb"Jmsg Job=\S* type=(\d+) ")
_FATAL: Final = (1, 3)
_SKIPPED: Final = (8, 9)


class VerifyFollower:
    """One exchange. `on_volume`: the records of a Storage daemon are reported, not files of the disk."""

    def __init__(self, pen: Pen, job: bytes, *, on_volume: bool, rejected: bool) -> None:
        """`rejected`: the job will end badly, as is seen later on."""
        self.tracker = Tracker(VERIFY, job, (pen.observe,))
        self._pen = pen
        self._rejected = rejected
        self._fatal = False
        if not on_volume:
            pen.fire(self.tracker, _E.WALK_STARTED)

    def opened(self) -> None:
        """The Storage daemon granted data."""
        fire_if(self.tracker, _E.VOLUME_OPENED)

    def cancel(self) -> None:
        """The job was canceled; packets under way may still come. Whether a digest was owed cannot be seen."""
        if self.tracker.state is _S.DIGEST:
            fire_if(self.tracker, _E.DIGEST_WAIVED)
        fire_if(self.tracker, _E.CANCELED)

    def takes(self, row: Row) -> bool:
        """Follow what the File daemon says; False when it is none of the exchange."""
        tracker, fire = self.tracker, self._pen.fire
        if tracker.ended:
            return False
        if message := _MESSAGE.match(row.head):
            self._message(int(message[1]))
            return True
        if row.is_signal(EOD):
            self._finish()
            return True
        if row.kind is not Kind.PACKET or row.head.startswith(b"2800 End Job ") or not row.head[:1].isdigit():
            return False
        if tracker.state is _S.DONE:
            return True
        if tracker.state is _S.IDLE:
            self.opened()
        if _DIGEST.match(row.head):
            fire(tracker, _E.DIGEST_SENT)
        elif tracker.state in (_S.VOLUME, _S.VOLUME_FILE):
            is_object = b" ReStOrEObJeCt " in row.head
            fire(tracker, _E.OBJECT_SENT if is_object else _E.ATTRIBUTES_SENT)
        else:
            fire_if(tracker, _E.DIGEST_WAIVED)
            fire(tracker, _E.FILE_FOUND, _E.ATTRIBUTES_SENT)
        return True

    def _message(self, type_number: int) -> None:
        self._fatal = self._fatal or type_number in _FATAL
        if type_number in _SKIPPED:
            fire_if(self.tracker, _E.DIGEST_WAIVED, _E.FILE_SKIPPED)

    def _finish(self) -> None:
        tracker = self.tracker
        if tracker.state in (_S.WALK, _S.DIGEST):
            fire_if(tracker, _E.DIGEST_WAIVED)
            self._pen.fire(tracker, _E.FAILED if self._fatal else _E.WALK_ENDED)
        elif tracker.state in (_S.VOLUME, _S.VOLUME_FILE):
            bad = self._fatal or self._rejected
            self._pen.fire(tracker, _E.RECORD_REJECTED if bad else _E.RECORDS_ENDED)
        elif tracker.state in (_S.IDLE, _S.ATTRIBUTE):
            self._pen.fire(tracker, _E.FAILED)
        self._pen.fire(tracker, _E.EOD_SENT)
