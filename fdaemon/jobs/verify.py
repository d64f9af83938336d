"""The files of a verify as batches of packets: walked in one worker thread, digested ahead on others.

Knows no trio and sends nothing; messages travel inside the batches, so that they come where they belong.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable

from fdaemon.channels.verify import VerifyBatch
from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import Entry, canonical
from fdaemon.fileset.model import Include, Options
from fdaemon.fileset.strip import strip_name
from fdaemon.fs.leases import open_leased, open_quietly
from fdaemon.fs.times import restore_atime
from fdaemon.jobs.backup_plan import OPEN_FLAGS
from fdaemon.jobs.backup_types import ORDINARY_NAME, error_text, names_fit
from fdaemon.jobs.verify_chunk import FILES, Chunk, LargeFile, attribute_packet
from fdaemon.jobs.verify_digest import Digester
from fdaemon.jobs.verify_plan import SENT, SLASHED, Say, VerifyPlan, make_plan, remark
from fdaemon.jobs.verify_small import TINY, put_shared, put_tiny
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.verify import LINK_TYPES
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

SMALL = 128 * 1024
"""Files up to this size are read into a chunk by the walking thread; larger ones are read where they are digested."""
SECONDS = 1.0
"""A chunk that fills slowly is handed over after this long."""
PAUSE_EVERY = 64
"""Entries between two looks at the clock and the cancel flag."""

_REG, _REGE = FileType.REG, FileType.REGE


def digest_threads(workers: int) -> int:
    """How many threads digest beside the walk: one for each processor, or `Maximum Workers Per Job` if that is more.

    0 of either's sense, no workers or a single processor, means that the walking thread digests by itself.
    """
    processors = os.process_cpu_count() or 1
    return max(workers, processors) if workers > 0 and processors > 1 else 0


class DiskVerifier:
    """Use `batches()` once, in one thread.

    `walk` gives the entries, and is given where the walk's own messages go; `check_cancelled` raises when the job was
    canceled; `threads` digest beside the walk (0: none).
    """

    def __init__(
        self,
        walk: Callable[[Say], Iterable[Entry]],
        *,
        counters: Counters,
        check_cancelled: Callable[[], None],
        threads: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._walk = walk
        self._counters = counters
        self._check_cancelled = check_cancelled
        self._clock = clock
        self._digester = Digester(threads, counters, check_cancelled)
        self._plans: dict[tuple[int, int], VerifyPlan] = {}
        self._chunk = self._digester.new_chunk()
        self._index = 0

    def stop(self) -> None:
        """Make digests that run end soon. From any thread."""
        self._digester.stop()

    def batches(self) -> Generator[VerifyBatch]:
        """All packets of the walk, in order. Raises JobFailed when the walk cannot go on, after what it found."""
        clock, counters, digester = self._clock, self._counters, self._digester
        failure: JobFailed | None = None
        plan: VerifyPlan | None = None
        seal_at = clock() + SECONDS
        countdown = PAUSE_EVERY
        try:
            try:
                for entry in self._walk(self._say):
                    countdown -= 1
                    if not countdown:
                        countdown = PAUSE_EVERY
                        self._check_cancelled()
                        if clock() >= seal_at:
                            self._seal()
                            seal_at = clock() + SECONDS
                        while digester.ready:
                            yield digester.take()
                    counters.examined += entry.type is not FileType.DIRBEGIN
                    if plan is None or entry.options is not plan.options or entry.include is not plan.include:
                        plan = self._plan_for(entry.options, entry.include)
                    kind = entry.type
                    if not (
                        (kind is _REG or kind is _REGE)
                        and plan.direct
                        and entry.dir_fd >= 0
                        and self._put_small(entry, plan)
                    ):
                        self._put(entry, plan)
                    while digester.full:
                        yield digester.take()
            except JobFailed as error:
                failure = error
            self._seal()
            while digester.waiting:
                yield digester.take()
            if failure is not None:
                raise failure
        finally:
            digester.close()

    def _plan_for(self, options: Options, include: Include) -> VerifyPlan:
        key = (id(options), id(include))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make_plan(options, include)
        return plan

    def _put_small(self, entry: Entry, plan: VerifyPlan) -> bool:
        """The fast path for a plain file whose plan is `direct`. False: not for it, and nothing done."""
        size, index = entry.stat.st_size, self._index + 1
        if len(entry.path) > ORDINARY_NAME:
            return False
        if plan.workable and self._chunk.slot is not None:
            if size >= SMALL or not put_shared(entry, plan, self._with_room(size, plan), index):
                return False
        elif size > TINY or not put_tiny(entry, plan, self._chunk, index):
            return False
        self._index = index
        if len(self._chunk.items) >= FILES:
            self._seal()
        return True

    def _with_room(self, size: int, plan: VerifyPlan) -> Chunk:
        """The chunk, or the next one if this has no room for a content of `size` bytes."""
        if not self._chunk.has_room(size, plan.digest):
            self._seal()
        return self._chunk

    def _put(self, entry: Entry, plan: VerifyPlan) -> None:
        """Add an entry to the chunk: its attributes, and its content to be digested."""
        kind, chunk = entry.type, self._chunk
        regular = kind is _REG or kind is _REGE
        if not regular or plan.options.strip:
            name, link = self._names(entry, plan)
            if kind is FileType.NORECURSE or kind not in SENT:
                remark(entry, self._say)
                chunk = self._chunk
                if kind not in SENT:
                    chunk.skipped += 1
                    return
        else:
            name, link = entry.path, b""
        if not names_fit(entry, self._say):
            self._chunk.skipped += 1
            return
        self._index = index = self._index + 1
        attributes = attribute_packet(plan, b"%d" % index, name, entry.stat, link)
        if regular and plan.new_hash is not None:
            self._put_content(entry, plan, index, attributes)
            chunk = self._chunk
        else:
            chunk.add(attributes, index, entry.path)
        if len(chunk.items) >= FILES:
            self._seal()

    def _names(self, entry: Entry, plan: VerifyPlan) -> tuple[bytes, bytes]:
        """Name and link as they are sent (protocol/05 sections 4.1 and 5.3)."""
        kind = entry.type
        name = canonical(entry.path) if kind in SLASHED else entry.path
        link = entry.link if kind in LINK_TYPES else b""
        if plan.options.strip > 0:
            name = strip_name(name, plan.options.strip) or name
        return name, link

    def _put_content(self, entry: Entry, plan: VerifyPlan, index: int, attributes: bytes) -> None:
        """Read a small file into the chunk; a larger one becomes a chunk of its own, still open."""
        size = entry.stat.st_size
        chunk = self._with_room(size, plan) if size < SMALL else self._chunk
        directory = entry.dir_fd if entry.dir_fd >= 0 else None
        opened = open_quietly if plan.options.no_atime else open_leased
        try:
            descriptor = opened(entry.name, OPEN_FLAGS, directory, self._check_cancelled)
        except OSError as error:
            chunk.add(attributes, index, entry.path)
            text = b"     Cannot open %b: ERR=%b.\n" % (entry.path, error_text(error))
            self._say(MessageType.ERROR, text, 1)
            return
        if size < SMALL:
            start = chunk.used
            end = start + size
            try:
                read = os.readv(descriptor, [chunk.buffer[start : end + 1]])
            except OSError:
                read = -1  # read again, where errors are reported
            if read == size:
                if plan.options.keep_atime:
                    restore_atime(descriptor, entry.stat)
                os.close(descriptor)
                chunk.add_content((attributes, plan, b"%d" % index, end), index, entry.path)
                return
        try:
            self._seal()
        except BaseException:  # the job was canceled
            os.close(descriptor)
            raise
        chunk = self._chunk
        chunk.add(attributes, index, entry.path)
        chunk.large = LargeFile(descriptor, index, entry.path, plan, entry.stat)
        self._seal()

    def _say(self, kind: MessageType, text: bytes, extra_errors: int) -> None:
        """A message in its place; it ends the chunk."""
        self._chunk.messages.append((kind, text, extra_errors))
        self._seal()

    def _seal(self) -> None:
        """Have what was collected digested, and go on with another chunk."""
        chunk = self._chunk
        if chunk.items or chunk.messages or chunk.skipped:
            self._digester.submit(chunk)
            self._chunk = self._digester.new_chunk()
