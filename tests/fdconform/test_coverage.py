"""What a run exercised, and the reasons for what it cannot."""

import io

import pytest
from rich.console import Console

from fdconform.coverage import CHARTS, Coverage, Edge, by_chart, coverage_of, edges_of, reply_kind, to_json
from fdconform.coverage_reasons import REASONS, judged
from fdconform.coverage_table import tables
from statecharts.director import DIRECTOR, DirectorEvent
from statecharts.job import JOB, JobEvent
from statecharts.trace import trace
from statecharts.tracker import Tracker

ROWS: list[dict[str, object]] = [
    {"conn": 1, "open": "dir-fd"},
    {"conn": 1, "from": "dir", "len": 25, "text": "Hello Director d calling\n"},
    {"conn": 1, "from": "fd", "len": 17, "text": "2000 OK Hello 54\n"},
    {"conn": 1, "from": "dir", "len": 6, "text": "RunBeforeNow\n"},
    {"conn": 1, "from": "fd", "len": 6, "text": "2905 Failed RunScript\n"},
    {"conn": 1, "from": "fd", "signal": -4},
]


def test_edges_of_a_log_are_those_that_a_tracker_wrote() -> None:
    lines: list[str] = ["something else --> is said"]
    for label in (b"", b"nightly.2026-11-23_05.00.00_07"):
        tracker = Tracker(JOB, label, (trace(lines.append),))
        tracker.fire(JobEvent.AUTHENTICATED)
        tracker.fire(JobEvent.CANCELED)
    coverage = Coverage()
    coverage.add_log("\n".join(lines))

    assert coverage.told == {Edge("job", "Idle", "AUTHENTICATED"), Edge("job", "Authenticated", "CANCELED")}
    assert coverage.followed == set()


def test_edges_orders_and_replies_of_a_transcript() -> None:
    coverage = coverage_of([ROWS], [])

    assert Edge("director", "BeforeScripts", "SCRIPTS_REFUSED") in coverage.followed
    assert coverage.orders == {"RunBeforeNow": 1}
    assert coverage.replies == {"2000 OK Hello": 1, "2905 Failed RunScript": 1}
    assert coverage.told == set()


def test_a_chart_is_exercised_missing_excused_or_stale() -> None:
    told = Edge("director", "Idle", "ACCEPTED")
    excused = Edge("director", "Idle", "FAILED")
    coverage = Coverage(told={told})
    item = next(
        item for item in by_chart(coverage, {excused: "why", told: "wrong"}) if item.chart == "director"
    )

    assert (item.total, item.exercised, item.told, item.states_exercised) == (
        len(edges_of(DIRECTOR)),
        1,
        1,
        2,
    )
    assert item.excused == (excused,)
    assert item.stale == (told,)
    assert len(item.missing) == item.total - 2


def test_every_reason_names_an_edge_and_says_something() -> None:
    known = {edge for chart in CHARTS for edge in edges_of(chart)}

    assert set(REASONS) <= known
    assert all(len(why) > 20 for why in REASONS.values())


def test_no_reason_excuses_the_way_of_a_good_job() -> None:
    good = {DirectorEvent.JOB_STARTED, DirectorEvent.JOB_ENDED, DirectorEvent.END_JOB_SENT}

    assert not {edge.event for edge in REASONS} & {event.name for event in good}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"2000 OK Job 25.1.0 (03Aug26) Debian,x", "2000 OK Job"),
        (b"2000 OK include\n", "2000 OK include"),
        (b"2999 Invalid command\n", "2999 Invalid command"),
        (b"2901 Job conform-1.2 not found.\n", "2901 Job conform"),
        (b"2000 OK estimate files=5 bytes=1,239\n", "2000 OK estimate"),
    ],
)
def test_kinds_of_replies(reply: bytes, kind: str) -> None:
    assert reply_kind(reply) == kind


def test_the_tables_name_what_is_missing_and_what_is_stale() -> None:
    stale = next(iter(REASONS))
    coverage = Coverage(told={stale}, streams={"fd": {1, 1234}, "sd": set()})
    out = io.StringIO()
    Console(file=out, width=200).print(tables(to_json(coverage, REASONS)))

    text = out.getvalue()
    assert "the reason is stale" in text
    assert "no case and no reason" in text
    assert "1 UNIX_ATTRIBUTES, 1234 unknown" in text


def test_the_json_form_counts_every_edge_once() -> None:
    document = judged([ROWS], [])

    for chart in document["charts"]:
        unseen = len(chart["excused"]) + len(chart["missing"])
        assert chart["exercised"] + unseen == chart["edges"]
        assert chart["stale"] == []
