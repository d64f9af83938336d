"""The data channel to one Storage daemon, append and read (protocol book, page 02 §6.2 and §6.3).

One tracker a connection; the next storage of a restore has its own. No event is fired per file, record or
heartbeat: those leave the state as it is.
"""

from enum import Enum, unique

from statecharts.chart import Chart


@unique
class StorageState(Enum):
    """What the data channel is waiting for, or doing."""

    NO_CHANNEL = "NoChannel"
    CONNECTING = "Connecting"
    TLS_HANDSHAKE = "TlsHandshake"
    HELLO = "Hello"
    AUTH = "Auth"
    READY = "Ready"
    OPEN_SENT = "OpenSent"
    DATA_REQ_SENT = "DataReqSent"
    STREAMING = "Streaming"
    EOD_SENT = "EodSent"
    END_SENT = "EndSent"
    CLOSE_SENT = "CloseSent"
    READ_OPEN_SENT = "ReadOpenSent"
    READ_DATA_SENT = "ReadDataSent"
    READING = "Reading"
    READ_CLOSING = "ReadClosing"
    SESSION_CLOSED = "SessionClosed"
    BROKEN = "Broken"
    FAILED = "Failed"
    TERMINATED = "Terminated"


@unique
class StorageEvent(Enum):
    """What happens on the data channel. Requests are events when they have been sent."""

    DIALED = "the address is resolved and called"
    DIAL_FAILED = "no connection yet; it is tried again after a pause"
    CONNECTED = "the connection stands"
    ATTACHED = "the Storage daemon has called us (passive client) and named a known job"
    TLS_ESTABLISHED = "TLS stands"
    TLS_WAIVED = "the Director's policy asks for no TLS"
    HELLO_SENT = "the job's Hello was sent"
    AUTHENTICATED = "both sides know the job's key"
    REFUSED = "the challenge failed, on either side"
    APPEND_REQUESTED = "append open session was sent"
    READ_REQUESTED = "read open session was sent"
    TICKET_GIVEN = "the session has a number; its data was asked for"
    DATA_GRANTED = "3000 OK data came: data may flow"
    STREAM_ENDED = "the closing EOD was sent"
    APPEND_CONFIRMED = "3000 OK append data came; append end session was sent"
    END_CONFIRMED = "3000 OK end came; append close session was sent"
    CLOSE_CONFIRMED = "the session is closed with a good status (append), or an answer came (read)"
    CLOSE_REJECTED = "the session is closed with a bad status, or without any"
    WRITE_FAILED = "data could not be sent any more"
    RECORDS_ENDED = "the Storage daemon ended the records with a signal"
    RECORD_REJECTED = "a record header or its length is wrong, or the restore cannot go on"
    TERMINATED = "TERMINATE was sent if anyone could hear it, and the channel is closed"
    FAILED = "a wrong answer, a signal in its place, a time limit, or the connection broke"
    CANCELED = "the job was canceled: nothing more is sent or received"


_S, _E = StorageState, StorageEvent
type _Row = dict[StorageEvent, StorageState]


def _step(row: _Row) -> _Row:
    """A conversation step: what breaks it fails the session, a cancel leaves the channel dead (B32)."""
    return row | {_E.FAILED: _S.FAILED, _E.CANCELED: _S.BROKEN}


STORAGE = Chart(
    name="storage",
    initial=_S.NO_CHANNEL,
    finals=frozenset({_S.TERMINATED}),
    failed=_E.FAILED,
    canceled=_E.CANCELED,
    table={
        _S.NO_CHANNEL: _step({_E.DIALED: _S.CONNECTING, _E.ATTACHED: _S.AUTH, _E.TERMINATED: _S.TERMINATED}),
        _S.CONNECTING: _step({_E.DIAL_FAILED: _S.CONNECTING, _E.CONNECTED: _S.TLS_HANDSHAKE}),
        _S.TLS_HANDSHAKE: _step({_E.TLS_ESTABLISHED: _S.HELLO, _E.TLS_WAIVED: _S.HELLO}),
        _S.HELLO: _step({_E.HELLO_SENT: _S.AUTH}),
        _S.AUTH: _step({_E.AUTHENTICATED: _S.READY, _E.REFUSED: _S.FAILED}),
        _S.READY: _step(
            {
                _E.APPEND_REQUESTED: _S.OPEN_SENT,
                _E.READ_REQUESTED: _S.READ_OPEN_SENT,
                _E.TERMINATED: _S.TERMINATED,  # never used: job over, or another storage was named (B9)
            }
        ),
        # append
        _S.OPEN_SENT: _step({_E.TICKET_GIVEN: _S.DATA_REQ_SENT}),
        _S.DATA_REQ_SENT: _step({_E.DATA_GRANTED: _S.STREAMING}),
        _S.STREAMING: _step({_E.STREAM_ENDED: _S.EOD_SENT, _E.WRITE_FAILED: _S.BROKEN}),
        _S.EOD_SENT: _step(
            {
                _E.APPEND_CONFIRMED: _S.END_SENT,
                _E.TERMINATED: _S.TERMINATED,  # the walk failed: the session is left open on purpose (B21)
            }
        ),
        _S.END_SENT: _step({_E.END_CONFIRMED: _S.CLOSE_SENT}),
        _S.CLOSE_SENT: _step({_E.CLOSE_CONFIRMED: _S.SESSION_CLOSED, _E.CLOSE_REJECTED: _S.FAILED}),
        # read
        _S.READ_OPEN_SENT: _step({_E.TICKET_GIVEN: _S.READ_DATA_SENT}),
        _S.READ_DATA_SENT: _step({_E.DATA_GRANTED: _S.READING}),
        _S.READING: _step({_E.RECORDS_ENDED: _S.READ_CLOSING, _E.RECORD_REJECTED: _S.READ_CLOSING}),
        _S.READ_CLOSING: _step({_E.CLOSE_CONFIRMED: _S.SESSION_CLOSED}),
        # the end of both
        _S.SESSION_CLOSED: _step({_E.TERMINATED: _S.TERMINATED}),
        _S.BROKEN: _step({_E.TERMINATED: _S.TERMINATED}),
        _S.FAILED: {_E.TERMINATED: _S.TERMINATED, _E.FAILED: _S.FAILED, _E.CANCELED: _S.FAILED},
        _S.TERMINATED: {},
    },
)
