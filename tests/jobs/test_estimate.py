"""Estimates: what is counted and how it is listed (protocol/03 section 4, rows 112 and 122 of its case table)."""

import os
import re
import stat
from pathlib import Path

from fdaemon.fileset.model import FileSet
from fdaemon.fileset.parse import parse_fileset
from fdaemon.fileset.walk import walk
from fdaemon.jobs.estimate import LINES, Estimate
from fdaemon.views import Counters


def fileset(root: Path, *names: str) -> FileSet:
    parsed = parse_fileset([b"I", b"O MAX", b"N", *[b"F " + os.fsencode(root / name) for name in names]])
    assert parsed.fileset is not None
    return parsed.fileset


def test_row_112_links_count_each_time_and_a_missing_name_not(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(bytes(1_234_567))
    (tmp_path / "2").hardlink_to(tmp_path / "1")
    (tmp_path / "l").symlink_to("1")
    os.mkfifo(tmp_path / "n")
    (tmp_path / "d").mkdir()
    counters = Counters()
    names = ("1", "2", "l", "n", "d", "missing")
    estimate = Estimate(walk(fileset(tmp_path, *names), estimating=True), listing=True, counters=counters)
    lines = [line for batch in estimate.batches() for line in batch]
    assert (estimate.files, estimate.size, counters.examined) == (5, 2_469_134, 5)
    assert [line[66:] for line in lines] == [
        os.fsencode(tmp_path / name) + rest
        for name, rest in (("1", b"\n"), ("2", b"\n"), ("l", b" -> 1\n"), ("n", b"\n"), ("d", b"\n"))
    ]
    assert [line[:1] for line in lines] == [b"-", b"-", b"l", b"f", b"d"]
    assert re.match(rb"-rw\S{7}   2 \S{1,8} +\S{1,8} +1234567 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  /", lines[0])


def test_row_122_sockets_are_counted(tmp_path: Path) -> None:
    import socket

    here = os.open(tmp_path, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/sock")
    os.close(here)
    assert stat.S_ISSOCK((tmp_path / "sock").lstat().st_mode)
    estimate = Estimate(walk(fileset(tmp_path, "sock")), listing=True)
    ((line,),) = estimate.batches()
    assert line.startswith(b"s")
    assert estimate.files == 1


def test_what_is_skipped_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    estimate = Estimate(walk(fileset(tmp_path, "."), since=1 << 40, want_skipped=True), listing=False)
    estimate.run()
    assert (estimate.files, estimate.size) == (0, 0)


def test_listings_come_in_batches(tmp_path: Path) -> None:
    for number in range(LINES + 1):
        (tmp_path / str(number)).touch()
    estimate = Estimate(walk(fileset(tmp_path, ".")), listing=True)
    assert [len(batch) for batch in estimate.batches()] == [LINES, 2]
    assert estimate.files == LINES + 2
