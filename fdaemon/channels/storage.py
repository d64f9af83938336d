"""The conversation with one Storage daemon: append and read sessions over a connection that stands.

One owner a direction: while data flows the sender of the data nursery writes and its drain reads; before and
after that one task does both. Every failure leaves as JobFailed with the text that the Director gets.
"""

from collections.abc import Callable
from math import inf

import trio

from fdaemon.errors import JobFailed, RemoteProtocolError
from fdaemon.net.packets import PacketStream
from fdaemon.protocol import storage as texts
from fdaemon.wire.framing import Signal
from fdaemon.wire.text import c_string
from statecharts.storage import StorageEvent, StorageState
from statecharts.tracker import Tracker

type StorageTracker = Tracker[StorageState, StorageEvent]
type TicketReader = Callable[[bytes | int | None], int]
type DataRequest = Callable[[int], bytes]


class StorageChannel:
    """One authenticated connection to a Storage daemon, followed by its chart from `Ready` on."""

    def __init__(
        self,
        packets: PacketStream,
        tracker: StorageTracker,
        encryption: bytes | None,
        closed: trio.Event | None = None,
    ) -> None:
        """`closed` is set when the channel is done with, for the task that accepted the connection."""
        self.packets = packets
        self.encryption = encryption
        self._closed = closed
        self._tracker = tracker
        self._ticket = 0
        self._last_words = b""
        self._is_broken_off = False

    @property
    def state(self) -> str:
        """Name of the chart's present state, for views."""
        return self._tracker.state.value

    @property
    def packets_received(self) -> int:
        """Packets and signals taken from the Storage daemon so far."""
        return self.packets.packets_received

    @property
    def socket_number(self) -> int:
        """Descriptor of the socket, -1 without one."""
        return self.packets.fd

    @property
    def peer(self) -> bytes:
        """Address and port for messages."""
        return b"%b:%d" % (self.packets.address.encode(), self.packets.port)

    async def open_append(self) -> None:
        """Get leave to stream a backup (protocol/02 section 5.2, A1 and A2). JobFailed if refused."""
        await self.packets.send(texts.APPEND_OPEN)
        self._tracker.fire(StorageEvent.APPEND_REQUESTED)
        await self._granted(texts.append_ticket, texts.append_data, texts.APPEND_DATA)

    async def send(self, wire: memoryview | bytes, last_file: bytes) -> None:
        """Send prebuilt packets of the stream. JobFailed, naming the peer and the last file, if it cannot."""
        try:
            await self.packets.send_wire(wire)
        except RemoteProtocolError as error:
            self._tracker.fire(StorageEvent.WRITE_FAILED)
            raise self._broken(error, last_file) from None

    async def drain(self) -> None:
        """Read what the Storage daemon says while it is only written to; returns when it is gone.

        Heartbeats are swallowed. Words are kept: they explain why it hangs up (C++ loses them).
        """
        patience, self.packets.read_patience = self.packets.read_patience, inf
        try:
            while True:
                packet = await self.packets.receive_from_storage()
                if isinstance(packet, bytes):
                    self._last_words = c_string(packet)
                elif packet == Signal.TERMINATE:
                    return
        except RemoteProtocolError:
            return
        finally:
            self.packets.read_patience = patience

    async def end_stream(self) -> bool:
        """Send the end of data (A4). False when nobody can hear it."""
        sent = await self.packets.send_signal(Signal.EOD)
        event = StorageEvent.STREAM_ENDED if sent else StorageEvent.WRITE_FAILED
        if sent or self._tracker.can(event):  # a write that failed before has said so already
            self._tracker.fire(event)
        return sent

    async def close_append(self) -> None:
        """Confirm the stream and close the session, one step at a time (A5 to A8). JobFailed if it fails."""
        await self._expect(texts.APPEND_OK, texts.APPEND_DATA)
        await self.packets.send(texts.append_end(self._ticket))
        self._tracker.fire(StorageEvent.APPEND_CONFIRMED)
        await self._expect(texts.END_OK, texts.APPEND_END)
        await self.packets.send(texts.append_close(self._ticket))
        self._tracker.fire(StorageEvent.END_CONFIRMED)
        status: int | None = None
        try:
            while isinstance(packet := await self.packets.receive_from_storage(), bytes):
                status = texts.close_status(packet) if status is None else status
        except RemoteProtocolError:
            pass
        try:
            texts.check_close(status)
        except JobFailed:
            self._tracker.fire(StorageEvent.CLOSE_REJECTED)
            raise
        self._tracker.fire(StorageEvent.CLOSE_CONFIRMED)

    async def open_read(self, session_id: int, session_time: int) -> None:
        """Get leave to receive records (protocol/02 section 5.4). JobFailed if refused."""
        await self.packets.send(texts.read_open(session_id, session_time))
        self._tracker.fire(StorageEvent.READ_REQUESTED)
        await self._granted(texts.read_ticket, texts.read_data, texts.READ_DATA)

    async def receive_records(self) -> bytes:
        """Raw bytes of the record stream, for the reader in the worker thread. PeerGone at the end."""
        return await self.packets.receive_wire()

    async def receive_sealed_records(self) -> bytes:
        """The same still encrypted, for `unseal`; b"" at the end."""
        return await self.packets.receive_sealed()

    def unseal(self, sealed: bytes | None) -> bytes:
        """Raw bytes of the record stream, in the worker thread: first with b"" what came already, None at the end.

        PeerGone or RemoteProtocolError for a connection that broke.
        """
        return self.packets.unseal(sealed)

    def unread(self, sealed: bytes) -> None:
        """Take back what came behind the end of the records."""
        self.packets.unread_sealed(sealed)

    async def answer(self, wire: bytes) -> None:
        """Send what the record reader wants to answer (POLL, STATUS); silence if nobody hears it."""
        if not self.packets.stopped:
            await self.packets.send_wire(wire)

    def records_ended(self, rest: bytes, packets: int, *, well: bool) -> None:
        """The record reader has seen the end: `rest` came after it, `packets` it took itself."""
        self.packets.unread_wire(rest)
        self.packets.packets_received += packets
        self._tracker.fire(StorageEvent.RECORDS_ENDED if well else StorageEvent.RECORD_REJECTED)

    async def close_read(self) -> None:
        """Close the read session: one answer is read, whatever it says, then TERMINATE (Q4, Q5)."""
        if not await self.packets.send(texts.read_close(self._ticket)):
            self._tracker.fire(StorageEvent.FAILED)
            return
        try:
            await self.packets.receive_from_storage()
        except RemoteProtocolError:
            self._tracker.fire(StorageEvent.FAILED)
            return
        self._tracker.fire(StorageEvent.CLOSE_CONFIRMED)

    def break_off(self) -> None:
        """The job was canceled: nothing more is sent or received on this connection."""
        self._is_broken_off = True
        self.packets.terminate()
        if self._tracker.can(StorageEvent.CANCELED):
            self._tracker.fire(StorageEvent.CANCELED)

    async def close(self) -> None:
        """Say TERMINATE if it can be heard, and close the connection. Never fails."""
        if self._tracker.ended:
            return
        try:
            await self._close()
        finally:
            if self._closed is not None:
                self._closed.set()

    async def abandon(self) -> None:
        """Close the connection at once and without a word, if `close` has not done so. Works when cancelled too."""
        if self._closed is not None:
            self._closed.set()
        await self.packets.abort()

    async def _close(self) -> None:
        if not self._tracker.can(StorageEvent.TERMINATED):
            self._tracker.fire(StorageEvent.FAILED)
        await self.packets.send_signal(Signal.TERMINATE)
        self._tracker.fire(StorageEvent.TERMINATED)
        if self._is_broken_off:
            await self.packets.abort()
        else:
            await self.packets.aclose()

    async def _granted(self, ticket_of: TicketReader, ask: DataRequest, command: bytes) -> None:
        try:
            reply: bytes | int | None = await self.packets.receive_from_storage()
        except RemoteProtocolError:
            reply = None
        try:
            self._ticket = ticket_of(reply)
        except JobFailed:
            self._tracker.fire(StorageEvent.FAILED)
            raise
        await self.packets.send(ask(self._ticket))
        self._tracker.fire(StorageEvent.TICKET_GIVEN)
        await self._expect(texts.DATA_OK, command)
        self._tracker.fire(StorageEvent.DATA_GRANTED)

    async def _expect(self, wanted: bytes, command: bytes) -> None:
        try:
            texts.check_reply(await self.packets.receive_from_storage(), wanted, command)
        except JobFailed:
            self._tracker.fire(StorageEvent.FAILED)
            raise
        except RemoteProtocolError as error:
            self._tracker.fire(StorageEvent.FAILED)
            raise texts.connection_lost(command, str(error).encode()) from None

    def _broken(self, error: RemoteProtocolError, last_file: bytes) -> JobFailed:
        why = self._last_words.rstrip(b"\n") or str(error).encode()
        shown = last_file.replace(b"\n", b"?")
        return texts.send_failed(b'%b (Storage daemon at %b, last file "%b")' % (why, self.peer, shown))


def lost(error: RemoteProtocolError, peer: bytes, last_file: bytes) -> JobFailed:
    """The failure of a restore whose Storage daemon went away between two records."""
    text = b'Connection to Storage daemon at %b lost while reading. ERR=%b (last file "%b")\n'
    return JobFailed(text % (peer, str(error).encode(), last_file.replace(b"\n", b"?")))
