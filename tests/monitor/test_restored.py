"""How far a restore is: recorded ones followed piece by piece, and what a Storage daemon may send to mislead."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fdaemon.monitor.document import Json
from fdaemon.monitor.feed import Feed
from fdaemon.monitor.history import KEPT_SESSIONS, History, Saved, job_base
from fdaemon.monitor.metrics import metrics
from fdaemon.monitor.position import cost
from fdaemon.monitor.progress import Estimator, work_done
from fdaemon.monitor.restored import RestoredShare
from fdaemon.views import JobView
from tests.jobs.restoring import Restoring
from tests.support.json_schema import faults
from tests.support.restored_tree import record_stream
from tests.support.sessions import Session, shared

from .pictures import Watched, daemon, job
from .test_feed import SCHEMA

PIECE = 5000
FULL, CHANGES = (3, 1_700_000_000), (9, 1_700_000_000)


def words(session: Session, sender: str, start: bytes) -> dict[bytes, bytes]:
    """NAME=VALUE of the first packet that begins so, between Director and File daemon."""
    text = next(packet for packet in session.payloads("dir-fd", sender) if packet.startswith(start))
    return dict(word.split(b"=", 1) for word in text.split() if b"=" in word)


def saved_by(name: str) -> History:
    """What is remembered of a recorded backup."""
    session = shared(name)
    orders, end = words(session, "dir", b"JobId="), words(session, "fd", b"2800 End Job")
    history = History()
    assert history.add(
        job(
            status="T",
            ended=2000.0,
            session=(int(orders[b"SDid"]), int(orders[b"SDtime"])),
            files=int(end[b"JobFiles"]),
            job_bytes=int(end[b"JobBytes"]),
        )
    )
    return history


def looks(name: str, where: Path) -> list[JobView]:
    """The recorded restore as it is seen after each piece of its records."""
    restoring = Restoring(where)
    stream = record_stream(shared(name))
    seen = []
    for at in range(0, len(stream), PIECE):
        restoring.restorer.feed(stream[at : at + PIECE])
        counters = restoring.counters
        seen.append(
            job(
                type="R",
                files=counters.files,
                examined=counters.examined,
                read_bytes=counters.read_bytes,
                place=counters.place,
            )
        )
    restoring.restorer.finish()
    return seen


@pytest.mark.parametrize("kind", ["plain", "aclxattr", "gzip", "sparse", "sparsegz", "lz4"])
def test_a_recorded_restore_of_all_ends_at_one_hundred_percent(kind: str, tmp_path: Path) -> None:
    history = saved_by("backup-full-md5" if kind == "plain" else f"backup-{kind}")
    seen = looks(f"restore-{kind}", tmp_path)
    share = RestoredShare(history.saved)
    fractions = [
        work_done(view) / total for view in seen if (total := share.total(view)) is not None and total
    ]
    assert len(fractions) >= len(seen) - 2
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.2
    assert fractions[-1] == pytest.approx(1.0, abs=0.0005)


def test_a_recorded_restore_of_one_file_is_not_judged(tmp_path: Path) -> None:
    share = RestoredShare(lambda director, session_id, session_time: Saved(43, 4_000_000))
    seen = looks("restore-onefile", tmp_path)
    assert seen[-1].place == (1, 1_795_403_597, 40)
    assert {share.total(view) for view in seen} == {None}


def test_the_estimate_says_what_it_stands_on() -> None:
    estimator = Estimator([], RestoredShare(lambda director, session_id, session_time: Saved(1000, 0)))
    view = job(type="R", examined=100, files=100, read_bytes=0, place=(*FULL, 100))
    assert not estimator.wants_survey(view)
    assert estimator.look(view, 0.0).source == "none"
    progress = estimator.look(replace(view, examined=250, place=(*FULL, 250)), 10.0)
    assert (progress.fraction, progress.source) == (0.25, "session")
    assert progress.seconds_left == pytest.approx(50.0)
    assert "if all of them is restored" in progress.basis
    assert estimator.look(replace(view, examined=5, place=(*FULL, 800)), 20.0).source == "none"


def share_of(**sessions: tuple[tuple[int, int], Saved]) -> RestoredShare:
    known = dict(sessions.values())
    return RestoredShare(lambda director, session_id, session_time: known.get((session_id, session_time)))


def test_a_full_backup_and_its_changes_add_up_also_when_they_come_by_turns() -> None:
    share = share_of(full=(FULL, Saved(1000, 0)), changes=(CHANGES, Saved(200, 60_000)))
    view = job(type="R", read_bytes=0)
    assert share.total(replace(view, examined=100, place=(*FULL, 100))) == cost(1000, 0)
    # a tenth of the full one has been replaced
    assert share.total(replace(view, examined=450, place=(*FULL, 500))) == pytest.approx(902)
    whole = cost(1200, 60_000)
    assert share.total(replace(view, examined=550, place=(*CHANGES, 50))) == whole
    assert share.total(replace(view, examined=600, place=(*FULL, 550))) == whole
    assert share.total(replace(view, examined=1150, place=(*CHANGES, 200))) == whole


def test_a_selection_has_gaps_and_is_not_judged() -> None:
    share = share_of(full=(FULL, Saved(1000, 0)))
    assert share.total(job(type="R", examined=1, place=(*FULL, 300))) is None
    assert share.total(job(type="R", examined=60, place=(*FULL, 360))) is None
    assert share.total(job(type="R", examined=0, place=(*FULL, -7))) is None
    assert share.total(job(type="R", place=None)) is None


def test_backups_of_others_are_not_judged() -> None:
    share = share_of(full=(FULL, Saved(1000, 0)))
    assert share.total(job(type="R", examined=100, place=(*FULL, 100))) is not None
    assert share.total(job(type="R", examined=101, place=(*CHANGES, 1))) is None
    assert share.total(job(type="R", examined=110, place=(*FULL, 110))) is None


def test_a_storage_daemon_of_many_sessions_costs_nothing() -> None:
    asked = []

    def find(director: str, session_id: int, session_time: int) -> Saved | None:
        asked.append(session_id)
        return Saved(10, 0) if session_id < 5 else None

    share = RestoredShare(find)
    for number in range(10_000):
        share.total(job(type="R", examined=10 * number, place=(number, 1, 2_000_000_000)))
    assert asked == [0, 1, 2, 3, 4, 5]


def test_the_sizes_of_backups_are_kept_bounded_and_survive_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = History(str(path))
    for number in range(1, KEPT_SESSIONS + 11):
        assert history.add(job(status="T", ended=2000.0, session=(number, 7), files=number, job_bytes=5))
    assert not history.add(job(status="A", ended=2000.0, session=(1, 8)))
    assert history.add(job(status="T", ended=2000.0, session=(1, 9), type="V"))
    assert history.add(job(status="T", ended=2000.0, session=(0, 0)))
    history.save()
    assert path.stat().st_size < 120_000
    again = History(str(path))
    again.load()
    assert again.saved("bareos-dir", 10, 7) is None
    assert again.saved("bareos-dir", 11, 7) == Saved(11, 5)
    assert again.saved("other-dir", 11, 7) is None
    for session in ((1, 8), (1, 9), (0, 0)):
        assert again.saved("bareos-dir", *session) is None
    for sessions in ("5", '{"a": [1]}', '{"a": ["x", 2]}', '{"a": [Infinity, 2]}', "[" * 200_000):
        path.write_text(f'{{"sessions": {sessions}}}')
        again.load()
        assert again.saved("bareos-dir", 11, 7) is None
    path.write_text('{"v": 1, "runs": {}}')  # of a release that kept none
    again.load()
    assert again.runs(job()) == []


def test_the_feed_and_the_metrics_show_it() -> None:
    saved = job(status="T", ended=2000.0, session=FULL, files=400, job_bytes=0)
    watched = Watched(daemon(recent=(saved,)))
    feed = Feed(watched.look, clock=watched.clock, monotonic=watched.monotonic)

    def progress(index: int) -> Json:
        view = job(
            key=2, type="R", job_id=18, files=index, examined=index, read_bytes=0, place=(*FULL, index)
        )
        watched.view = daemon(view, recent=(saved,))
        watched.now += 1.0
        feed.tick()
        assert not faults(json.loads(feed.full_view()), SCHEMA)
        found: Json = feed.view["jobs"][0]["progress"]
        return found

    assert progress(100)["fraction"] is None
    told = progress(300)
    assert (told["fraction"], told["source"], told["seconds_left"]) == (0.75, "session", 0.5)
    (line,) = [
        line
        for line in metrics(feed.view, job_base).splitlines()
        if line.startswith("fdaemon_job_progress_ratio")
    ]
    assert line.endswith('jobid="18"} 0.75')
