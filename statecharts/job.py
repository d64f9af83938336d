"""The life of one session's work, from the connection to its close: what the five top-level states mean.

One tracker a session. Values of events say what has happened; sections are those of page 02.
"""

from enum import Enum, unique

from statecharts.chart import Chart


@unique
class JobState(Enum):
    """Top-level states (02 §6): where a session's work stands."""

    IDLE = "Idle"
    AUTHENTICATED = "Authenticated"
    SCANNING = "Scanning"
    STREAMING = "Streaming"
    REPORTING = "Reporting"
    CLOSED = "Closed"


@unique
class JobEvent(Enum):
    """What happens to a session's work. After CANCELED or FAILED the driver fires no more events of the phase
    that they ended: the next one is REPORTED, ABANDONED or another CANCELED or FAILED."""

    AUTHENTICATED = "the Director has proved who it is"
    REFUSED = "the handshake ended without a known Director"
    WALK_STARTED = "backup, estimate or verify of the disk accepted; the walker runs"
    STORAGE_OPENED = "the Storage daemon granted data: append (backup) or read (restore, verify volume)"
    WALK_ENDED = "estimate or verify of the disk has seen the last file"
    DATA_ENDED = "the last data packet was sent (backup) or received (restore, verify volume)"
    STORAGE_ENDED = "one storage of a restore is done and the Director may name the next"
    ESTIMATED = "the estimate has been sent; the Director may go on"
    COMMANDS_ENDED = "the Director sent a signal, endrestore or its end, or a command was refused"
    REPORTED = "scripts, End Job and the messages are out; the connection is closed"
    FAILED = "the phase cannot go on"
    CANCELED = "someone canceled the job"
    ABANDONED = "a deadline passed or the daemon stops: the connection closes with nothing more said"


_S, _E = JobState, JobEvent

JOB = Chart(
    name="job",
    initial=_S.IDLE,
    finals=frozenset({_S.CLOSED}),
    failed=_E.FAILED,
    canceled=_E.CANCELED,
    table={
        _S.IDLE: {
            _E.AUTHENTICATED: _S.AUTHENTICATED,
            _E.REFUSED: _S.CLOSED,
            _E.FAILED: _S.CLOSED,
            _E.CANCELED: _S.CLOSED,
            _E.ABANDONED: _S.CLOSED,
        },
        _S.AUTHENTICATED: {
            _E.WALK_STARTED: _S.SCANNING,
            _E.STORAGE_OPENED: _S.STREAMING,
            _E.COMMANDS_ENDED: _S.REPORTING,
            _E.FAILED: _S.REPORTING,
            _E.CANCELED: _S.AUTHENTICATED,  # only the status changes (02 §6.1 X1)
            _E.ABANDONED: _S.CLOSED,
        },
        _S.SCANNING: {
            _E.STORAGE_OPENED: _S.STREAMING,
            _E.WALK_ENDED: _S.REPORTING,
            _E.FAILED: _S.REPORTING,
            _E.CANCELED: _S.REPORTING,
            _E.ABANDONED: _S.CLOSED,
        },
        _S.STREAMING: {
            _E.DATA_ENDED: _S.REPORTING,
            _E.FAILED: _S.REPORTING,
            _E.CANCELED: _S.REPORTING,
            _E.ABANDONED: _S.CLOSED,
        },
        _S.REPORTING: {
            _E.STORAGE_ENDED: _S.AUTHENTICATED,  # 02 §6.1 J29
            _E.ESTIMATED: _S.AUTHENTICATED,  # 02 §6.1 J4
            _E.REPORTED: _S.CLOSED,
            _E.FAILED: _S.REPORTING,  # a failure changes the report, it does not stop it
            _E.CANCELED: _S.REPORTING,
            _E.ABANDONED: _S.CLOSED,
        },
        _S.CLOSED: {},
    },
)
