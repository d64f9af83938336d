"""The control channel of one Director connection (protocol book, page 02 §6.1, rows C, J, X and E).

Rows of a list (fileset lines, accurate entries) are no events: a list begins and ends, however long it is.
"""

from enum import Enum, unique

from statecharts.chart import Chart


@unique
class DirectorState(Enum):
    """What the control channel is waiting for, or doing."""

    IDLE = "Idle"
    DIALING = "Dialing"
    PARKED = "Parked"
    HANDSHAKE = "Handshake"
    COMMAND = "Command"
    LEVEL_SYNC = "LevelSync"
    FILESET_RX = "FilesetRx"
    ACCURATE_RX = "AccurateRx"
    BOOTSTRAP_RX = "BootstrapRx"
    OBJ_NAME = "ObjName"
    OBJ_DATA = "ObjData"
    BEFORE_SCRIPTS = "BeforeScripts"
    SD_CONNECT = "SdConnect"
    ESTIMATING = "Estimating"
    JOB_RUNNING = "JobRunning"
    RESTORING = "Restoring"
    SD_TERMINATE = "SdTerminate"
    AFTER_SCRIPTS = "AfterScripts"
    END_JOB = "EndJob"
    DRAIN = "Drain"
    TERMINATE = "Terminate"
    CLOSED = "Closed"


@unique
class DirectorEvent(Enum):
    """What happens on the control channel. CANCELED never moves it: the job's own end does."""

    ACCEPTED = "a connection of a Director came in"
    DIAL_STARTED = "the daemon calls its Director (client-initiated connection)"
    DIAL_FAILED = "the call failed; it is repeated after a pause"
    PARKED = "the called Director has greeted; nothing may be sent now"
    TAKEN_UP = "the parked connection has data: the Director wants a session"
    AUTHENTICATED = "the handshake ended with a known Director"
    REFUSED = "the handshake ended without one"
    COMMAND_ANSWERED = "a command was carried out and answered in one step, or needs no answer"
    COMMAND_REFUSED = "a command was unknown, forbidden, malformed or impossible; it was answered accordingly"
    SINCE_RECEIVED = "a level since a time came: the clocks are compared"
    CLOCK_SYNCED = "the tenth clock answer came"
    FILESET_STARTED = "the fileset lines begin"
    ACCURATE_STARTED = "the list of the files known to the Director begins"
    BOOTSTRAP_STARTED = "the bootstrap lines begin"
    LIST_ENDED = "the list is complete and was accepted"
    LIST_REFUSED = "the list is complete and holds an error"
    OBJECT_STARTED = "the header of a restore object came"
    OBJECT_NAMED = "the name of the restore object came"
    OBJECT_RECEIVED = "the bytes of the restore object came"
    SCRIPTS_STARTED = "the Before scripts run"
    SCRIPTS_ENDED = "all scripts of the phase have run, or there are none to run"
    SCRIPTS_REFUSED = "a Before script failed so that the job must not run"
    STORAGE_DIALED = "the Storage daemon is being called"
    STORAGE_CONNECTED = "the Storage daemon is there and authenticated"
    STORAGE_ATTACHED = "the Storage daemon has called us (passive client)"
    ESTIMATE_STARTED = "an estimate was accepted"
    ESTIMATED = "the estimate and its EOD were sent"
    JOB_STARTED = "a backup or a verify was accepted"
    RESTORE_STARTED = "a restore of one storage was accepted"
    STORAGE_ENDED = "one storage of a restore is done, the Director may name the next"
    JOB_ENDED = "the job's data phase is over, well or not"
    DIRECTOR_LEFT = "a signal ended the command loop, or the connection is dead for sending"
    STORAGE_RELEASED = "TERMINATE went to the Storage daemon, or there is none"
    END_JOB_SENT = "the End Job line was sent"
    SKIPPED = "nothing to send in this step: JobId 0, or the Director cannot hear"
    MESSAGES_FLUSHED = "the queued messages were sent"
    TERMINATE_SENT = "TERMINATE was sent"
    FAILED = "the step failed"
    CANCELED = "the job was canceled from another connection"
    ABANDONED = "a deadline passed or the daemon stops: closed with nothing more said"


_S, _E = DirectorState, DirectorEvent
type _Row = dict[DirectorEvent, DirectorState]


def _before(row: _Row) -> _Row:
    """Before authentication there is nobody to report to: whatever breaks closes the connection."""
    return row | {_E.FAILED: _S.CLOSED, _E.CANCELED: _S.CLOSED, _E.ABANDONED: _S.CLOSED}


def _session(state: DirectorState, row: _Row) -> _Row:
    """With a Director in session: failure reports, cancel only sets the status (X1), an SD may call in."""
    common = {
        _E.STORAGE_ATTACHED: state,
        _E.DIRECTOR_LEFT: _S.SD_TERMINATE,
        _E.FAILED: _S.SD_TERMINATE,
        _E.CANCELED: state,
        _E.ABANDONED: _S.CLOSED,
    }
    return row | common | row  # the row's own answer wins, and stands first


def _work(state: DirectorState, row: _Row) -> _Row:
    """While something runs that does not read from the Director, its leaving is only noted (E6)."""
    return _session(state, row | {_E.DIRECTOR_LEFT: state})


def _report(state: DirectorState, event: DirectorEvent, target: DirectorState) -> _Row:
    """A step of the end: it cannot be refused, and when it fails the next one is due all the same."""
    return {
        event: target,
        _E.DIRECTOR_LEFT: state,
        _E.FAILED: target,
        _E.CANCELED: state,
        _E.ABANDONED: _S.CLOSED,
    }


DIRECTOR = Chart(
    name="director",
    initial=_S.IDLE,
    finals=frozenset({_S.CLOSED}),
    failed=_E.FAILED,
    canceled=_E.CANCELED,
    table={
        _S.IDLE: _before({_E.ACCEPTED: _S.HANDSHAKE, _E.DIAL_STARTED: _S.DIALING}),
        _S.DIALING: _before({_E.DIAL_FAILED: _S.DIALING, _E.PARKED: _S.PARKED}),
        _S.PARKED: _before({_E.TAKEN_UP: _S.COMMAND}),
        _S.HANDSHAKE: _before({_E.AUTHENTICATED: _S.COMMAND, _E.REFUSED: _S.CLOSED}),
        _S.COMMAND: _session(
            _S.COMMAND,
            {
                _E.COMMAND_ANSWERED: _S.COMMAND,
                _E.COMMAND_REFUSED: _S.SD_TERMINATE,
                _E.SINCE_RECEIVED: _S.LEVEL_SYNC,
                _E.FILESET_STARTED: _S.FILESET_RX,
                _E.ACCURATE_STARTED: _S.ACCURATE_RX,
                _E.BOOTSTRAP_STARTED: _S.BOOTSTRAP_RX,
                _E.OBJECT_STARTED: _S.OBJ_NAME,
                _E.SCRIPTS_STARTED: _S.BEFORE_SCRIPTS,
                _E.STORAGE_DIALED: _S.SD_CONNECT,
                _E.ESTIMATE_STARTED: _S.ESTIMATING,
                _E.JOB_STARTED: _S.JOB_RUNNING,
                _E.RESTORE_STARTED: _S.RESTORING,
                _E.JOB_ENDED: _S.SD_TERMINATE,  # endrestore (C53)
            },
        ),
        _S.LEVEL_SYNC: _session(_S.LEVEL_SYNC, {_E.CLOCK_SYNCED: _S.COMMAND}),
        _S.FILESET_RX: _session(_S.FILESET_RX, {_E.LIST_ENDED: _S.COMMAND, _E.LIST_REFUSED: _S.SD_TERMINATE}),
        _S.ACCURATE_RX: _session(
            _S.ACCURATE_RX, {_E.LIST_ENDED: _S.COMMAND, _E.LIST_REFUSED: _S.SD_TERMINATE}
        ),
        _S.BOOTSTRAP_RX: _session(
            _S.BOOTSTRAP_RX, {_E.LIST_ENDED: _S.COMMAND, _E.LIST_REFUSED: _S.SD_TERMINATE}
        ),
        _S.OBJ_NAME: _session(_S.OBJ_NAME, {_E.OBJECT_NAMED: _S.OBJ_DATA}),
        _S.OBJ_DATA: _session(_S.OBJ_DATA, {_E.OBJECT_RECEIVED: _S.COMMAND}),
        _S.BEFORE_SCRIPTS: _work(
            _S.BEFORE_SCRIPTS, {_E.SCRIPTS_ENDED: _S.COMMAND, _E.SCRIPTS_REFUSED: _S.SD_TERMINATE}
        ),
        _S.SD_CONNECT: _work(_S.SD_CONNECT, {_E.STORAGE_CONNECTED: _S.COMMAND}),
        _S.ESTIMATING: _work(_S.ESTIMATING, {_E.ESTIMATED: _S.COMMAND}),
        _S.JOB_RUNNING: _work(_S.JOB_RUNNING, {_E.JOB_ENDED: _S.SD_TERMINATE}),
        _S.RESTORING: _work(_S.RESTORING, {_E.STORAGE_ENDED: _S.COMMAND, _E.JOB_ENDED: _S.SD_TERMINATE}),
        _S.SD_TERMINATE: _report(_S.SD_TERMINATE, _E.STORAGE_RELEASED, _S.AFTER_SCRIPTS),
        _S.AFTER_SCRIPTS: _report(_S.AFTER_SCRIPTS, _E.SCRIPTS_ENDED, _S.END_JOB),
        _S.END_JOB: _report(_S.END_JOB, _E.END_JOB_SENT, _S.DRAIN) | {_E.SKIPPED: _S.DRAIN},
        _S.DRAIN: _report(_S.DRAIN, _E.MESSAGES_FLUSHED, _S.TERMINATE),
        _S.TERMINATE: _report(_S.TERMINATE, _E.TERMINATE_SENT, _S.CLOSED) | {_E.SKIPPED: _S.CLOSED},
        _S.CLOSED: {},
    },
)
