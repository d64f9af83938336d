"""Edges of the charts that no case can exercise from outside, each with the reason. Pure data.

A reason is stale, and a run with coverage says so, as soon as its edge is exercised all the same.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fdconform.coverage import Edge, coverage_of, to_json

_AT_ONCE = "the daemon does not wait here: nothing from outside can come between this step and the one before"
_UNDER_WAY = "accepting a connection is the chart's first step, so nothing can happen to it before"
_LOOP = "what goes wrong between commands is a Director that left, and in a command one that was refused"
_LIST = "such a list cannot fail: what is wrong in it is dropped, and its end is always taken"
_ORDERLY = (
    "a daemon that is told to end stops running work with a fatal message and reports it: it abandons nothing"
)
_NO_JOB = "a handshake has no job yet that could be canceled"
_REFUSAL = "whatever ends a handshake early is a refusal, on the wire and to the daemon"
_DIAL = "a call that fails for whatever reason is given up as a whole and begins anew a minute later"
_REPORT = "the steps of the report follow each other without waiting, and the daemon has stopped to read"
_WORK_END = "work that fails ends its job in order (JOB_ENDED, SCRIPTS_REFUSED): only a bug could break the step itself"
_STORAGE_ONCE = "a restore begins when its Storage daemon is there, and a second call for the job is refused"
_KEY_IN_USE = (
    "a key with which the daemon calls a Storage daemon lets nobody in (01 §6.5: one key, one attempt)"
)
_SILENT_END = "the connection is closed before the cancel can be told from a failure of the step"
_LATE_NOTICE = "what breaks here is noticed by the next step, which fails, or is called a refusal"
_CLOSE = "any end of this step that brings no good status is CLOSE_REJECTED"
_OVER = "nothing is sent or received any more in this state, so nothing can happen but TERMINATED"
_EXCHANGE = "a file's packets are made and sent in one batch: a cancel or a failure comes before the batch or after it"
_VERIFY_IDLE = "the exchange begins in the same moment in which it is made"
_VERIFY_DONE = "EOD follows at once: nothing from outside can come between"

_TABLE: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("job", "Idle", "FAILED", _REFUSAL),
    ("job", "Idle", "CANCELED", _NO_JOB),
    ("job", "Scanning", "ABANDONED", _ORDERLY),
    ("job", "Streaming", "ABANDONED", _ORDERLY),
    ("job", "Reporting", "FAILED", _REPORT),
    ("director", "Idle", "FAILED CANCELED ABANDONED", _UNDER_WAY),
    ("director", "Dialing", "DIAL_FAILED", _DIAL),
    ("director", "Dialing", "FAILED", _DIAL),
    ("director", "Dialing Parked", "CANCELED", _NO_JOB),
    ("director", "Handshake", "CANCELED", _NO_JOB),
    ("director", "Handshake", "FAILED ABANDONED", _REFUSAL),
    ("director", "Command", "FAILED", _LOOP),
    ("director", "FilesetRx AccurateRx BootstrapRx", "FAILED", _LIST),
    ("director", "AccurateRx BootstrapRx", "LIST_REFUSED", _LIST),
    ("director", "BeforeScripts JobRunning Restoring", "FAILED", _WORK_END),
    ("director", "BeforeScripts SdConnect Estimating JobRunning Restoring", "ABANDONED", _ORDERLY),
    ("director", "Restoring", "STORAGE_ATTACHED", _STORAGE_ONCE),
    ("director", "SdConnect", "STORAGE_ATTACHED", _KEY_IN_USE),
    ("director", "SdTerminate EndJob Drain Terminate", "DIRECTOR_LEFT FAILED CANCELED ABANDONED", _REPORT),
    ("director", "AfterScripts", "FAILED", "a script after the job cannot fail it: its failure is a message"),
    ("storage", "NoChannel", "FAILED CANCELED", _AT_ONCE),
    ("storage", "Connecting TlsHandshake", "CANCELED", _SILENT_END),
    ("storage", "Hello", "FAILED CANCELED", _AT_ONCE),
    ("storage", "Auth Ready", "FAILED", _LATE_NOTICE),
    ("storage", "CloseSent", "FAILED", _CLOSE),
    ("storage", "SessionClosed Failed", "FAILED CANCELED", _OVER),
    ("storage", "Broken", "FAILED CANCELED", _OVER),
    ("verify", "Idle", "FAILED CANCELED", _VERIFY_IDLE),
    ("verify", "Attribute", "FAILED CANCELED", _EXCHANGE),
    ("verify", "Digest", "FAILED CANCELED", _EXCHANGE),
    ("verify", "VolumeFile", "CANCELED", _EXCHANGE),
    ("verify", "Done", "CANCELED", _VERIFY_DONE),
)

REASONS: Final[Mapping[Edge, str]] = MappingProxyType(
    {
        Edge(chart, source, event): why
        for chart, sources, events, why in _TABLE
        for source in sources.split()
        for event in events.split()
    }
)
"""Why not, by edge."""


def judged(transcripts: Iterable[Iterable[Mapping[str, Any]]], logs: Iterable[str]) -> dict[str, Any]:
    """The coverage of a run, against these reasons, for `Report.coverage`. Raises RecordingError."""
    return to_json(coverage_of(transcripts, logs), REASONS)
