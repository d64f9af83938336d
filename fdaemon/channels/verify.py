"""The verify exchange with the Director, in its own nursery: sends batches of finished packets and follows the chart.

It reads no file and makes no packet. However the exchange stops, its end-of-data signal is sent, within a deadline:
without it the Director would take the End Job line for a file.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Protocol

import trio

from fdaemon.channels.storage import StorageChannel
from fdaemon.errors import JobCanceled, JobFailed, RemoteProtocolError
from fdaemon.net.packets import PacketStream
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.framing import Signal
from statecharts.tracker import Tracker
from statecharts.verify import VerifyEvent, VerifyState

type VerifyTracker = Tracker[VerifyState, VerifyEvent]
type Message = tuple[MessageType, bytes, int]
"""Type, text with its newline, errors to count beyond what the type counts."""

BATCHES_AHEAD = 4
"""Batches that may wait for the Director, who takes about a millisecond for a file: some 500 files are enough to keep
it busy, and few enough to be out soon after a cancel."""
RECORDS_AHEAD = 4
"""Pieces (up to 256 KiB each) of the record stream that may wait for the worker."""
END_LIMIT = 10.0
"""Seconds for what is still said after a failure or a cancel; the Director may have stopped reading."""

_E = VerifyEvent
_DIGESTED = (_E.FILE_FOUND, _E.ATTRIBUTES_SENT, _E.DIGEST_SENT)
_PLAIN = (_E.FILE_FOUND, _E.ATTRIBUTES_SENT, _E.DIGEST_WAIVED)


@dataclass(frozen=True, slots=True)
class VerifyBatch:
    """Whole packets of whole files, and the messages that follow them.

    `files` is the file index after them, None when they hold no file; `current` the last file's name. The counts say
    what was done for how many files: attributes with a digest, without one, nothing but a message at most; `objects`
    are restore objects.
    """

    wire: bytes
    files: int | None = None
    current: bytes = b""
    digested: int = 0
    plain: int = 0
    skipped: int = 0
    objects: int = 0
    messages: tuple[Message, ...] = ()


class DiskSource(Protocol):
    """Walks and digests in a worker thread. `stop`, from any thread, makes what runs on end soon."""

    def batches(self) -> Generator[VerifyBatch]: ...
    def stop(self) -> None: ...


class VolumeSource(Protocol):
    """Makes packets of a Storage daemon's record stream, in a worker thread. `feed` and `finish` raise JobFailed."""

    @property
    def hungry(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...
    @property
    def packets(self) -> int: ...
    def feed(self, data: bytes) -> VerifyBatch | None: ...
    def take_replies(self) -> bytes: ...
    def finish(self) -> VerifyBatch | None: ...


class VerifyExchange:
    """One verify job's packets to its Director.

    `deliver` sends a job message on the same connection; `interval` is that of the heartbeats in seconds, 0 for none.
    """

    def __init__(
        self,
        packets: PacketStream,
        tracker: VerifyTracker,
        *,
        deliver: Callable[[MessageType, bytes, int], Awaitable[object]],
        counters: Counters,
        interval: float = 0,
    ) -> None:
        self.tracker = tracker
        self._packets = packets
        self._deliver = deliver
        self._counters = counters
        self._interval = interval if interval > 0 else inf
        self._sending = trio.CancelScope()
        self._stopped = False

    async def run_disk(self, source: DiskSource) -> bool:
        """Send what the walk finds. False when it failed, which the Director has been told."""
        self.tracker.fire(_E.WALK_STARTED)

        def work(put: Callable[[VerifyBatch], None]) -> None:
            with closing(source.batches()) as batches:
                for batch in batches:
                    put(batch)

        end = _E.FAILED
        try:
            await self._exchange(work, _DIGESTED, _PLAIN, source.stop)
            end = _E.WALK_ENDED
        except JobFailed as failure:
            await self._tell(failure)
        except trio.Cancelled:
            end = _E.CANCELED
            raise
        finally:
            await self._end(end)
        return end is _E.WALK_ENDED

    async def run_volume(self, source: VolumeSource, storage: StorageChannel) -> bool:
        """Send what is on the volume, and close the read session that is open on `storage`. False when it failed.

        After a cancel the Storage connection is left to the caller to break off.
        """
        self.tracker.fire(_E.VOLUME_OPENED)
        end = _E.FAILED
        try:
            try:
                await self._receive(source, storage)
                end = _E.RECORDS_ENDED
            except JobFailed as failure:
                await self._tell(failure)
            finally:
                storage.records_ended(source.rest, source.packets, well=source.ended)
            await storage.close_read()
            await storage.close()
        except trio.Cancelled:
            end = _E.CANCELED
            raise
        finally:
            await self._end(end)
        return end is _E.RECORDS_ENDED

    async def _receive(self, source: VolumeSource, storage: StorageChannel) -> None:
        send, receive = trio.open_memory_channel[bytes](RECORDS_AHEAD)

        def work(put: Callable[[VerifyBatch], None]) -> None:
            try:
                while source.hungry:
                    batch = source.feed(trio.from_thread.run(receive.receive))
                    if batch is not None:
                        put(batch)
                    if replies := source.take_replies():
                        trio.from_thread.run(storage.answer, replies)
            except trio.EndOfChannel:
                pass
            while (batch := source.finish()) is not None:
                put(batch)

        async def pump() -> None:
            with send:
                try:
                    while True:
                        await send.send(await storage.receive_records())
                except RemoteProtocolError:
                    return  # the source says what is missing

        rounds = (_E.ATTRIBUTES_SENT, _E.DIGEST_SENT), (_E.ATTRIBUTES_SENT,)
        await self._exchange(work, *rounds, lambda: None, pump)

    async def _exchange(
        self,
        work: Callable[[Callable[[VerifyBatch], None]], None],
        digested: tuple[VerifyEvent, ...],
        plain: tuple[VerifyEvent, ...],
        stop: Callable[[], None],
        *others: Callable[[], Awaitable[None]],
    ) -> None:
        """Run `work` in a thread and send what it makes; JobFailed once all that it made before is out."""
        send, receive = trio.open_memory_channel[VerifyBatch](BATCHES_AHEAD)
        failures: list[JobFailed] = []
        async with trio.open_nursery() as verify:

            def put(batch: VerifyBatch) -> None:
                try:
                    try:
                        trio.from_thread.run_sync(send.send_nowait, batch)  # cheaper, mostly there is room
                    except trio.WouldBlock:
                        trio.from_thread.run(send.send, batch)
                except trio.BrokenResourceError:
                    raise JobCanceled from None  # the Director is lost, and nobody takes it any more

            async def produce() -> None:
                with send:
                    try:
                        await trio.to_thread.run_sync(work, put, limiter=trio.CapacityLimiter(1))
                    except JobFailed as failure:
                        failures.append(failure)
                    except JobCanceled:
                        await trio.lowlevel.checkpoint()

            def lose(error: RemoteProtocolError) -> None:
                text = str(error).encode()
                failures.insert(0, JobFailed(b"Network error in send to Director: ERR=%b\n" % text))
                verify.cancel_scope.cancel()

            verify.start_soon(self._watch, lose)
            verify.start_soon(self._stop, stop)
            verify.start_soon(produce)
            for other in others:
                verify.start_soon(other)
            with receive:
                try:
                    while (batch := await self._next(receive)) is not None:
                        await self._send(batch)
                        self._follow(batch, digested, plain)
                except RemoteProtocolError as error:
                    lose(error)
            verify.cancel_scope.cancel()
        if failures:
            raise failures[0]

    async def _watch(self, lose: Callable[[RemoteProtocolError], None]) -> None:
        """Notice that the Director is gone. It has nothing to say meanwhile, so what it says is dropped, as by C++.

        Its silence is no sign of a broken connection, however long it lasts.
        """
        packets = self._packets
        patience, packets.read_patience = packets.read_patience, inf
        try:
            while await packets.receive() != Signal.TERMINATE:
                pass
            lose(RemoteProtocolError("Connection terminated by the Director"))
        except RemoteProtocolError as error:
            lose(error)
        finally:
            packets.read_patience = patience

    async def _stop(self, stop: Callable[[], None]) -> None:
        """When the nursery ends early: threads learn of it, and a send has only so long to finish its packets."""
        try:
            await trio.sleep_forever()
        finally:
            self._stopped = True
            self._sending.deadline = trio.current_time() + END_LIMIT
            stop()

    async def _next(self, receive: trio.MemoryReceiveChannel[VerifyBatch]) -> VerifyBatch | None:
        """The next batch, None at the end; heartbeats to the Director while there is none."""
        while True:
            with trio.move_on_after(self._interval):
                try:
                    return await receive.receive()
                except trio.EndOfChannel:
                    return None
            await self._say(partial(self._packets.send_signal, Signal.HEARTBEAT))

    async def _send(self, batch: VerifyBatch) -> None:
        if batch.wire:
            await self._say(partial(self._packets.send_wire, batch.wire))
        if batch.files is not None:
            self._counters.files = batch.files
            self._counters.current = batch.current
        for message in batch.messages:
            await self._say(partial(self._deliver, *message))
        await trio.lowlevel.checkpoint_if_cancelled()

    async def _say(self, action: Callable[[], Awaitable[object]]) -> None:
        """A cancel must not cut a packet, or the control channel could not report on the same connection."""
        with trio.CancelScope(shield=True) as self._sending:
            if self._stopped:
                self._sending.deadline = trio.current_time() + END_LIMIT
            await action()

    def _follow(
        self, batch: VerifyBatch, digested: tuple[VerifyEvent, ...], plain: tuple[VerifyEvent, ...]
    ) -> None:
        """The steps of all files of the batch; which kind came first makes no difference to the chart."""
        rounds = self.tracker.fire_rounds
        rounds((_E.OBJECT_SENT,), batch.objects)
        rounds((_E.FILE_SKIPPED,), batch.skipped)
        rounds(digested, batch.digested)
        rounds(plain, batch.plain)

    async def _tell(self, failure: JobFailed) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + END_LIMIT):
            await self._deliver(MessageType.FATAL, failure.text, 0)

    async def _end(self, event: VerifyEvent) -> None:
        self.tracker.fire(event)
        sent = False
        with trio.CancelScope(shield=True, deadline=trio.current_time() + END_LIMIT):
            sent = await self._packets.send_signal(Signal.EOD)
        self.tracker.fire(_E.EOD_SENT if sent else _E.FAILED)
