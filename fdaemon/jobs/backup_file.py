"""The content of one file as data packets: plain, sparse or compressed blocks of fixed size, digests on the way.

Reads straight into the batch buffer wherever the bytes go out as they are. Opens no file and sends no other stream.
"""

import os
import select
import stat
from collections.abc import Callable, Iterator, Sequence

from fdaemon.codec.compress import Compressor
from fdaemon.codec.digest import Hash
from fdaemon.codec.encrypt import Encryptor
from fdaemon.codec.ordered import OrderedDigests
from fdaemon.codec.pipeline import BlockPipeline, Workers
from fdaemon.codec.sparse import Extents, ZeroRule, address_prefix, is_zero
from fdaemon.jobs.backup_packed import pack
from fdaemon.jobs.backup_plan import Plan
from fdaemon.jobs.batch import Assembler, Batch
from fdaemon.views import Counters
from fdaemon.wire.framing import HEADER_SIZE

FIFO_POLL = 500
"""Milliseconds between two looks at the cancel flag while a pipe has nothing to read."""

SEALED_AHEAD = 6
"""Blocks of an encrypted file that its digests may lag behind: they take longer than the cipher on most processors."""
MOVED = 16
"""Bytes that an encrypted last block of fewer than these gets from the one before it.

The C++ daemon cannot restore some files with so short a last block, not even its own (core/src/filed/crypto.cc:
FlushCipher looks for a second block in a cipher context that is finished). The sizes of blocks are the writer's choice.
"""


class ContentReader:
    """Cuts files into blocks. One for a job.

    A file of two blocks or more is hashed, and compressed, on other threads while the next block is read.
    """

    def __init__(
        self,
        out: Assembler,
        counters: Counters,
        digests: OrderedDigests,
        check_cancelled: Callable[[], None],
        *,
        block: int,
        workers: Workers,
    ) -> None:
        self._out = out
        self._counters = counters
        self._digests = digests
        self._check_cancelled = check_cancelled
        self._block = block
        self._workers = workers
        self._scratches: list[memoryview] = []
        self._pipeline: BlockPipeline | None = None

    def send(self, fd: int, st: os.stat_result, plan: Plan, hashes: Sequence[Hash]) -> Iterator[Batch]:
        """The data packets of one open file, and the batches that fill up on the way.

        Raises OSError when reading fails, after the whole blocks before; JobFailed when a block cannot be packed.
        """
        size = plan.read_size(self._block)
        threaded = self._workers.count > 0 and st.st_size >= 2 * size
        if plan.encrypt and plan.seal is not None:
            return self._encrypted(fd, st, plan, plan.seal.new_encryptor(), hashes)
        if plan.compressor is None:
            return self._in_place(fd, st, plan, hashes, threaded)
        if self._workers.count > 0 and st.st_size > size:
            return self._packed_ahead(fd, st, plan, plan.compressor, hashes, threaded, self._put)
        return self._packed(fd, st, plan, plan.compressor, hashes)

    def settle(self) -> None:
        """Return when all that was read has been hashed and nothing of the last file is left in the pipeline."""
        if self._pipeline is not None:
            self._pipeline.discard()
        self._digests.wait_all()

    def _in_place(
        self, fd: int, st: os.stat_result, plan: Plan, hashes: Sequence[Hash], threaded: bool
    ) -> Iterator[Batch]:
        """Blocks that go out as they are, read into the batch behind the room for their header."""
        out, counters = self._out, self._counters
        size = plan.read_size(self._block)
        ahead = HEADER_SIZE + self._block - size

        def target() -> memoryview:
            start = out.reserve(ahead + size) + ahead
            return out.view[start : start + size]

        for address, data in self._blocks(fd, st, plan, threaded, target):
            start, count = out.position, len(data)
            header = (count + ahead - HEADER_SIZE).to_bytes(HEADER_SIZE, "big")
            out.buffer[start : start + ahead] = header + address_prefix(address) if plan.sparse else header
            out.position = start + ahead + count
            counters.job_bytes += count + ahead - HEADER_SIZE
            if threaded and plan.hash_ahead:
                out.mark_busy(self._digests.submit(hashes, data))
            else:
                for one in hashes:
                    one.update(data)
            if out.ready:
                yield from out.take()

    def _packed(
        self, fd: int, st: os.stat_result, plan: Plan, compressor: Compressor, hashes: Sequence[Hash]
    ) -> Iterator[Batch]:
        """Compressed blocks of a file too small for the pipeline, one after the other."""
        out = self._out
        scratch = self._scratch(0, plan)
        for address, data in self._blocks(fd, st, plan, False, lambda: scratch):
            for one in hashes:
                one.update(data)
            self._put(address_prefix(address) if plan.sparse else b"", pack(compressor, data))
            if out.ready:
                yield from out.take()

    def _packed_ahead(
        self,
        fd: int,
        st: os.stat_result,
        plan: Plan,
        compressor: Compressor,
        hashes: Sequence[Hash],
        threaded: bool,
        emit: Callable[[bytes, bytes], None],
    ) -> Iterator[Batch]:
        """Compressed blocks of a large file: several at work while the next is read. `emit` gets them in order."""
        out, size = self._out, plan.read_size(self._block)
        if self._pipeline is None:
            self._pipeline = BlockPipeline(self._workers, self._block, self._digests, emit)
        pipeline = self._pipeline
        pipeline.emit = emit
        try:
            for address, data in self._blocks(fd, st, plan, threaded, lambda: pipeline.next_buffer()[:size]):
                ticket = self._digests.submit(hashes, data) if hashes else 0
                prefix = address_prefix(address) if plan.sparse else b""
                pipeline.submit(lambda block: pack(compressor, block), data, prefix, ticket)
                if out.ready:
                    yield from out.take()
        except OSError:
            pipeline.drain()
            raise
        pipeline.drain()

    def _encrypted(
        self, fd: int, st: os.stat_result, plan: Plan, encryptor: Encryptor, hashes: Sequence[Hash]
    ) -> Iterator[Batch]:
        """One cipher text in slices. It is a chain and cannot be shared out, but its digests are taken meanwhile."""
        out = self._out
        threaded = self._workers.count > 0 and st.st_size >= 2 * self._block
        if plan.compressor is not None and threaded:

            def emit(_prefix: bytes, packed: bytes) -> None:
                self._seal(encryptor, packed)

            yield from self._packed_ahead(fd, st, plan, plan.compressor, hashes, threaded, emit)
            self._put(b"", encryptor.finish())
            return
        buffers = [self._scratch(number, plan) for number in range(SEALED_AHEAD if threaded else 1)]
        tickets = [0] * len(buffers)
        turn = 0
        last = st.st_size % self._block
        short = 0 < last < MOVED
        moved = b""

        def target() -> memoryview:
            self._digests.wait(tickets[turn])
            return buffers[turn]

        for address, data in self._blocks(fd, st, plan, False, target):
            if threaded:
                tickets[turn] = self._digests.submit(hashes, data)
                turn = (turn + 1) % len(buffers)
            else:
                for one in hashes:
                    one.update(data)
            if plan.compressor is not None:
                block: bytes | memoryview = pack(plan.compressor, data)
            elif short and address + len(data) + last == st.st_size:
                block, moved = data[:-MOVED], bytes(data[-MOVED:])
            else:
                block, moved = moved + data if moved else data, b""
            self._seal(encryptor, block)
            if out.ready:
                yield from out.take()
        if moved:  # the file has become shorter meanwhile
            self._seal(encryptor, moved)
        self._put(b"", encryptor.finish())

    def _seal(self, encryptor: Encryptor, block: bytes | memoryview) -> None:
        out = self._out
        start = out.reserve(HEADER_SIZE + encryptor.room(len(block))) + HEADER_SIZE
        count = encryptor.seal_into(block, out.view[start:])
        if count:
            out.buffer[start - HEADER_SIZE : start] = count.to_bytes(HEADER_SIZE, "big")
            out.position = start + count
            self._counters.job_bytes += count

    def _scratch(self, number: int, plan: Plan) -> memoryview:
        """A buffer of the size that is read at a time."""
        while len(self._scratches) <= number:
            self._scratches.append(memoryview(bytearray(self._block)))
        return self._scratches[number][: plan.read_size(self._block)]

    def _put(self, prefix: bytes, record: bytes) -> None:
        self._out.put_packet(prefix, record)
        self._counters.job_bytes += len(prefix) + len(record)

    def _blocks(
        self,
        fd: int,
        st: os.stat_result,
        plan: Plan,
        threaded: bool,
        target: Callable[[], memoryview],
    ) -> Iterator[tuple[int, memoryview]]:
        """Address and content of each block that is to be sent, read into the buffer that `target` gives."""
        counters, size = self._counters, plan.read_size(self._block)
        regular = stat.S_ISREG(st.st_mode)
        fill = self._fill if regular else self._fill_stream
        rule = ZeroRule(st.st_size, size, threaded, unsized=not regular and st.st_size == 0)
        extents = Extents(fd, st) if plan.sparse and regular else None
        address = 0
        while True:
            if extents is not None:
                holes = rule.blocks_in_hole(address, extents.next_data(address)) * size
                address += holes
                counters.read_bytes += holes if threaded else 0
            view = target()
            count = fill(fd, view, address)
            if not count:
                return
            data = view[:count]
            if plan.sparse and rule.may_skip(address, count) and is_zero(data):
                counters.read_bytes += count if threaded else 0
            else:
                counters.read_bytes += count
                yield address, data
            address += count
            if count < size:
                return
            self._check_cancelled()

    def _fill(self, fd: int, view: memoryview, offset: int) -> int:
        """Read at `offset` until `view` is full or the file ends; returns the bytes read."""
        done = os.preadv(fd, [view], offset)
        while 0 < done < len(view):
            count = os.preadv(fd, [view[done:]], offset + done)
            if not count:
                break
            done += count
        return done

    def _fill_stream(self, fd: int, view: memoryview, offset: int) -> int:
        """The same for pipes and devices, which cannot seek; looks at the cancel flag while nothing comes."""
        del offset
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        done = 0
        while done < len(view):
            while not poll.poll(FIFO_POLL):
                self._check_cancelled()
            count = os.readv(fd, [view[done:]])
            if not count:
                break
            done += count
        return done
