"""The content of one file as data packets: plain, sparse or compressed blocks of fixed size, digests on the
way.

Reads straight into the batch buffer wherever the bytes go out as they are. Opens no file and sends no other
stream.
"""

import os
import select
import stat
from collections.abc import Callable, Iterator, Sequence

from fdaemon.codec.digest import Hash
from fdaemon.codec.ordered import OrderedDigests
from fdaemon.codec.sparse import ADDRESS_SIZE, Extents, ZeroRule
from fdaemon.jobs.backup_plan import Plan
from fdaemon.jobs.batch import Assembler, Batch
from fdaemon.views import Counters
from fdaemon.wire.framing import HEADER_SIZE

FIFO_POLL = 500
"""Milliseconds between two looks at the cancel flag while a pipe has nothing to read."""


class ContentReader:
    """Cuts files into blocks. One for a job; `workers` as `Maximum Workers Per Job`, 0 for no threads."""

    def __init__(
        self,
        out: Assembler,
        counters: Counters,
        digests: OrderedDigests,
        check_cancelled: Callable[[], None],
        *,
        block: int,
        workers: int,
    ) -> None:
        self._out = out
        self._counters = counters
        self._digests = digests
        self._check_cancelled = check_cancelled
        self._block = block
        self._workers = workers
        self._zeros = bytes(block - ADDRESS_SIZE)

    def fill(self, fd: int, view: memoryview, offset: int) -> int:
        """Read at `offset` until `view` is full or the file ends; returns the bytes read. OSError as it
        comes.
        """
        done = 0
        while done < len(view):
            count = os.preadv(fd, [view[done:]], offset + done)
            if not count:
                break
            done += count
        return done

    def fill_stream(self, fd: int, view: memoryview, offset: int) -> int:
        """The same for pipes and devices that cannot seek; looks at the cancel flag while nothing comes."""
        del offset
        done = 0
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while done < len(view):
            while not poll.poll(FIFO_POLL):
                self._check_cancelled()
            count = os.readv(fd, [view[done:]])
            if not count:
                break
            done += count
        return done

    def send(self, fd: int, st: os.stat_result, plan: Plan, hashes: Sequence[Hash]) -> Iterator[Batch]:
        """The data packets of one open file. OSError when reading fails, after the whole blocks before."""
        return self._sparse(fd, st, hashes) if plan.sparse else self._plain(fd, st, hashes)

    def settle(self) -> None:
        """Return when all that was sent has been hashed."""
        self._digests.wait_all()

    def close(self) -> None:
        """End the threads of this reader."""
        self._digests.close()

    def _plain(self, fd: int, st: os.stat_result, hashes: Sequence[Hash]) -> Iterator[Batch]:
        """Data packets of stream 2, read into the batch in place. A read error is raised after whole
        blocks.
        """
        out, counters, block = self._out, self._counters, self._block
        fill = self.fill if stat.S_ISREG(st.st_mode) else self.fill_stream
        threaded = self._workers > 0 and st.st_size >= 2 * block
        offset = 0
        while True:
            start = out.reserve(HEADER_SIZE + block) + HEADER_SIZE
            count = fill(fd, out.view[start : start + block], offset)
            if not count:
                return
            data = out.view[start : start + count]
            out.buffer[start - HEADER_SIZE : start] = count.to_bytes(HEADER_SIZE, "big")
            out.position = start + count
            self._hash(hashes, data, threaded)
            offset += count
            counters.read_bytes += count
            counters.job_bytes += count
            if out.ready:
                yield from out.take()
            if count < block:
                return
            self._check_cancelled()

    def _sparse(self, fd: int, st: os.stat_result, hashes: Sequence[Hash]) -> Iterator[Batch]:
        """Data packets of stream 6: each block behind its address, zero blocks left out, holes not even
        read.
        """
        out, counters = self._out, self._counters
        block = self._block - ADDRESS_SIZE
        regular = stat.S_ISREG(st.st_mode)
        fill = self.fill if regular else self.fill_stream
        threaded = self._workers > 0 and st.st_size >= 2 * block
        rule = ZeroRule(st.st_size, block, threaded, unsized=not regular and st.st_size == 0)
        extents = Extents(fd, st) if regular else None
        address = 0
        while True:
            data_start = 0 if extents is None else extents.next_data(address)
            if data_start > address:
                skipped = rule.blocks_in_hole(address, data_start) * block
                address += skipped
                counters.read_bytes += skipped if threaded else 0
            start = out.reserve(HEADER_SIZE + self._block) + HEADER_SIZE
            first = start + ADDRESS_SIZE
            count = fill(fd, out.view[first : first + block], address)
            if not count:
                return
            if rule.may_skip(address, count) and self._is_zero(first, count):
                counters.read_bytes += count if threaded else 0
            else:
                size = count + ADDRESS_SIZE
                header = size.to_bytes(HEADER_SIZE, "big") + address.to_bytes(ADDRESS_SIZE, "big")
                out.buffer[start - HEADER_SIZE : first] = header
                out.position = first + count
                self._hash(hashes, out.view[first : first + count], threaded)
                counters.read_bytes += count
                counters.job_bytes += size
            address += count
            if out.ready:
                yield from out.take()
            if count < block:
                return
            self._check_cancelled()

    def _is_zero(self, start: int, count: int) -> bool:
        zeros = self._zeros[:count] if count != len(self._zeros) else self._zeros
        return self._out.buffer.startswith(zeros, start, start + count)

    def _hash(self, hashes: Sequence[Hash], data: memoryview, threaded: bool) -> None:
        if not hashes:
            return
        if threaded:
            self._out.mark_busy(self._digests.submit(hashes, data))
        else:
            for one in hashes:
                one.update(data)
