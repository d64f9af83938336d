"""A backup's files as batches of wire-ready packets, made in one worker thread. Knows no trio and sends
nothing.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator

from fdaemon.codec.ordered import OrderedDigests
from fdaemon.codec.pipeline import Workers
from fdaemon.codec.pki import Seal
from fdaemon.fileset.entry import Entry, end_walk
from fdaemon.fileset.model import Options
from fdaemon.jobs.backup_entry import SEALED, EntrySaver
from fdaemon.jobs.backup_extended import ExtendedReader
from fdaemon.jobs.backup_file import ContentReader
from fdaemon.jobs.backup_packed import PackedFiles
from fdaemon.jobs.backup_plan import Plan, make_plan
from fdaemon.jobs.backup_small import SmallFiles
from fdaemon.jobs.backup_types import Report
from fdaemon.jobs.batch import FLUSH_ABOVE, Assembler, Batch
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

FLUSH_SECONDS = 1.0
"""A batch that fills slowly is handed over after this long, so that the Storage daemon sees data coming."""
PAUSE_EVERY = 64
"""Entries between two looks at the clock and the cancel flag: some 2 ms of small files."""
DEFAULT_BLOCK = 262_144
"""Content bytes in a data packet unless `Maximum Network Buffer Size` says otherwise
(core/src/include/baconfig.h).
"""

_SMALL = frozenset({FileType.REG, FileType.REGE})


class BackupReader:
    """Turns entries into batches. Use `batches()` once, in one thread.

    `report(type, text, extra errors)` sends a job message; `check_cancelled` raises when the job was
    canceled; `first_index` is the FileIndex before the first file; `block` the network buffer size in bytes,
    as `config.resources` bounds it; `workers` is `Maximum Workers Per Job`.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        report: Report,
        counters: Counters,
        check_cancelled: Callable[[], None],
        first_index: int = 0,
        block: int = DEFAULT_BLOCK,
        workers: int = 2,
        seal: Seal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = entries
        self._check_cancelled = check_cancelled
        self._clock = clock
        counters.files = first_index
        self._counters = counters
        self._digests = OrderedDigests()
        self._out = Assembler(counters, self._digests, block)
        self._workers = Workers(workers)
        content = ContentReader(
            self._out, counters, self._digests, check_cancelled, block=block, workers=self._workers
        )
        self._extended = ExtendedReader(report)
        self._small = SmallFiles(self._out, counters, self._extended, block)
        self._packed = PackedFiles(self._out, counters, self._extended, self._workers, block)
        self._saver = EntrySaver(self._out, counters, content, self._extended, report, check_cancelled)
        self._seal = seal
        self._plans: dict[int, tuple[Plan, Plan]] = {}

    def batches(self) -> Generator[Batch]:
        """All packets up to and without the final end-of-data signal. Raises JobFailed when the job cannot
        go on.
        """
        out, clock = self._out, self._clock
        save_small, save, packed = self._small.save, self._saver.save, self._packed
        pack_small = self._workers.count > 0
        plan: Plan | None = None
        plain: Plan | None = None
        flush_at = clock() + FLUSH_SECONDS
        countdown = PAUSE_EVERY
        try:
            for entry in self._entries:
                countdown -= 1
                if not countdown:
                    countdown = PAUSE_EVERY
                    self._check_cancelled()
                    if clock() >= flush_at:
                        packed.drain()
                        out.seal()
                        flush_at = clock() + FLUSH_SECONDS
                if plan is None or plain is None or entry.options is not plan.options:
                    plan, plain = self._plans_for(entry.options)
                small = entry.type in _SMALL
                if not (plan.direct and small and not packed.active and save_small(entry, plan)):
                    # Behind files that wait to be packed, plain ones wait with them: the order is that of the indexes.
                    if not pack_small or not (plan.packed or (plan.direct and packed.active)):
                        packed.drain()
                        yield from save(entry, plan if entry.type in SEALED else plain)
                    elif not small or not packed.save(entry, plan):
                        yield from self._save_behind(entry, plan if entry.type in SEALED else plain)
                if out.position > FLUSH_ABOVE:
                    out.seal()
                if out.ready:
                    yield from out.take()
                    flush_at = clock() + FLUSH_SECONDS
            packed.drain()
            self._extended.finish()
            out.seal()
            yield from out.take()
        finally:
            end_walk(self._entries)
            self._workers.close()
            self._digests.close()

    def _save_behind(self, entry: Entry, plan: Plan) -> Iterator[Batch]:
        """Save an entry while files before it may still be packed."""
        packed, out = self._packed, self._out
        if not packed.active or entry.type in SEALED or entry.type is FileType.FIFO:
            packed.drain()
            yield from self._saver.save(entry, plan)
            return
        out.diverted = []
        before = self._counters.files
        yield from self._saver.save(entry, plan)
        wire, out.diverted = b"".join(out.diverted), None
        if wire:
            packed.pass_on(wire, self._counters.files - before)

    def _plans_for(self, options: Options) -> tuple[Plan, Plan]:
        """The plan for the types whose content is signed and encrypted, and the one for all others."""
        plans = self._plans.get(id(options))
        if plans is None:
            plans = (make_plan(options, self._seal), make_plan(options, None))
            self._plans[id(options)] = plans
        return plans
