"""Runs the data side of a job: its data nursery, its worker thread, and the charts of job and Storage channel.

It moves batches and reports; what a batch holds is made elsewhere. A failure leaves as JobFailed; a cancel ends the
data nursery at once, and the caller's control channel lives on to report.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_native_id
from typing import Protocol

import trio

from fdaemon.channels.storage import StorageChannel, lost
from fdaemon.errors import JobFailed, PeerGone, RemoteProtocolError
from fdaemon.jobs.batch import Batch
from fdaemon.jobs.job import Job
from fdaemon.jobs.reporter import Reporter
from fdaemon.outcome import Status
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Flow
from statecharts.job import JobEvent

BATCHES_AHEAD = 2
"""Batches (about 1 MiB each) that the worker may be ahead of the Storage connection: enough to hide a slow file
behind a slow send, and all that a job holds in memory."""
RECORDS_AHEAD = 16
"""Pieces (up to 256 KiB each) of the record stream that may wait for the disk. The worker takes all that wait at
once: a hop between threads costs as much as a file."""


class BatchSource(Protocol):
    """Makes a backup's batches, in a worker thread."""

    def batches(self) -> Iterator[Batch]: ...


class RecordSink(Protocol):
    """Takes a restore's record stream, in a worker thread: `feed` returns what to answer."""

    @property
    def ended(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...
    @property
    def packets(self) -> int: ...
    def feed(self, data: bytes) -> bytes: ...
    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job needs of its control channel while data flows.

    `heartbeat` sends one to the Director, every `interval` seconds (0: never); `version` is the first message.
    """

    reporter: Reporter
    heartbeat: Callable[[], Awaitable[object]]
    interval: float
    version: bytes

    async def beat(self) -> None:
        """Heartbeats to the Director, until cancelled."""
        while self.interval > 0:
            await trio.sleep(self.interval)
            await self.heartbeat()


async def run_backup(job: Job, source: BatchSource, around: Surroundings) -> None:
    """Stream a backup to the job's Storage daemon, from the append session to its close (protocol/02 section 5.2).

    The job's standing tells how it went; every message is out when this returns.
    """
    storage = job.storage
    assert storage is not None
    job.tracker.fire(JobEvent.WALK_STARTED)

    async def transfer() -> None:
        await storage.open_append()
        await _begin(job, around)
        try:
            await _stream(job, storage, source, around)
        finally:
            if not job.canceled:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + END_LIMIT):
                    await storage.end_stream()
        job.standing.announce(Status.TERMINATED)
        if job.standing.status.is_ok:
            await storage.close_append()

    await _run(job, storage, transfer, around)
    if not job.standing.status.is_ok:
        # What was read ahead of a cancel or a failure has not left: the Director compares with what can be restored.
        counters = job.standing.counters
        counters.files = min(counters.files, job.flow.sent_files)


async def run_restore(job: Job, sink: RecordSink, around: Surroundings) -> None:
    """Receive one storage's records and put them back (protocol/02 section 5.4)."""
    storage = job.storage
    assert storage is not None

    async def transfer() -> None:
        await storage.open_read(job.spec.session_id, job.spec.session_time)
        await _begin(job, around)
        try:
            await _receive(job, storage, sink, around)
        finally:
            storage.records_ended(sink.rest, sink.packets, well=sink.ended)
        await storage.close_read()
        counters = job.standing.counters
        job.standing.announce(Status.WARNINGS if counters.warnings else Status.TERMINATED)
        if counters.errors:
            job.standing.announce(Status.ERROR)

    await _run(job, storage, transfer, around)


END_LIMIT = 10.0
"""Seconds for the last signal of a stream that failed; the Storage daemon may have stopped reading."""


async def _begin(job: Job, around: Surroundings) -> None:
    job.tracker.fire(JobEvent.STORAGE_OPENED)
    job.standing.announce(Status.RUNNING)
    await around.reporter.send(MessageType.INFO, around.version)


async def _run(
    job: Job, storage: StorageChannel, transfer: Callable[[], Awaitable[None]], around: Surroundings
) -> None:
    try:
        with job.data_scope() as scope:
            await transfer()
    except JobFailed as failure:
        await around.reporter.send(MessageType.FATAL, failure.text)
        job.standing.announce(Status.ERROR)
        job.tracker.fire(JobEvent.FAILED)
        return
    if scope.cancelled_caught:
        storage.break_off()
    await around.reporter.list_all()
    job.tracker.fire(JobEvent.CANCELED if scope.cancelled_caught else JobEvent.DATA_ENDED)


async def _stream(job: Job, storage: StorageChannel, source: BatchSource, around: Surroundings) -> None:
    send, receive = trio.open_memory_channel[Batch](BATCHES_AHEAD)
    failures: list[JobFailed] = []
    flow = job.flow
    flow.size, flow.fill = BATCHES_AHEAD, lambda: receive.statistics().current_buffer_used
    try:
        async with trio.open_nursery() as data:
            data.start_soon(storage.drain)
            data.start_soon(around.beat)
            data.start_soon(_produce, source, send, failures, flow)
            async with receive:
                async for batch in receive:
                    flow.sent_files = batch.files
                    await storage.send(batch.data, batch.current)
                    batch.release()
            data.cancel_scope.cancel()
    except* JobFailed as group:
        failures.append(_first(group))
    if failures:
        raise failures[0]


async def _produce(
    source: BatchSource, send: trio.MemorySendChannel[Batch], failures: list[JobFailed], flow: Flow
) -> None:
    """Run the worker thread. Its failure waits until the batches before it are out."""

    def work() -> None:
        flow.worker = get_native_id()
        for batch in source.batches():
            with _handing_over(flow, blocked=flow.fill() >= flow.size):
                trio.from_thread.run(send.send, batch)

    async with send:
        try:
            await trio.to_thread.run_sync(work, limiter=trio.CapacityLimiter(1))
        except JobFailed as failure:
            failures.append(failure)


async def _receive(job: Job, storage: StorageChannel, sink: RecordSink, around: Surroundings) -> None:
    """The worker decrypts as well: this thread only moves what arrives, so the two seldom want the GIL at once."""
    send, receive = trio.open_memory_channel[bytes](RECORDS_AHEAD)
    broken: list[RemoteProtocolError] = []
    flow = job.flow
    flow.size, flow.fill = RECORDS_AHEAD, lambda: receive.statistics().current_buffer_used

    def take(sealed: bytes | None) -> None:
        answer = sink.feed(storage.unseal(sealed))
        if answer:
            trio.from_thread.run(storage.answer, answer)

    async def more() -> list[bytes]:
        await around.reporter.list_all()  # nobody should wait for a name because no more data comes
        return await _take_all(receive)

    def work() -> None:
        flow.worker = get_native_id()
        try:
            take(b"")
            while not sink.ended:
                with _handing_over(flow, blocked=not flow.fill()):
                    pieces = trio.from_thread.run(more)
                for piece in pieces or (None,):
                    take(piece)
        except RemoteProtocolError as error:
            broken.append(error)
        finally:
            sink.finish()

    failures: list[JobFailed] = []
    unsent: list[bytes] = []
    try:
        async with trio.open_nursery() as data:
            data.start_soon(around.beat)
            data.start_soon(_pump, storage, send, broken, unsent)
            await trio.to_thread.run_sync(work, limiter=trio.CapacityLimiter(1))
            data.cancel_scope.cancel()
    except* JobFailed as group:
        failures.append(_first(group))
    if failures:
        raise failures[0]
    if not sink.ended:
        error = broken[0] if broken else PeerGone("connection closed")
        raise lost(error, storage.peer, job.standing.counters.current)
    for piece in (*_waiting(receive), *unsent):
        storage.unread(piece)


@contextmanager
def _handing_over(flow: Flow, *, blocked: bool) -> Iterator[None]:
    """Time what the worker waits for the Storage side (`blocked`), or only for this thread: once a batch."""
    began = time.monotonic()
    flow.waiting_since = began if blocked else 0.0
    try:
        yield
    finally:
        took = time.monotonic() - began
        if blocked:
            flow.waited += took
        else:
            flow.handed += took
        flow.waiting_since = 0.0


async def _take_all(receive: trio.MemoryReceiveChannel[bytes]) -> list[bytes]:
    """All pieces that wait, or the next one; an empty list when no more will come."""
    try:
        return [await receive.receive(), *_waiting(receive)]
    except trio.EndOfChannel:
        return []


def _waiting(receive: trio.MemoryReceiveChannel[bytes]) -> list[bytes]:
    pieces: list[bytes] = []
    with contextlib.suppress(trio.WouldBlock, trio.EndOfChannel):
        while True:
            pieces.append(receive.receive_nowait())
    return pieces


async def _pump(
    storage: StorageChannel,
    send: trio.MemorySendChannel[bytes],
    broken: list[RemoteProtocolError],
    unsent: list[bytes],
) -> None:
    """Receive ahead of the worker. `unsent` gets what a cancel keeps from being handed over."""
    async with send:
        try:
            while piece := await storage.receive_sealed_records():
                try:
                    await send.send(piece)
                except trio.Cancelled:
                    unsent.append(piece)
                    raise
        except RemoteProtocolError as error:
            broken.append(error)


def _first(group: BaseExceptionGroup[JobFailed]) -> JobFailed:
    for error in group.exceptions:
        return error if isinstance(error, JobFailed) else _first(error)
    raise AssertionError("an exception group is never empty")
