"""What watching costs: a backup of small files with the monitor off, on, and with 1 and 100 viewers, one of them
stuck; and what comes of 5,000 connections that say nothing.

CPU seconds are the daemon's own; viewers live in a process of theirs. Rounds alternate. The scale and rounds are
those of bench_jobs.
"""

import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.bench_jobs import ROUNDS, Work
from tests.bench.daemons import START_LIMIT, Candidate, Running, running
from tests.bench.figures import Figures
from tests.bench.workloads import scratch, small_files

TOKEN = "a token of the bench"
CASES = (("off", -1), ("0 viewers", 0), ("1 viewer", 1), ("100 viewers, 1 stuck", 100))
HALF_OPEN = 5000
OURS = Candidate("fdaemon", (sys.executable, "-m", "fdaemon.cli"))


def run() -> Iterator[str]:
    """The report, line by line."""
    with scratch() as place:
        work = Work(small_files(place), "MHAX", place)
        path = place / "feed.sock"
        extra = f'Monitor Socket = "{path}"\n Monitor Token = "{TOKEN}"'
        figures: dict[str, list[Figures]] = {label: [] for label, _ in CASES}
        for _ in range(ROUNDS):
            for label, count in CASES:
                path.unlink(missing_ok=True)
                with running(OURS, place, extra if count >= 0 else "") as daemon, _viewers(path, count):
                    figures[label].append(work.backup(daemon))
        yield from _report(figures)
        port = _free_port()
        lines = f'Monitor Port = {port}\n Monitor Socket = "{path}"\n Monitor Token = "{TOKEN}"'
        with running(OURS, place, lines) as daemon, _viewers(path, 1):
            yield from _half_open(daemon, port, work)


def _report(figures: dict[str, list[Figures]]) -> Iterator[str]:
    base = statistics.median(row.cpu for row in figures["off"])
    base_wall = statistics.median(row.wall for row in figures["off"])
    for label, rows in figures.items():
        cpu, wall = (
            statistics.median(row.cpu for row in rows),
            statistics.median(row.wall for row in rows),
        )
        yield (
            f"{label:<22} {rows[0].files / wall:>8,.0f} files/s  wall {wall:6.2f} s ({wall / base_wall - 1:+.1%})"
            f"  CPU {cpu:6.2f} s ({cpu / base - 1:+.1%})"
        )


@contextmanager
def _viewers(path: Path, count: int) -> Iterator[None]:
    if count <= 0:
        yield
        return
    deadline = time.monotonic() + START_LIMIT
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    command = [sys.executable, "-m", "tests.bench.viewers", str(path), TOKEN, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the viewers were not let in")
        try:
            yield
        finally:
            process.stdin.close()


def _half_open(daemon: Running, port: int, work: Work) -> Iterator[str]:
    """Connections that never say a word, and a job beside them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    alone = work.backup(daemon)
    cpu, start = daemon.cpu(), time.monotonic()
    silent: list[socket.socket] = []
    most = 0
    try:
        for number in range(min(HALF_OPEN, hard - 200)):
            silent.append(socket.create_connection(("127.0.0.1", port), 10))
            if not number % 250:
                most = max(most, _sockets(daemon))
        took = time.monotonic() - start
        spent = daemon.cpu() - cpu
        most = max(most, _sockets(daemon))
        beside = work.backup(daemon)
        yield (
            f"{len(silent):,} half-open connections in {took:.1f} s: {spent / len(silent) * 1e6:,.0f} µs CPU each, "
            f"at most {most} descriptors in the daemon, peak {daemon.peak()} MB; "
            f"a job beside them {beside.wall / alone.wall - 1:+.1%} wall, {beside.cpu / alone.cpu - 1:+.1%} CPU"
        )
    finally:
        for one in silent:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _sockets(daemon: Running) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
