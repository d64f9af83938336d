"""The dialogues of page 02 §5 and §6.2/6.3 of the protocol book, as the data channel sees them."""

import pytest

from statecharts.storage import STORAGE, StorageEvent, StorageState
from statecharts.tracker import IllegalTransition, Tracker

CALL = "DIALED DIAL_FAILED CONNECTED TLS_ESTABLISHED HELLO_SENT AUTHENTICATED"
APPEND = "APPEND_REQUESTED TICKET_GIVEN DATA_GRANTED"
READ = "READ_REQUESTED TICKET_GIVEN DATA_GRANTED"

DIALOGUES = {
    "append": (f"{CALL} {APPEND} STREAM_ENDED APPEND_CONFIRMED END_CONFIRMED CLOSE_CONFIRMED TERMINATED"),
    "append, bad status at the close": (
        f"{CALL} {APPEND} STREAM_ENDED APPEND_CONFIRMED END_CONFIRMED CLOSE_REJECTED TERMINATED"
    ),
    "append after a failed walk": f"{CALL} {APPEND} STREAM_ENDED TERMINATED",
    "append, write error": f"{CALL} {APPEND} WRITE_FAILED TERMINATED",
    "append, data refused": f"{CALL} APPEND_REQUESTED TICKET_GIVEN FAILED TERMINATED",
    "append, canceled": f"{CALL} {APPEND} CANCELED FAILED TERMINATED",
    "read": f"{CALL} {READ} RECORDS_ENDED CLOSE_CONFIRMED TERMINATED",
    "read, bad record": f"{CALL} {READ} RECORD_REJECTED CLOSE_CONFIRMED TERMINATED",
    "read, canceled": f"{CALL} {READ} CANCELED TERMINATED",
    "passive, in the clear": f"ATTACHED AUTHENTICATED {APPEND} WRITE_FAILED TERMINATED",
    "no TLS": "DIALED CONNECTED TLS_WAIVED HELLO_SENT REFUSED TERMINATED",
    "never reached": "DIALED DIAL_FAILED DIAL_FAILED FAILED TERMINATED",
    "authenticated and never used": f"{CALL} TERMINATED",
}


@pytest.mark.parametrize("events", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_dialogues_end_terminated(events: str) -> None:
    tracker = Tracker(STORAGE)
    for name in events.split():
        tracker.fire(StorageEvent[name])
    assert tracker.state is StorageState.TERMINATED


def test_the_end_of_the_append_session_is_not_pipelined() -> None:
    """A command sent before the answer to EOD may be swallowed (02 §5.2)."""
    tracker = Tracker(STORAGE)
    for name in f"{CALL} {APPEND} STREAM_ENDED".split():
        tracker.fire(StorageEvent[name])
    for event in (StorageEvent.END_CONFIRMED, StorageEvent.CLOSE_CONFIRMED):
        with pytest.raises(IllegalTransition):
            tracker.fire(event)


def test_the_two_sessions_do_not_mix() -> None:
    tracker = Tracker(STORAGE)
    for name in f"{CALL} {READ}".split():
        tracker.fire(StorageEvent[name])
    assert not tracker.can(StorageEvent.STREAM_ENDED)
    assert not tracker.can(StorageEvent.APPEND_REQUESTED)


def test_a_cancel_kills_the_channel_from_everywhere() -> None:
    for state in StorageState:
        if state not in STORAGE.finals and state is not StorageState.FAILED:
            assert STORAGE.table[state][StorageEvent.CANCELED] is StorageState.BROKEN
    assert STORAGE.allowed(StorageState.BROKEN) == (
        StorageEvent.TERMINATED,
        StorageEvent.FAILED,
        StorageEvent.CANCELED,
    )
