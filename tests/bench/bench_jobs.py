"""Backup and restore of small and of large files, over TLS-PSK to peers that only discard or replay.

The peers run in this process, the daemon in its own, so that its CPU seconds and peak memory are its alone. With
FDAEMON_BENCH_REFERENCE=/path/to/bareos-fd the same work is done by both, alternating, and ratios are printed.
FDAEMON_BENCH_ROUNDS (default 3) and FDAEMON_BENCH_SCALE (default 1) make it longer or smaller.
"""

import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from fdpeers import dialogues
from fdpeers.dialogues import BackupPlan, RestorePlan, StorageAddress
from fdpeers.director import DirectorPeer, JobEnd
from fdpeers.names import Job
from fdpeers.sinks import DiscardSink, MemorySink, Sink
from fdpeers.sources import MemorySource, Replay
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket
from tests.bench.daemons import PASSWORD, Running, candidates, running
from tests.bench.figures import Figures, compared
from tests.bench.workloads import Workload, large_files, scratch, small_files
from tests.support.keys import pair_pem

ROUNDS = int(os.environ.get("FDAEMON_BENCH_ROUNDS", "3"))
KEY = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"
SESSION = (1, 1_700_000_000)


class Work:
    """Runs jobs of one kind on one daemon after the other."""

    def __init__(self, workload: Workload, options: str, place: Path) -> None:
        self.workload = workload
        self.options = options
        self.target = place / "restored"
        self._replay: Replay | None = None
        self._number = 0

    def _job(self, name: str) -> Job:
        self._number += 1
        return Job(self._number, f"{name}.2026-11-23_05.00.00_{self._number:02d}".encode(), *SESSION, KEY)

    def backup(self, daemon: Running) -> Figures:
        """A Full backup into a Storage peer that only counts."""
        return _measured(daemon, partial(self._back_up, daemon, DiscardSink()))

    def restore(self, daemon: Running) -> Figures:
        """A restore of that backup, replayed from memory, to an empty place."""
        if self._replay is None:
            sink = MemorySink()
            trio.run(self._back_up, daemon, sink)
            source = MemorySource(sink.records, session_id=SESSION[0], session_time=SESSION[1])
            self._replay = Replay.of(source)
        shutil.rmtree(self.target, ignore_errors=True)
        return _measured(daemon, partial(self._restore, daemon))

    async def _back_up(self, daemon: Running, sink: Sink) -> JobEnd:
        job = self._job("bench")
        storage = StoragePeer()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(storage.serve)
            run = storage.announce(JobTicket(job.name, KEY, *SESSION, sink=sink))
            lines = [
                b"I\n",
                f"O {self.options}\n".encode(),
                b"N\n",
                f"F {self.workload.path}".encode(),
                b"N\n",
                b"N\n",
            ]
            plan = BackupPlan(lines, StorageAddress("127.0.0.1", port, True))
            async with _director(daemon).connect() as session:
                end = await dialogues.backup(session, job, plan, tls=True)
            await run.done.wait()
            nursery.cancel_scope.cancel()
        return end

    async def _restore(self, daemon: Running) -> JobEnd:
        job = self._job("bench-restore")
        storage = StoragePeer()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(storage.serve)
            run = storage.announce(JobTicket(job.name, KEY, *SESSION, source=self._replay))
            plan = RestorePlan(StorageAddress("127.0.0.1", port, True), where=bytes(self.target))
            async with _director(daemon).connect() as session:
                end = await dialogues.restore(session, job, plan, tls=True)
            await run.done.wait()
            nursery.cancel_scope.cancel()
        return end


def _director(daemon: Running) -> DirectorPeer:
    return DirectorPeer(password=PASSWORD, port=daemon.port)


def _measured(daemon: Running, work: Callable[[], Awaitable[JobEnd]]) -> Figures:
    cpu, start = daemon.cpu(), time.monotonic()
    end = trio.run(work)
    wall = time.monotonic() - start
    if end.status not in "TW" or end.errors:
        raise RuntimeError(f"the job ended with {end}")
    return Figures(wall, daemon.cpu() - cpu, end.files, end.read_bytes)


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: label, option letters of the FileSet, tree, and whether it is signed and encrypted."""

    label: str
    options: str
    tree: Callable[[Path], Workload]
    sealed: bool = False


CASES = (
    Case("plain, MD5", "MHAX", small_files),
    Case("plain, MD5", "MHAX", large_files),
    Case("GZIP6, MD5", "MZ6HAX", large_files),
    Case("LZ4, XXH128", "S4Zf4HAX", large_files),
    Case("PKI, MD5", "MHAX", small_files, sealed=True),
    Case("PKI, MD5", "MHAX", large_files, sealed=True),
    Case("PKI, LZ4HC, SHA256", "S2ZfhHAX", large_files, sealed=True),
)


def run() -> Iterator[str]:
    """The report, line by line."""
    with scratch() as place:
        made: dict[object, Workload] = {}
        keys = place / "keys.pem"
        keys.write_bytes(pair_pem("bench"))
        sealing = f'Pki Key Pair = "{keys}"\n Pki Signatures = yes\n Pki Encryption = yes'
        for case in CASES:
            if case.tree not in made:
                made[case.tree] = case.tree(place)
            work = Work(made[case.tree], case.options, place)
            for verb in ("backup", "restore"):
                title = f"{verb} of {work.workload.name}, {case.label}"
                yield from _compare(title, work, verb, place, sealing if case.sealed else "")


def _compare(title: str, work: Work, verb: str, place: Path, lines: str) -> Iterator[str]:
    """`lines`: of the Client resource."""
    job = work.backup if verb == "backup" else work.restore
    figures: dict[str, list[Figures]] = {}
    peaks: dict[str, int] = {}
    for _ in range(ROUNDS):
        for candidate in candidates():
            with running(candidate, place, lines) as daemon:
                figures.setdefault(candidate.name, []).append(job(daemon))
                peaks[candidate.name] = max(daemon.peak(), peaks.get(candidate.name, 0))
    yield title
    yield from compared(figures, peaks)
