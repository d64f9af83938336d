"""The order of packets in page 05 of the protocol book."""

import pytest

from statecharts.tracker import IllegalTransition, Tracker
from statecharts.verify import VERIFY, VerifyEvent, VerifyState

FILE = "FILE_FOUND ATTRIBUTES_SENT DIGEST_SENT"
PLAIN = "FILE_FOUND ATTRIBUTES_SENT DIGEST_WAIVED"

EXCHANGES = {
    "disk": f"WALK_STARTED {FILE} FILE_SKIPPED {PLAIN} {FILE} WALK_ENDED EOD_SENT",
    "empty disk": "WALK_STARTED WALK_ENDED EOD_SENT",
    "canceled between files": f"WALK_STARTED {FILE} CANCELED EOD_SENT",
    "Director gone": "WALK_STARTED FILE_FOUND FAILED FAILED",
    "volume": (
        "VOLUME_OPENED ATTRIBUTES_SENT DIGEST_SENT ATTRIBUTES_SENT ATTRIBUTES_SENT OBJECT_SENT "
        "ATTRIBUTES_SENT DIGEST_SENT RECORDS_ENDED EOD_SENT"
    ),
    "bad record": "VOLUME_OPENED ATTRIBUTES_SENT RECORD_REJECTED EOD_SENT",
    "no read session": "FAILED EOD_SENT",
}


@pytest.mark.parametrize("events", EXCHANGES.values(), ids=EXCHANGES.keys())
def test_exchanges_end(events: str) -> None:
    tracker = Tracker(VERIFY)
    for name in events.split():
        tracker.fire(VerifyEvent[name])
    assert tracker.state is VerifyState.ENDED


@pytest.mark.parametrize(
    "events",
    [
        "WALK_STARTED FILE_FOUND DIGEST_SENT",
        "WALK_STARTED FILE_FOUND ATTRIBUTES_SENT DIGEST_SENT DIGEST_SENT",
        "VOLUME_OPENED DIGEST_SENT",
        "VOLUME_OPENED ATTRIBUTES_SENT DIGEST_SENT DIGEST_SENT",
        "VOLUME_OPENED ATTRIBUTES_SENT OBJECT_SENT DIGEST_SENT",
    ],
)
def test_a_digest_follows_its_own_attributes_only(events: str) -> None:
    *way, last = events.split()
    tracker = Tracker(VERIFY)
    for name in way:
        tracker.fire(VerifyEvent[name])
    with pytest.raises(IllegalTransition):
        tracker.fire(VerifyEvent[last])


def test_eod_is_owed_however_the_exchange_stops() -> None:
    """Without it the Director reads the End Job line as a record (02 §7.3)."""
    for state in VerifyState:
        if state not in (VerifyState.DONE, VerifyState.ENDED):
            assert VERIFY.table[state][VerifyEvent.FAILED] is VerifyState.DONE
            assert VERIFY.table[state][VerifyEvent.CANCELED] is VerifyState.DONE
