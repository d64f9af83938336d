"""The verify exchange (protocol book, page 02 §6.4 and page 05): attributes, then at most one digest.

One tracker a job, which comes by for every file. The Director never answers inside the exchange.
"""

from enum import Enum, unique

from statecharts.chart import Chart


@unique
class VerifyState(Enum):
    """Which packet may go to the Director now."""

    IDLE = "Idle"
    WALK = "Walk"
    ATTRIBUTE = "Attribute"
    DIGEST = "Digest"
    VOLUME = "Volume"
    VOLUME_FILE = "VolumeFile"
    DONE = "Done"
    ENDED = "Ended"


@unique
class VerifyEvent(Enum):
    """What happens in the exchange. A volume's digest that follows no attributes of its own is not sent:
    the Director fails the job when the indexes differ, so ask `Tracker.can(DIGEST_SENT)` (05 §11.3)."""

    WALK_STARTED = "the walker runs (init, catalog, disk_to_catalog)"
    FILE_FOUND = "a file to be reported was found"
    FILE_SKIPPED = "a file was seen that gets a message at most"
    ATTRIBUTES_SENT = "the attribute packet of the file was sent"
    DIGEST_SENT = "the digest packet of the same file was sent"
    DIGEST_WAIVED = "the file gets no digest packet: no regular file, no option, or unreadable"
    WALK_ENDED = "the walker has seen the last file"
    VOLUME_OPENED = "the Storage daemon granted data (volume)"
    OBJECT_SENT = "the packet of a restore object was sent"
    RECORDS_ENDED = "the Storage daemon ended the records"
    RECORD_REJECTED = "a record of the volume is wrong"
    EOD_SENT = "EOD was sent: the Director stops comparing"
    FAILED = "the exchange cannot go on"
    CANCELED = "the job was canceled"


_S, _E = VerifyState, VerifyEvent
_STOP = {_E.FAILED: _S.DONE, _E.CANCELED: _S.DONE}  # EOD is owed even then, or End Job is read as a record
_RECORDS = {
    _E.ATTRIBUTES_SENT: _S.VOLUME_FILE,
    _E.OBJECT_SENT: _S.VOLUME,  # counts an index of its own, so no digest may follow it
    _E.RECORDS_ENDED: _S.DONE,
    _E.RECORD_REJECTED: _S.DONE,
} | _STOP

VERIFY = Chart(
    name="verify",
    initial=_S.IDLE,
    finals=frozenset({_S.ENDED}),
    failed=_E.FAILED,
    canceled=_E.CANCELED,
    table={
        _S.IDLE: {_E.WALK_STARTED: _S.WALK, _E.VOLUME_OPENED: _S.VOLUME} | _STOP,
        _S.WALK: {_E.FILE_FOUND: _S.ATTRIBUTE, _E.FILE_SKIPPED: _S.WALK, _E.WALK_ENDED: _S.DONE} | _STOP,
        _S.ATTRIBUTE: {_E.ATTRIBUTES_SENT: _S.DIGEST} | _STOP,
        _S.DIGEST: {_E.DIGEST_SENT: _S.WALK, _E.DIGEST_WAIVED: _S.WALK} | _STOP,
        _S.VOLUME: _RECORDS,
        _S.VOLUME_FILE: {_E.DIGEST_SENT: _S.VOLUME} | _RECORDS,
        _S.DONE: {_E.EOD_SENT: _S.ENDED, _E.FAILED: _S.ENDED, _E.CANCELED: _S.DONE},
        _S.ENDED: {},
    },
)
