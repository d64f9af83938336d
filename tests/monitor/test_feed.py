"""Full views, changes, and viewers that are too slow for them."""

import json
import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from fdaemon.monitor.feed import IDLE_PERIOD, PERIOD, Feed, encode
from fdaemon.views import JobView
from fdmon.model import Model

from ..support.json_schema import faults
from .pictures import Watched, daemon, job

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "monitor-feed.schema.json").read_text(encoding="utf-8")
)


def feed_of(watched: Watched) -> Feed:
    return Feed(watched.look, clock=watched.clock, monotonic=watched.monotonic)


async def test_a_full_view_comes_first_then_changes() -> None:
    watched = Watched(daemon(job()))
    feed = feed_of(watched)
    viewer = feed.join()
    first = json.loads(await viewer.next(feed.full_view))
    assert (first["kind"], first["seq"], len(first["jobs"])) == ("view", 0, 1)
    watched.now, watched.view = 1.0, daemon(job(files=200))
    feed.tick()
    second = json.loads(await viewer.next(feed.full_view))
    assert (second["kind"], second["seq"]) == ("change", 1)
    assert second["jobs"][0]["files"] == 200
    assert "director" not in second["jobs"][0]


async def test_a_slow_viewer_loses_changes_and_gets_a_view() -> None:
    watched = Watched(daemon(job()))
    feed = feed_of(watched)
    slow, quick = feed.join(), feed.join()
    assert json.loads(await slow.next(feed.full_view))["kind"] == "view"
    assert json.loads(await quick.next(feed.full_view))["kind"] == "view"
    for number in range(1, 50):
        watched.now, watched.view = float(number), daemon(job(files=1000 + number))
        feed.tick()
        assert json.loads(await quick.next(feed.full_view))["kind"] == "change"
    late = json.loads(await slow.next(feed.full_view))
    assert (late["kind"], late["jobs"][0]["files"]) == ("view", 1049)
    assert slow.lost > 0
    assert quick.lost == 0
    watched.now, watched.view = 60.0, daemon(job(files=2000))
    feed.tick()
    assert json.loads(await slow.next(feed.full_view))["kind"] == "change"


async def test_a_file_system_that_hangs_hides_no_job(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    asked: list[object] = []
    there, back = threading.Event(), threading.Event()

    def ask(wanting: object) -> None:
        asked.append(wanting)
        there.set()
        back.wait(10)

    monkeypatch.setattr("fdaemon.monitor.feed._ask_the_disk", ask)
    watched = Watched(daemon(job()))
    feed = feed_of(watched)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        for files in (200, 300):
            watched.view = daemon(job(files=files))
            await trio.sleep(2 * IDLE_PERIOD)
            assert feed.view["jobs"][0]["files"] == files
        await trio.to_thread.run_sync(there.wait, 10)
        assert len(asked) == 1
        back.set()
        nursery.cancel_scope.cancel()


async def test_one_look_is_encoded_once_for_all() -> None:
    watched = Watched(daemon(job()))
    feed = feed_of(watched)
    viewers = [feed.join() for _ in range(3)]
    views = [await viewer.next(feed.full_view) for viewer in viewers]
    assert views[0] is views[1] is views[2]
    watched.now, watched.view = 1.0, daemon(job(files=101))
    feed.tick()
    changes = [await viewer.next(feed.full_view) for viewer in viewers]
    assert changes[0] is changes[1] is changes[2]


async def test_nothing_new_is_said_every_five_seconds_only() -> None:
    watched = Watched(daemon())
    feed = feed_of(watched)
    said = []
    for second in range(1, 21):
        watched.now = float(second)
        feed.tick()
        said.append(feed.sequence)
    assert said[-1] <= 5
    assert said[-1] >= 4


async def test_the_period_grows_with_the_viewers(autojump_clock: MockClock) -> None:
    feed = feed_of(Watched(daemon()))
    assert feed.period == IDLE_PERIOD
    viewers = [feed.join() for _ in range(100)]
    assert feed.period == 1.0
    for viewer in viewers[1:]:
        feed.leave(viewer)
    assert feed.period == PERIOD
    with trio.move_on_after(60):
        await feed.run()
    assert feed.sequence >= 1


def test_changes_put_together_are_the_view() -> None:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.dictionaries(st.integers(1, 4), st.integers(0, 10**6), max_size=4),
                st.sets(st.integers(5, 8), max_size=3),
                st.integers(0, 3),
            ),
            max_size=8,
        )
    )
    def check(steps: list[tuple[dict[int, int], set[int], int]]) -> None:
        watched = Watched(daemon())
        feed = feed_of(watched)
        model = Model()
        model.take(feed.full_view().decode())
        over: dict[int, Any] = {}
        for number, (running, ended, warnings) in enumerate(steps):
            watched.now = float(number + 1)
            jobs = [job(key, files=files, warnings=warnings) for key, files in running.items()]
            for key in ended:
                over.setdefault(key, job(key, status="T", ended=1000.0 + number))
            watched.view = daemon(*jobs, recent=tuple(over.values()), warnings=("w",) * warnings)
            before, sequence = feed.view, feed.sequence
            feed.tick()
            if feed.sequence == sequence:
                assert before["jobs"] == feed.view["jobs"]
                continue
            from fdaemon.monitor.document import change_document

            change = change_document(feed.sequence, feed.view["time"], before, feed.view)
            assert not faults(change, SCHEMA)
            assert not faults(feed.view, SCHEMA)
            model.take(encode(change).decode())
            assert model.daemon == feed.view["daemon"]
            assert model.jobs == {each["key"]: each for each in feed.view["jobs"]}
            assert [each["key"] for each in model.recent] == [each["key"] for each in feed.view["recent"]]

    check()


def test_jobs_of_an_earlier_life_have_keys_of_their_own() -> None:
    past = tuple(job(0, job_id=number, status="T", ended=500.0 + number) for number in (5, 6, 7))
    feed = feed_of(Watched(daemon(job(1), recent=past)))
    feed.tick()
    assert not faults(feed.view, SCHEMA)
    assert [(each["key"], each["job_id"]) for each in feed.view["recent"]] == [(-1, 5), (-2, 6), (-3, 7)]
    assert not feed.learned


def test_a_finished_job_is_learned_from_once_however_many_follow() -> None:
    watched = Watched(daemon(job()))
    feed = feed_of(watched)
    recent: deque[JobView] = deque(maxlen=10)
    for number in range(1, 250):
        watched.now = float(number)
        recent.append(
            job(number, type="B", status="T", ended=watched.now, name=f"one.2026-11-23_05.00.00_{number}")
        )
        watched.view = daemon(recent=tuple(recent))
        feed.tick()
        ends = [run.ended for run in feed.history.runs(recent[-1])]
        assert ends == [float(each) for each in range(number - len(ends) + 1, number + 1)]


def test_texts_are_fit_for_every_reader() -> None:
    feed = feed_of(Watched(daemon(job(name="caf\udce9.2026-11-23_05.00.00_17"))))
    text = feed.full_view().decode("utf-8", "strict")
    document = json.loads(text)
    assert document["jobs"][0]["current"] == "/home/a\\xff\x1b[2J/b"
    assert document["jobs"][0]["name"].startswith("caf\\xe9")
    assert not faults(document, SCHEMA)


def test_the_schema_refuses_what_is_wrong() -> None:
    document = json.loads(feed_of(Watched(daemon(job()))).full_view())
    for name, value in (("v", 2), ("kind", "news"), ("jobs", [{"key": 1}]), ("password", "x"), ("seq", -1)):
        assert faults(document | {name: value}, SCHEMA), name
    assert faults({key: value for key, value in document.items() if key != "daemon"}, SCHEMA)
