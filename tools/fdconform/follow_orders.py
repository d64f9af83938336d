"""What each order of a Director starts, and what answer ends it (protocol/02 section 1). Pure data and one function."""

import re
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final

from statecharts.director import DirectorEvent as _E


@unique
class Awaiting(Enum):
    """What the daemon still owes for an order."""

    REPLY = auto()
    """One packet that begins with `Order.answer`."""
    TEXT = auto()
    """Free text and EOD."""
    ESTIMATE = auto()
    BACKUP = auto()
    RESTORE = auto()
    STORAGE_END = auto()
    VERIFY = auto()


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Nothing is owed when `awaiting` is None. `begins` is what reading it means, `ends` what its
    `answer` means. `job` and `tls` are what it says of the job."""

    awaiting: Awaiting | None
    answer: bytes | None = None
    begins: _E | None = None
    ends: _E = _E.COMMAND_ANSWERED
    job: bytes = b""
    tls: bool | None = None
    verifies: bool = False
    on_volume: bool = False


_ANSWERS: Final = (
    (b"pluginoptions", b"2000 OK PluginOptions"),
    (b"Run ", b"2000 OK RunScript"),
    (b"restoreobject end", b"2000 OK ObjectRestored"),
    (b"getSecureEraseCmd", b"2000 OK FDSecureEraseCmd"),
    (b"setauthorization", b"2000 OK Authorization"),
    (b"setbandwidth=", b"2000 OK Bandwidth"),
    (b"setdebug=", b"2000 OK setdebug"),
    (b"session", b"2000 OK session"),
)
_JOB: Final = re.compile(rb"JobId=-?\d+ Job=(\S*)")
_STORAGE: Final = re.compile(rb"storage address=\S+ port=\d+ ssl=(\d+)")
_QUIET_LEVEL: Final = re.compile(rb"level = (?:accurate_)?(?:incremental|differential)")
_SINCE: Final = re.compile(rb"level = since_utime -?\d+ mtime_only=\d+")
_OBJECT: Final = re.compile(rb"restoreobject JobId=\d+ \d+,\d+,")
_ACCURATE: Final = re.compile(rb"accurate files=\d+")
_DISK: Final = (b"init", b"catalog", b"disk_to_catalog")


def order_of(text: bytes, *, second_fileset: bool = False) -> Order:
    """What the daemon does with this packet in its command loop; to refuse is to owe an answer for ever."""
    if found := _JOB.match(text):
        return Order(Awaiting.REPLY, b"2000 OK Job", job=found[1], tls=b" ssl=4" in text)
    if _SINCE.match(text):
        return Order(None, begins=_E.SINCE_RECEIVED)
    if text.startswith(b"level = "):
        return _level(text)
    if text.startswith(b"fileset"):
        return Order(Awaiting.REPLY) if second_fileset else Order(None, begins=_E.FILESET_STARTED)
    if text.startswith(b"accurate"):
        started = _ACCURATE.match(text)
        return Order(None, begins=_E.ACCURATE_STARTED) if started else Order(Awaiting.REPLY)
    if text.startswith(b"bootstrap"):
        return Order(None, begins=_E.BOOTSTRAP_STARTED)
    if _OBJECT.match(text):
        return Order(None, begins=_E.OBJECT_STARTED)
    if text.startswith(b"RunBeforeNow"):
        return Order(Awaiting.REPLY, b"2000 OK RunBeforeNow", _E.SCRIPTS_STARTED, _E.SCRIPTS_ENDED)
    if found := _STORAGE.match(text):
        tls = found[1] == b"4"
        return Order(Awaiting.REPLY, b"2000 OK storage\n", _E.STORAGE_DIALED, _E.STORAGE_CONNECTED, tls=tls)
    if text.startswith(b"endrestore"):
        return Order(None, begins=_E.JOB_ENDED)
    return _work(text)


def _level(text: bytes) -> Order:
    if _QUIET_LEVEL.match(text):
        return Order(None, begins=_E.COMMAND_ANSWERED)
    return Order(Awaiting.REPLY, b"2000 OK level")


def _work(text: bytes) -> Order:
    if text.startswith(b"estimate"):
        return Order(Awaiting.ESTIMATE)
    if text.startswith(b"backup"):
        return Order(Awaiting.BACKUP)
    if text.startswith(b"restore "):
        return Order(Awaiting.RESTORE)
    if text.startswith(b"verify"):
        _, _, level = text.strip().partition(b"level=")
        on_volume = level == b"volume"
        return Order(Awaiting.VERIFY, verifies=on_volume or level in _DISK, on_volume=on_volume)
    if text.startswith((b"status", b".status", b"resolve ", b"cancel")):
        return Order(Awaiting.TEXT)
    for word, answer in _ANSWERS:
        if text.startswith(word):
            return Order(Awaiting.REPLY, answer)
    return Order(Awaiting.REPLY)
