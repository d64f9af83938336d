from statecharts.job import JOB, JobEvent, JobState
from statecharts.trace import format_transition, trace
from statecharts.tracker import Tracker, Transition


def test_each_step_is_one_line() -> None:
    lines: list[str] = []
    tracker = Tracker(JOB, b"backup.2026-11-23_03.10.00_77", observers=[trace(lines.append)])
    for event in (JobEvent.AUTHENTICATED, JobEvent.WALK_STARTED, JobEvent.STORAGE_OPENED):
        tracker.fire(event)
    assert lines == [
        "job backup.2026-11-23_03.10.00_77: Idle --AUTHENTICATED--> Authenticated",
        "job backup.2026-11-23_03.10.00_77: Authenticated --WALK_STARTED--> Scanning",
        "job backup.2026-11-23_03.10.00_77: Scanning --STORAGE_OPENED--> Streaming",
    ]


def test_a_label_from_the_wire_cannot_break_the_line() -> None:
    step = Transition("job", b"a\nb\x1b[31m\xff\xc3\xa9", JobState.IDLE, JobEvent.REFUSED, JobState.CLOSED)
    assert format_transition(step) == "job a\\nb\\x1b[31m\\xff\u00e9: Idle --REFUSED--> Closed"


def test_without_a_label_the_chart_stands_alone() -> None:
    step = Transition("job", b"", JobState.IDLE, JobEvent.REFUSED, JobState.CLOSED)
    assert format_transition(step) == "job: Idle --REFUSED--> Closed"
