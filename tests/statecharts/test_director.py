"""The dialogues of page 02 §2 of the protocol book, as the control channel sees them."""

import pytest

from statecharts.director import DIRECTOR, DirectorEvent, DirectorState
from statecharts.tracker import Tracker

IN = "ACCEPTED AUTHENTICATED"
FULL = "COMMAND_ANSWERED COMMAND_ANSWERED FILESET_STARTED LIST_ENDED COMMAND_ANSWERED"
SINCE = "COMMAND_ANSWERED COMMAND_ANSWERED SINCE_RECEIVED CLOCK_SYNCED FILESET_STARTED LIST_ENDED"
OBJECT = "OBJECT_STARTED OBJECT_NAMED OBJECT_RECEIVED"
SCRIPTS = "COMMAND_ANSWERED SCRIPTS_STARTED SCRIPTS_ENDED"
ACCURATE = "ACCURATE_STARTED LIST_ENDED"
STORAGE = "STORAGE_DIALED STORAGE_CONNECTED"
END = "STORAGE_RELEASED SCRIPTS_ENDED END_JOB_SENT MESSAGES_FLUSHED TERMINATE_SENT"
BYE = "TERMINATE_SENT"
SILENT_END = "STORAGE_RELEASED SCRIPTS_ENDED SKIPPED MESSAGES_FLUSHED SKIPPED"

DIALOGUES = {
    "full backup": f"{IN} {FULL} {SCRIPTS} {STORAGE} JOB_STARTED JOB_ENDED {END}",
    "accurate incremental": (
        f"{IN} {SINCE} {OBJECT} COMMAND_ANSWERED {ACCURATE} {STORAGE} JOB_STARTED JOB_ENDED {END}"
    ),
    "backup of a passive client": f"{IN} {FULL} STORAGE_ATTACHED JOB_STARTED JOB_ENDED {END}",
    "storage calls while a list is received": (
        f"{IN} FILESET_STARTED STORAGE_ATTACHED LIST_ENDED JOB_STARTED JOB_ENDED {END}"
    ),
    "backup canceled": f"{IN} {FULL} {STORAGE} JOB_STARTED CANCELED DIRECTOR_LEFT JOB_ENDED {SILENT_END}",
    "backup refused": f"{IN} {FULL} COMMAND_REFUSED {END}",
    "storage cannot be reached": f"{IN} {FULL} STORAGE_DIALED FAILED {END}",
    "before script stops the job": f"{IN} {FULL} SCRIPTS_STARTED SCRIPTS_REFUSED {END}",
    "bad fileset": f"{IN} FILESET_STARTED LIST_REFUSED {END}",
    "bad clock answer": f"{IN} SINCE_RECEIVED FAILED {END}",
    "restore from two storages": (
        f"{IN} COMMAND_ANSWERED COMMAND_ANSWERED {STORAGE} RESTORE_STARTED STORAGE_ENDED "
        f"{STORAGE} RESTORE_STARTED STORAGE_ENDED JOB_ENDED {END}"
    ),
    "restore fails": f"{IN} COMMAND_ANSWERED {STORAGE} RESTORE_STARTED JOB_ENDED {END}",
    "verify": f"{IN} COMMAND_ANSWERED FILESET_STARTED LIST_ENDED JOB_STARTED JOB_ENDED {END}",
    "estimate": f"{IN} {FULL} ESTIMATE_STARTED ESTIMATED DIRECTOR_LEFT {SILENT_END}",
    "console one-shot": f"{IN} COMMAND_ANSWERED DIRECTOR_LEFT {SILENT_END}",
    "unknown command": f"{IN} COMMAND_REFUSED STORAGE_RELEASED SCRIPTS_ENDED SKIPPED MESSAGES_FLUSHED {BYE}",
    "unknown Director": "ACCEPTED REFUSED",
    "client-initiated": f"DIAL_STARTED DIAL_FAILED PARKED TAKEN_UP {FULL} JOB_STARTED JOB_ENDED {END}",
    "parked connection lost": "DIAL_STARTED PARKED FAILED",
    "every step of the end fails": f"{IN} JOB_STARTED FAILED FAILED FAILED FAILED FAILED FAILED",
    "daemon stops": f"{IN} JOB_STARTED ABANDONED",
}


@pytest.mark.parametrize("events", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_dialogues_end_closed(events: str) -> None:
    tracker = Tracker(DIRECTOR)
    for name in events.split():
        tracker.fire(DirectorEvent[name])
    assert tracker.state is DirectorState.CLOSED


def test_a_cancel_never_moves_an_authenticated_session() -> None:
    reached = {
        source
        for source, event, target in DIRECTOR.edges()
        if event is DirectorEvent.CANCELED and source is not target
    }
    assert reached == {
        DirectorState.IDLE,
        DirectorState.DIALING,
        DirectorState.PARKED,
        DirectorState.HANDSHAKE,
    }


def test_after_the_end_job_line_no_command_is_read() -> None:
    for state in (DirectorState.END_JOB, DirectorState.DRAIN, DirectorState.TERMINATE):
        assert DirectorState.COMMAND not in DIRECTOR.table[state].values()


def test_a_running_job_outlives_its_director() -> None:
    """The C++ daemon finishes the backup to the Storage daemon (02 §6.1, dir_dead)."""
    row = DIRECTOR.table[DirectorState.JOB_RUNNING]
    assert row[DirectorEvent.DIRECTOR_LEFT] is DirectorState.JOB_RUNNING
