"""What a tracker and one event cost."""

from collections.abc import Iterator
from time import perf_counter

from statecharts.job import JOB
from statecharts.tracker import Tracker
from statecharts.verify import VERIFY, VerifyEvent

ROUNDS = 20_000
FILE = (VerifyEvent.FILE_FOUND, VerifyEvent.ATTRIBUTES_SENT, VerifyEvent.DIGEST_SENT)


def run() -> Iterator[str]:
    """Microseconds for building a tracker, and for firing one event of a verified file (best of five)."""
    yield f"build a tracker  {min(_build() for _ in range(5)):6.2f} µs"
    yield f"fire an event    {min(_fire() for _ in range(5)):6.2f} µs"


def _build() -> float:
    start = perf_counter()
    for _ in range(ROUNDS):
        Tracker(JOB, b"job")
    return (perf_counter() - start) / ROUNDS * 1e6


def _fire() -> float:
    tracker = Tracker(VERIFY)
    tracker.fire(VerifyEvent.WALK_STARTED)
    start = perf_counter()
    for _ in range(ROUNDS):
        for event in FILE:
            tracker.fire(event)
    return (perf_counter() - start) / ROUNDS / len(FILE) * 1e6
