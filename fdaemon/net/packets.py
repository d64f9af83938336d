"""Packets and signals over one stream, with the stop rules of the C++ socket. Interprets no payload."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Protocol

import trio

from fdaemon.errors import PeerGone, RemoteProtocolError
from fdaemon.net.edge import CLOSED_HERE, EDGE, OneOwner, translate
from fdaemon.net.replay import ReplayStream
from fdaemon.net.sockets import descriptor, peer_address, send_bulk
from fdaemon.net.tls import HANDSHAKE_LIMIT, TlsContext, TlsStream
from fdaemon.wire.framing import EOD, OversizedPacket, PacketReader, Signal, frame, signal

RECEIVE_SIZE = 256 * 1024
"""Bytes asked from the stream at a time."""
BREATHER = 32
"""Packets taken from the buffer before other tasks get a turn; a turn for each would cost more than the
packet.
"""


class Charger(Protocol):
    """A bandwidth limit: told of every `amount` of bytes moved, it waits as long as the limit asks."""

    async def charge(self, amount: int, /) -> None: ...


@contextmanager
def _patience(seconds: float, name: str) -> Iterator[None]:
    """Turn a wait that lasts longer into the loss of the peer."""
    if seconds == inf:
        yield
        return
    with trio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise PeerGone(f"{name} has been silent for {seconds:g} secs")


class PacketStream:
    """One connection as packets. `name` is the peer's role in messages, e.g. "Storage daemon".

    One task at a time may receive (another gets trio.BusyResourceError); any number may send whole packets.
    After a received TERMINATE, a network error or a cancelled send the connection is stopped in both
    directions: `send` and `send_signal` do nothing and return False, all else raises PeerGone (protocol/01
    section 1.2).
    """

    def __init__(
        self, stream: trio.abc.Stream, name: str, *, throttle: Charger | None = None, address: str = ""
    ) -> None:
        self.stream = stream
        self.name = name
        self.throttle = throttle
        host, self.port = peer_address(stream)
        self.address = address or host
        self.packets_received = 0
        """Packets and signals taken so far (status `SDReadSeqNo=`); a bulk reader adds what it cut itself."""
        self.bytes_received = 0
        self.bytes_sent = 0
        self.read_patience = inf
        self.write_patience = inf
        """Seconds that one wait for the peer may last before the connection counts as broken."""
        self.error: RemoteProtocolError | None = None
        """Why the connection broke, if it did; a TERMINATE is no error."""
        self.terminated = False
        self._reader = PacketReader()
        self._receiving = OneOwner(f"another task is receiving from the {name}")
        self._send_lock = trio.Lock()
        self._mid_send = False
        self._uncharged = 0

    @property
    def stopped(self) -> bool:
        """True when nothing can be sent or received any more."""
        return self.terminated or self.error is not None

    @property
    def fd(self) -> int:
        """Descriptor of the socket below (status `fd=`); -1 without one."""
        return descriptor(self.stream)

    def terminate(self) -> None:
        """Stop both directions without a word, as a received TERMINATE does (also what a cancelled job
        does).
        """
        self.terminated = True

    async def receive(self) -> bytes | int:
        """The next packet's payload (may be empty) or a signal's number; TERMINATE is handed out once.

        Raises PeerGone at the end, RemoteProtocolError with its job message on an impossible length.
        """
        with self._receiving:
            return await self._receive()

    async def receive_from_storage(self, unknown: Callable[[int], None] | None = None) -> bytes | int:
        """Like `receive`, with the signals served as the Storage daemon expects (protocol/01 section 3.2
        (a)).

        POLL and STATUS are answered, heartbeats swallowed; EOD, EOD_POLL (answered) and TERMINATE are
        returned. `unknown` is told of signals without a meaning here, which are skipped.
        """
        with self._receiving:
            while True:
                packet = await self._receive()
                if isinstance(packet, bytes) or packet in (Signal.EOD, Signal.TERMINATE):
                    return packet
                if packet == Signal.EOD_POLL:
                    await self.send(b"2000 OK\n")
                    return packet
                if packet == Signal.POLL:
                    await self.send(b"2000 OK\n")
                elif packet == Signal.STATUS:
                    await self._transmit(frame(b"Status OK\n") + EOD)
                elif packet not in (Signal.HEARTBEAT, Signal.HB_RESPONSE) and unknown is not None:
                    unknown(packet)

    async def _receive(self) -> bytes | int:
        self._check_alive()
        if self.packets_received % BREATHER:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            await trio.lowlevel.checkpoint()
        while True:
            try:
                packet = self._reader.next_packet()
            except OversizedPacket as error:
                error.fatal = (
                    f'Packet size too big from "{self.name}:{self.address}:{self.port}.'
                    " Terminating connection.\n"
                ).encode()
                self.terminated = True
                raise
            except PeerGone as error:
                self.error = error
                raise
            if packet is not None:
                self.packets_received += 1
                if packet == Signal.TERMINATE:
                    self.terminated = True
                return packet
            data = await self._pull()
            if data:
                self._reader.receive_data(data)
            else:
                self._reader.receive_eof()

    async def receive_wire(self) -> bytes:
        """Received bytes uncut, what was buffered first; the caller cuts packets and serves signals itself.

        Raises PeerGone at the end of the stream.
        """
        with self._receiving:
            self._check_alive()
            if self._reader.pending:
                await trio.lowlevel.checkpoint()
                return self._reader.take_pending()
            data = await self._pull()
            if not data:
                self.error = PeerGone("the peer closed the connection")
                raise self.error
            return data

    async def receive_sealed(self) -> bytes:
        """Like `receive_wire`, but as the transport gives it, for `unseal`; b"" at its end.

        It is charged to the bandwidth limit before more is received, so that a cancel meanwhile loses nothing.
        """
        with self._receiving:
            self._check_alive()
            if self.throttle is not None and self._uncharged:
                await self.throttle.charge(self._uncharged)
            data = await self._receive_some(sealed=True)
            self._uncharged = len(data)
            return data

    def unseal(self, sealed: bytes | None) -> bytes:
        """The bytes uncut of what `receive_sealed` gave, in any thread. Called first with b"": what came before.

        None stands for the end of the stream. Raises PeerGone or RemoteProtocolError once all that was good before
        it is out.
        """
        pending = self._reader.take_pending() if self._reader.pending else b""
        stream = self.stream
        try:
            if isinstance(stream, TlsStream):
                data = stream.unseal(sealed)
                self.bytes_received += len(data) - len(sealed or b"")
            else:
                data = sealed or b""
            if sealed is None and not (pending or data):
                raise PeerGone("the peer closed the connection")
        except RemoteProtocolError as error:
            self.error = self.error or error
            raise
        return pending + data if pending else data

    def unread_sealed(self, sealed: bytes) -> None:
        """Give back what was received sealed and not used; the next receive sees it."""
        self._reader.receive_data(self.unseal(sealed))

    def unread_wire(self, data: bytes) -> None:
        """Give back the tail that a bulk reader did not use; the next receive sees it first."""
        rest = self._reader.take_pending()
        self._reader.receive_data(data + rest)

    async def _receive_some(self, *, sealed: bool = False) -> bytes:
        stream = self.stream
        try:
            with EDGE, _patience(self.read_patience, self.name):
                if sealed and isinstance(stream, TlsStream):
                    data = await stream.receive_sealed()
                else:
                    data = bytes(await stream.receive_some(RECEIVE_SIZE))
        except RemoteProtocolError as error:
            self.error = self.error or error
            raise
        self.bytes_received += len(data)
        return data

    async def _pull(self) -> bytes:
        data = await self._receive_some()
        if self.throttle is not None and data:
            try:
                await self.throttle.charge(len(data))
            except BaseException:
                self._reader.receive_data(data)  # a cancelled receive loses nothing
                raise
        return data

    async def send(self, *payloads: bytes) -> bool:
        """Send payloads, each as one packet (several above 999,996 bytes). False, never an error, when the peer
        is gone.
        """
        return await self._transmit(b"".join([frame(payload) for payload in payloads]))

    async def send_signal(self, number: int) -> bool:
        """Send a signal. False, never an error, when the peer is gone."""
        return await self._transmit(signal(number))

    async def send_wire(self, wire: bytes | bytearray | memoryview) -> None:
        """Send prebuilt bytes that end with a whole packet. Raises PeerGone when stopped or broken."""
        if not await self._transmit(wire):
            self._check_alive()

    async def _transmit(self, wire: bytes | bytearray | memoryview) -> bool:
        async with self._send_lock:
            if self._mid_send and self.error is None:
                self.error = PeerGone("an earlier send was cancelled inside a packet")
            if self.stopped:
                return False
            self._mid_send = True
            try:
                with EDGE, _patience(self.write_patience, self.name):
                    await send_bulk(self.stream, wire)
            except RemoteProtocolError as error:
                self.error = self.error or error
                return False
            self._mid_send = False
            size = memoryview(wire).nbytes
            self.bytes_sent += size
        if self.throttle is not None:
            await self.throttle.charge(size)
        return True

    async def start_tls(
        self, context: TlsContext, *, host: str | None = None, limit: float = HANDSHAKE_LIMIT
    ) -> TlsStream:
        """Go on inside TLS over the same connection (late TLS, protocol/01 section 5.6); no bytes are lost.

        Nothing may be in flight from this side. Raises PeerGone or RemoteProtocolError; the connection is
        then stopped.
        """
        with self._receiving:
            async with self._send_lock:
                self._check_alive()
                early = self._reader.take_pending()
                transport = ReplayStream(self.stream, early) if early else self.stream
                tls = TlsStream(transport, context, host=host)
                try:
                    await tls.handshake(limit)
                except RemoteProtocolError as error:
                    self.error = error
                    raise
                self.stream = tls
                return tls

    def _check_alive(self) -> None:
        if self.error is not None:
            raise PeerGone(str(self.error)) from self.error
        if self.terminated:
            raise PeerGone("the connection was terminated")

    async def abort(self) -> None:
        """Close the connection at once, without a goodbye in TLS."""
        self.error = self.error or PeerGone(CLOSED_HERE)
        await trio.aclose_forcefully(self.stream)

    async def aclose(self) -> None:
        """Close the stream (TLS says goodbye first). Errors of a peer that is gone are not reported."""
        if self.error is None and not self.terminated:
            self.error = PeerGone(CLOSED_HERE)
        try:
            await self.stream.aclose()
        except (OSError, trio.BrokenResourceError) as error:
            self.error = self.error or RemoteProtocolError(str(translate(error)))
