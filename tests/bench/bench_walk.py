"""How fast an unchanged tree is walked, by time and by an accurate list, and what a list costs: bytes and lookups.

FDAEMON_BENCH_ACCURATE sets the synthetic entries of the list (10,000,000 for the bound of 1 GiB); FDAEMON_BENCH_SCALE
the size of the tree, FDAEMON_BENCH_TREE takes one that is there.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fdaemon.fileset.accurate import AccurateList
from fdaemon.fileset.compare import AccurateComparison
from fdaemon.fileset.model import FileSet, Options
from fdaemon.fileset.parse import parse_fileset
from fdaemon.fileset.walk import walk
from fdaemon.views import Counters
from fdaemon.wire.stat import encode_stat

from .workloads import SCALE, scratch

ENTRIES = int(os.environ.get("FDAEMON_BENCH_ACCURATE", "500000"))
FILES = round(100_000 * SCALE)
IN_A_DIRECTORY = 100
LATER = 4_000_000_000
"""A time after which nothing has changed."""
ROUNDS = 3


def run() -> Iterator[str]:
    """Files a second of processor time (best of three, one thread, warm), bytes and lookups of an accurate list."""
    given = os.environ.get("FDAEMON_BENCH_TREE")
    with _tree(Path(given) if given else None) as top:
        yield from _walks(top)
    yield from _list()


@contextmanager
def _tree(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with scratch() as place:
        for number in range(FILES // IN_A_DIRECTORY):
            directory = place / f"tree/d{number // 50:03d}/s{number:05d}"
            directory.mkdir(parents=True)
            for file in range(IN_A_DIRECTORY):
                (directory / f"file-{file:03d}.txt").touch()
        yield place / "tree"


def _fileset(top: Path, *more: bytes) -> FileSet:
    lines = [b"I\n", *more, b"O MHAX\n", b"N\n", b"F " + os.fsencode(top), b"N\n", b"N\n"]
    fileset = parse_fileset(lines).fileset
    assert fileset is not None
    return fileset


def _walks(top: Path) -> Iterator[str]:
    plain = _fileset(top)
    patterns = _fileset(top, b"O eMHAX\n", b"W *.o\n", b"W */core\n", b"RF \\.bak$\n", b"N\n")
    packets = [_packet(entry.path, entry.stat) for entry in walk(plain)]
    yield f"full walk                {_speed(lambda: _walk(plain)):>9,.0f} files/s"
    yield f"unchanged by time        {_speed(lambda: _walk(plain, since=LATER)):>9,.0f} files/s"
    yield f"unchanged, patterns      {_speed(lambda: _walk(patterns, since=LATER)):>9,.0f} files/s"
    yield f"unchanged by the list    {_speed(lambda: _accurate(plain, packets)):>9,.0f} files/s"


def _packet(path: bytes, st: os.stat_result) -> bytes:
    name = path + b"/" if st.st_mode & 0o170000 == 0o040000 else path
    return b"%b\0%b\0\0000" % (name, encode_stat(st))


def _speed(once: Callable[[], tuple[int, float]]) -> float:
    return max(files / seconds for files, seconds in (once() for _ in range(ROUNDS)))


def _walk(fileset: FileSet, since: int | None = None) -> tuple[int, float]:
    counters = Counters()
    start = time.process_time()
    saved = sum(1 for _ in walk(fileset, since=since, counters=counters))
    return saved + counters.examined, time.process_time() - start


def _accurate(fileset: FileSet, packets: list[bytes]) -> tuple[int, float]:
    entries = AccurateList(len(packets))
    for packet in packets:
        entries.add_packet(packet)
    counters = Counters()
    comparison = AccurateComparison(entries, checksum=_no_checksum, report=lambda type, text, errors: None)
    start = time.process_time()
    saved = sum(1 for _ in walk(fileset, accurate=comparison, counters=counters))
    seconds = time.process_time() - start
    assert not saved
    return counters.examined, seconds


def _no_checksum(path: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options) -> None:
    raise AssertionError("the letters ask for no checksum")


def _list() -> Iterator[str]:
    before = _resident()
    start = time.process_time()
    entries = AccurateList(ENTRIES)
    for number in range(ENTRIES):
        entries.add_packet(
            b"%b\0gB %b IGk B A A A %b BAA I BlU/Is BlU/EA BlU/EB A A C\0\0000"
            % (
                _name(number),
                b"CC%c%c" % (65 + number % 26, 97 + number // 26 % 26),
                b"D%c" % (65 + number % 26),
            )
        )
    filled = time.process_time() - start
    start = time.process_time()
    found = sum(1 for number in range(0, ENTRIES, 5) if entries.find(_name(number)) >= 0)
    asked = time.process_time() - start
    assert found == len(range(0, ENTRIES, 5))
    grown = _resident() - before
    held, resident = entries.memory / ENTRIES, grown / ENTRIES
    yield f"accurate list of {ENTRIES:,}: {held:.1f} bytes a file held, {resident:.1f} resident"
    yield f"  filled at {ENTRIES / filled:,.0f} entries/s, asked at {found / asked:,.0f} names/s; peak {_peak():,} MB"


def _name(number: int) -> bytes:
    return b"/srv/data/d%03d/s%05d/file-%03d.txt" % (number // 5000 % 1000, number // 100, number % 100)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
