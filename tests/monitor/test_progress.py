"""How wrong the estimates are: trees of several kinds walked by the real walk, judged at every twentieth of the way."""

import os
import random
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from fdaemon.fileset.parse import FileSetBuilder
from fdaemon.fileset.walk import walk
from fdaemon.monitor.history import History, Run
from fdaemon.monitor.position import Position, cost
from fdaemon.monitor.progress import Estimator
from fdaemon.wire.attributes import FileType

from .pictures import job

LOOKS = 20


def even(top: Path) -> None:
    """Directories of like size."""
    for number in range(60):
        place = top / f"d{number % 6}" / f"e{number}"
        place.mkdir(parents=True)
        for index in range(12):
            (place / f"f{index}").write_bytes(b"x" * 3000)


def few_large(top: Path) -> None:
    """A few sparse files that are very different in size."""
    top.mkdir()
    rng = random.Random(5)
    for number in range(12):
        with (top / f"f{number}").open("wb") as file:
            file.truncate(rng.randint(1, 60) << 20)


def source_like(top: Path) -> None:
    """Directories of very different depth and size, as in a source tree."""
    rng = random.Random(7)

    def grow(place: Path, depth: int) -> None:
        place.mkdir(parents=True)
        for index in range(rng.randint(2, 25)):
            (place / f"f{index}").write_bytes(b"x" * int(rng.lognormvariate(7, 1.3)))
        for index in range(rng.randint(1, 4) if depth < 5 else 0):
            grow(place / f"d{index}", depth + 1)

    grow(top, 0)


def mixed(top: Path) -> None:
    """Mail and pictures: many small files beside some large ones."""
    rng = random.Random(9)
    for box in range(20):
        place = top / "mail" / f"box{box}"
        place.mkdir(parents=True)
        for index in range(rng.randint(10, 60)):
            (place / f"m{index}").write_bytes(b"x" * rng.randint(500, 9000))
    (top / "pictures").mkdir()
    for index in range(40):
        with (top / "pictures" / f"p{index}").open("wb") as file:
            file.truncate(rng.randint(1, 5) << 20)


def entries(top: Path) -> list[tuple[bytes, int]]:
    """(path, content bytes) in the order of the walk."""
    builder = FileSetBuilder()
    for line in (b"I\n", b"O M\n", b"N\n", f"F {top}\n".encode(), b"N\n", b"N\n"):
        builder.add(line)
    fileset = builder.finish().fileset
    assert fileset is not None
    return [
        (entry.path, entry.stat.st_size if entry.type in (FileType.REG, FileType.REGE) else 0)
        for entry in walk(fileset)
    ]


def errors_of(top: Path) -> list[float]:
    """|estimated - true share of the work|, at each look from a quarter of the way on."""
    found = entries(top)
    total = cost(len(found), sum(size for _, size in found))
    position = Position((os.fsencode(top),))
    errors: list[float] = []
    done, next_look = 0.0, 0.0
    for path, size in found:
        done += cost(1, size)
        if done >= next_look:
            next_look += total / LOOKS
            judged = position.total(path, done)
            assert judged is not None
            if done / total >= 0.25:
                errors.append(abs(min(1.0, done / judged) - done / total))
    return errors


@pytest.mark.parametrize("plant", [even, few_large, source_like], ids=lambda plant: plant.__name__)
def test_the_place_in_the_tree_tells_how_far_it_is(plant: Callable[[Path], None], tmp_path: Path) -> None:
    plant(tmp_path / "tree")
    errors = errors_of(tmp_path / "tree")
    assert len(errors) >= 5
    assert statistics.median(errors) <= 0.10, [round(error, 2) for error in errors]


def test_a_tree_of_two_kinds_misleads_it_but_the_next_run_knows(tmp_path: Path) -> None:
    """The limit of judging by the place: large pictures first, then small mail in many directories."""
    mixed(tmp_path / "tree")
    by_place = errors_of(tmp_path / "tree")
    found = entries(tmp_path / "tree")
    size = sum(each for _, each in found)
    estimator = Estimator([Run(1.0, 10.0, len(found), len(found), size)])
    by_history = []
    done_files, done_size = 0, 0
    for number, (_, each) in enumerate(found, 1):
        done_files, done_size = number, done_size + each
        view = job(files=done_files, examined=done_files, read_bytes=done_size)
        progress = estimator.look(view, float(number))
        if progress.source == "history" and progress.fraction is not None:
            by_history.append(abs(progress.fraction - cost(done_files, done_size) / cost(len(found), size)))
    assert statistics.median(by_history) < 0.01 < statistics.median(by_place)
    assert max(by_place) <= 1.0


def test_a_tree_that_vanishes_is_no_error(tmp_path: Path) -> None:
    position = Position((os.fsencode(tmp_path / "gone"),))
    assert position.total(os.fsencode(tmp_path / "gone" / "a" / "b"), 10.0) is not None
    assert position.total(b"/elsewhere", 10.0) is None


def test_earlier_runs_are_believed_before_the_tree() -> None:
    runs = [Run(1.0, 10.0, 1000, 1000, 0), Run(2.0, 10.0, 1000, 1000, 0)]
    estimator = Estimator(runs)
    view = job(files=100, examined=100, read_bytes=0)
    assert estimator.look(view, 0.0).source == "none"
    progress = estimator.look(job(files=250, examined=250, read_bytes=0), 10.0)
    assert (progress.fraction, progress.source) == (0.25, "history")
    assert progress.seconds_left == pytest.approx(50.0)
    assert "2 earlier runs" in progress.basis
    assert not estimator.wants_survey(view)
    beyond = job(files=5000, examined=5000, read_bytes=0)
    assert estimator.wants_survey(beyond)
    assert estimator.look(beyond, 20.0).source == "none"


def test_a_restore_of_an_unknown_backup_has_nothing_to_be_judged_by() -> None:
    estimator = Estimator([])
    view = job(type="R")
    assert not estimator.wants_survey(view)
    assert estimator.look(view, 0.0).fraction is None
    assert estimator.look(view, 10.0).basis == "nothing to judge from"


def test_history_is_kept_bounded_and_survives_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = History(str(path))
    for number in range(30):
        assert history.add(job(status="T", ended=2000.0 + number))
    assert not history.add(job(status="f", ended=2000.0))
    assert not history.add(job(status="T", ended=2000.0, type="R"))
    history.save()
    again = History(str(path))
    again.load()
    assert [run.ended for run in again.runs(job())] == [2022.0 + number for number in range(8)]
    assert again.runs(job(level="I")) == []
    for text in ("", "[]", '{"runs": 5}', '{"runs": {"a": [{"ended": "x"}]}}', "\x00"):
        path.write_text(text)
        again.load()
        assert again.runs(job()) == []
