"""The dialogues of page 02 §2 of the protocol book, as the job chart sees them."""

import pytest

from statecharts.job import JOB, JobEvent, JobState
from statecharts.tracker import Tracker

DIALOGUES = {
    "backup": "AUTHENTICATED WALK_STARTED STORAGE_OPENED DATA_ENDED REPORTED",
    "backup whose storage fails while finishing": (
        "AUTHENTICATED WALK_STARTED STORAGE_OPENED DATA_ENDED FAILED REPORTED"
    ),
    "backup without storage": "AUTHENTICATED WALK_STARTED FAILED REPORTED",
    "backup canceled while data flows": "AUTHENTICATED WALK_STARTED STORAGE_OPENED CANCELED REPORTED",
    "backup canceled before it was asked for": "AUTHENTICATED CANCELED WALK_STARTED FAILED REPORTED",
    "restore": "AUTHENTICATED STORAGE_OPENED DATA_ENDED STORAGE_ENDED COMMANDS_ENDED REPORTED",
    "restore from two storages": (
        "AUTHENTICATED STORAGE_OPENED DATA_ENDED STORAGE_ENDED "
        "STORAGE_OPENED DATA_ENDED STORAGE_ENDED COMMANDS_ENDED REPORTED"
    ),
    "restore whose second storage fails": (
        "AUTHENTICATED STORAGE_OPENED DATA_ENDED STORAGE_ENDED STORAGE_OPENED FAILED REPORTED"
    ),
    "restore that cannot open": "AUTHENTICATED FAILED REPORTED",
    "verify of the disk": "AUTHENTICATED WALK_STARTED WALK_ENDED REPORTED",
    "verify of the volume": "AUTHENTICATED STORAGE_OPENED DATA_ENDED REPORTED",
    "estimate": "AUTHENTICATED WALK_STARTED WALK_ENDED ESTIMATED COMMANDS_ENDED REPORTED",
    "console one-shot": "AUTHENTICATED COMMANDS_ENDED REPORTED",
    "unknown Director": "REFUSED",
    "handshake breaks": "FAILED",
    "daemon stops in mid-stream": "AUTHENTICATED WALK_STARTED STORAGE_OPENED ABANDONED",
    "report takes too long": "AUTHENTICATED WALK_STARTED STORAGE_OPENED DATA_ENDED ABANDONED",
}


@pytest.mark.parametrize("events", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_dialogues_end_closed(events: str) -> None:
    tracker = Tracker(JOB)
    for name in events.split():
        tracker.fire(JobEvent[name])
    assert tracker.state is JobState.CLOSED


def test_only_a_report_follows_data() -> None:
    assert not any(
        target is JobState.SCANNING for source, _, target in JOB.edges() if source is JobState.STREAMING
    )
    assert set(JOB.table[JobState.STREAMING].values()) == {JobState.REPORTING, JobState.CLOSED}


def test_nothing_streams_before_authentication() -> None:
    assert set(JOB.table[JobState.IDLE].values()) == {JobState.AUTHENTICATED, JobState.CLOSED}
