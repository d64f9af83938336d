import gc
import weakref
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import Machine

import statecharts.tracker
from statecharts.chart import Chart
from statecharts.diagram import CHARTS
from statecharts.job import JOB, JobEvent, JobState
from statecharts.tracker import IllegalTransition, Tracker, Transition
from statecharts.verify import VERIFY, VerifyEvent, VerifyState


def test_fire_returns_the_state_and_tells_the_observers_in_order() -> None:
    seen: list[tuple[int, Transition]] = []
    tracker = Tracker(
        JOB,
        b"nightly.77",
        observers=[lambda step: seen.append((1, step)), lambda step: seen.append((2, step))],
    )
    assert tracker.fire(JobEvent.AUTHENTICATED) is JobState.AUTHENTICATED
    assert tracker.state is JobState.AUTHENTICATED
    step = Transition("job", b"nightly.77", JobState.IDLE, JobEvent.AUTHENTICATED, JobState.AUTHENTICATED)
    assert seen == [(1, step), (2, step)]


def test_an_event_that_leaves_the_state_is_told_too() -> None:
    seen: list[Transition] = []
    tracker = Tracker(VERIFY, observers=[seen.append])
    tracker.fire(VerifyEvent.WALK_STARTED)
    tracker.fire(VerifyEvent.FILE_SKIPPED)
    assert [(step.source, step.target) for step in seen][-1] == (VerifyState.WALK, VerifyState.WALK)


def test_an_illegal_event_names_everything_and_changes_nothing() -> None:
    seen: list[Transition] = []
    tracker = Tracker(JOB, b"nightly.77\xff", observers=[seen.append])
    with pytest.raises(IllegalTransition) as caught:
        tracker.fire(JobEvent.DATA_ENDED)
    assert str(caught.value) == (
        "job nightly.77\\xff: DATA_ENDED is illegal in Idle; "
        "allowed: AUTHENTICATED, REFUSED, FAILED, CANCELED, ABANDONED"
    )
    assert caught.value.chart == "job"
    assert caught.value.label == b"nightly.77\xff"
    assert caught.value.state is JobState.IDLE
    assert caught.value.event is JobEvent.DATA_ENDED
    assert caught.value.allowed == JOB.allowed(JobState.IDLE)
    assert caught.value.__cause__ is None
    assert tracker.state is JobState.IDLE
    assert seen == []


def test_a_final_state_allows_nothing() -> None:
    tracker = Tracker(JOB)
    tracker.fire(JobEvent.REFUSED)
    assert tracker.ended
    with pytest.raises(IllegalTransition, match=r"^job: FAILED is illegal in Closed; allowed: nothing"):
        tracker.fire(JobEvent.FAILED)


def test_an_observers_error_comes_out_with_the_step_made() -> None:
    def refuse(step: Transition) -> None:
        raise ValueError(step.label)

    tracker = Tracker(JOB, b"x", observers=[refuse])
    with pytest.raises(ValueError, match="x"):
        tracker.fire(JobEvent.AUTHENTICATED)
    assert tracker.state is JobState.AUTHENTICATED


def test_trackers_of_one_chart_share_the_machine_and_not_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Tracker(JOB)

    def build(*_: object, **__: object) -> Machine:
        raise AssertionError("a second machine for the same chart")

    monkeypatch.setattr(statecharts.tracker, "Machine", build)
    second = Tracker(JOB)
    first.fire(JobEvent.AUTHENTICATED)
    assert second.state is JobState.IDLE


def test_the_machine_goes_with_its_chart() -> None:
    chart = Chart(JOB.name, JOB.initial, JOB.finals, JOB.failed, JOB.canceled, JOB.table)
    Tracker(chart)
    gone = weakref.ref(chart)
    del chart
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
@given(data=st.data())
def test_any_walk_agrees_with_the_table(chart: Chart[Enum, Enum], data: st.DataObject) -> None:
    """From anywhere, an event is taken exactly if the table has it, and leads where the table says."""
    tracker = Tracker(chart)
    for event in data.draw(st.lists(st.sampled_from(chart.events), max_size=40)):
        source = tracker.state
        target = chart.table[source].get(event)
        assert tracker.can(event) is (target is not None)
        if target is None:
            with pytest.raises(IllegalTransition):
                tracker.fire(event)
            assert tracker.state is source
        else:
            assert tracker.fire(event) is target
        assert tracker.ended is (tracker.state in chart.finals)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_every_edge_can_be_taken(chart: Chart[Enum, Enum]) -> None:
    """Walks the shortest way to each state and fires each of its events there, through the real machine."""
    ways: dict[Enum, list[Enum]] = {chart.initial: []}
    queue = [chart.initial]
    for state in queue:
        for event, target in chart.table[state].items():
            tracker = Tracker(chart)
            for step in [*ways[state], event]:
                tracker.fire(step)
            assert tracker.state is target
            if target not in ways:
                ways[target] = [*ways[state], event]
                queue.append(target)
    assert set(ways) == set(chart.states)


def test_rounds_that_lead_back_are_made_once() -> None:
    steps: list[Transition] = []
    tracker = Tracker(VERIFY, b"job", [steps.append])
    tracker.fire(VerifyEvent.WALK_STARTED)
    file = (VerifyEvent.FILE_FOUND, VerifyEvent.ATTRIBUTES_SENT, VerifyEvent.DIGEST_SENT)
    assert tracker.fire_rounds(file, 0) is VerifyState.WALK
    assert tracker.fire_rounds(file, 1000) is VerifyState.WALK
    assert [step.event for step in steps[1:]] == list(file)


def test_rounds_go_on_until_they_lead_back() -> None:
    steps: list[Transition] = []
    tracker = Tracker(VERIFY, b"job", [steps.append])
    tracker.fire(VerifyEvent.VOLUME_OPENED)
    assert tracker.fire_rounds((VerifyEvent.ATTRIBUTES_SENT,), 1000) is VerifyState.VOLUME_FILE
    assert [step.target for step in steps[1:]] == [VerifyState.VOLUME_FILE] * 2


def test_an_illegal_round_stops_where_it_stood() -> None:
    tracker = Tracker(VERIFY)
    tracker.fire(VerifyEvent.WALK_STARTED)
    with pytest.raises(IllegalTransition):
        tracker.fire_rounds((VerifyEvent.FILE_FOUND, VerifyEvent.DIGEST_SENT), 2)
    assert tracker.state is VerifyState.ATTRIBUTE
