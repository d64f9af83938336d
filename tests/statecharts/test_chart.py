from dataclasses import FrozenInstanceError
from enum import Enum, unique

import pytest

from statecharts.chart import Chart, ChartError


@unique
class Light(Enum):
    OFF = "Off"
    ON = "On"
    GONE = "Gone"


@unique
class Switch(Enum):
    PRESSED = "pressed"
    BROKEN = "broken"
    STOPPED = "stopped"


OFF, ON, GONE = Light
P, B, S = Switch

GOOD = {OFF: {P: ON, B: GONE, S: GONE}, ON: {P: OFF, B: GONE, S: GONE}}


def build(
    table: dict[Light, dict[Switch, Light]],
    initial: Light = OFF,
    finals: frozenset[Light] = frozenset({GONE}),
) -> Chart[Light, Switch]:
    return Chart(name="light", initial=initial, finals=finals, failed=B, canceled=S, table=table)


def test_a_good_chart_tells_its_states_events_and_edges() -> None:
    chart = build(GOOD)
    assert chart.states == (OFF, ON, GONE)
    assert chart.events == (P, B, S)
    assert chart.allowed(OFF) == (P, B, S)
    assert chart.allowed(GONE) == ()
    assert list(chart.edges()) == [
        (OFF, P, ON),
        (OFF, B, GONE),
        (OFF, S, GONE),
        (ON, P, OFF),
        (ON, B, GONE),
        (ON, S, GONE),
    ]


def test_a_chart_cannot_be_changed() -> None:
    source = {state: dict(row) for state, row in GOOD.items()}
    chart = build(source)
    source[OFF][P] = GONE
    assert chart.table[OFF][P] is ON
    with pytest.raises(TypeError):
        chart.table[OFF][P] = GONE  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    with pytest.raises(FrozenInstanceError):
        chart.name = "lamp"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("table", "finals", "complaint"),
    [
        ({OFF: GOOD[OFF]}, {GONE}, "no row for ON"),
        (GOOD | {GONE: {P: OFF}}, {GONE}, "final state GONE has a way out"),
        ({OFF: {P: ON, B: GONE}, ON: GOOD[ON]}, {GONE}, "state OFF has no edge for STOPPED"),
        ({OFF: GOOD[OFF], ON: {P: OFF, S: GONE}}, {GONE}, "state ON has no edge for BROKEN"),
        ({OFF: {P: OFF, B: GONE, S: GONE}, ON: GOOD[ON]}, {GONE}, "never reached: ON"),
        ({OFF: GOOD[OFF], ON: {P: ON, B: ON, S: ON}}, {GONE}, "no way to a final state from ON"),
        ({OFF: {B: ON, S: GONE}, ON: {B: GONE, S: GONE}}, {GONE}, "events in no row: PRESSED"),
        (GOOD | {GONE: {P: OFF, B: OFF, S: OFF}}, set(), "no final state"),
    ],
)
def test_a_chart_that_does_not_hold_together_is_refused(
    table: dict[Light, dict[Switch, Light]], finals: set[Light], complaint: str
) -> None:
    with pytest.raises(ChartError, match=r"^chart light: ") as caught:
        build(table, finals=frozenset(finals))
    assert complaint in str(caught.value)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ChartError) as caught:
        build({OFF: {P: OFF, B: GONE}, ON: {B: ON, S: ON}})
    text = str(caught.value)
    assert "OFF has no edge for STOPPED" in text
    assert "never reached: ON" in text
    assert "no way to a final state from ON" in text
