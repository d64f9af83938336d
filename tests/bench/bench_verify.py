"""InitCatalog of small and of large files, over TLS-PSK to a Director that only drains what comes.

Environment as for `bench_jobs`: with FDAEMON_BENCH_REFERENCE the two daemons alternate and ratios are printed.
"""

import os
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import trio

from fdpeers import dialogues
from fdpeers.director import DirectorPeer
from fdpeers.link import EOD
from tests.bench.daemons import PASSWORD, Running, candidates, running
from tests.bench.figures import Figures, compared
from tests.bench.workloads import Workload, large_files, scratch, small_files

ROUNDS = int(os.environ.get("FDAEMON_BENCH_ROUNDS", "3"))
TAIL = 1024
"""Bytes at the end that are looked at: the report and the TERMINATE."""
_END = re.compile(rb"2800 End Job TermCode=84 JobFiles=(\d+) ReadBytes=(\d+).*\xff\xff\xff\xfc", re.DOTALL)


async def _verify(daemon: Running, place: Path) -> tuple[int, int]:
    director = DirectorPeer(password=PASSWORD, port=daemon.port)
    async with director.connect() as session:
        await session.send(b"JobId=1 Job=bench.1 SDid=0 SDtime=0 Authorization=dummy ssl=254\n")
        await session.expect_prefix(b"2000 OK Job ")
        lines = (b"I\n", b"O MVpins5:\n", b"N\n", f"F {place}".encode(), b"N\n", b"N\n")
        await dialogues.send_fileset(session, lines)
        await session.send(b"verify level=init\n")
        tail = b""
        while (found := _END.search(tail)) is None:
            tail = (tail + await session.link.receive_chunk())[-TAIL:]
        await session.send_signal(EOD)
    return int(found[1]), int(found[2])


def _measured(daemon: Running, place: Path) -> Figures:
    cpu, start = daemon.cpu(), time.monotonic()
    files, size = trio.run(partial(_verify, daemon, place))
    return Figures(time.monotonic() - start, daemon.cpu() - cpu, files, size)


def run() -> Iterator[str]:
    """The report, line by line."""
    with scratch() as place:
        for make in (small_files, large_files):
            yield from _compare(make(place), place)


def _compare(workload: Workload, place: Path) -> Iterator[str]:
    figures: dict[str, list[Figures]] = {}
    for _ in range(ROUNDS):
        for candidate in candidates():
            with running(candidate, place) as daemon:
                _measured(daemon, place / "none")
                figures.setdefault(candidate.name, []).append(_measured(daemon, workload.path))
    yield f"InitCatalog of {workload.name}, MD5"
    yield from compared(figures)
