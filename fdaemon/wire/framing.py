"""Packets and signals of the Bareos network layer as bytes. No input or output, no look at payloads."""

from collections.abc import Buffer
from enum import IntEnum

from fdaemon.errors import LocalProtocolError, PeerGone, RemoteProtocolError

HEADER_SIZE = 4
MAX_PACKET = 1_000_000
"""Largest payload a receiver accepts (core/src/lib/bsock_tcp.h: max_packet_size)."""
MAX_PAYLOAD = MAX_PACKET - HEADER_SIZE
"""Largest payload a sender puts into one packet (core/src/lib/bsock_tcp.h: max_message_len)."""
COMPACT_ABOVE = 64 * 1024
"""Consumed bytes that the reader keeps before it moves the rest to the front: rare enough to be cheap."""


class Signal(IntEnum):
    """Negative length words (core/src/lib/bnet_protocol_signals.h)."""

    EOD = -1
    EOD_POLL = -2
    STATUS = -3
    TERMINATE = -4
    POLL = -5
    HEARTBEAT = -6
    HB_RESPONSE = -7
    PROMPT = -8
    BTIME = -9
    BREAK = -10
    START_SELECT = -11
    END_SELECT = -12
    INVALID_CMD = -13
    CMD_FAILED = -14
    CMD_OK = -15
    CMD_BEGIN = -16
    MSGS_PENDING = -17
    MAIN_PROMPT = -18
    SELECT_INPUT = -19
    WARNING_MSG = -20
    ERROR_MSG = -21
    INFO_MSG = -22
    RUN_CMD = -23
    YESNO = -24
    START_RTREE = -25
    END_RTREE = -26
    SUB_PROMPT = -27
    TEXT_INPUT = -28


def frame(payload: bytes) -> bytes:
    """The wire bytes of `payload`: one packet, or consecutive ones when it is longer than MAX_PAYLOAD."""
    size = len(payload)
    if size <= MAX_PAYLOAD:
        return size.to_bytes(4, "big") + payload
    pieces: list[bytes] = []
    for start in range(0, size, MAX_PAYLOAD):
        piece = payload[start : start + MAX_PAYLOAD]
        pieces += (len(piece).to_bytes(4, "big"), piece)
    return b"".join(pieces)


def signal(number: int) -> bytes:
    """The four bytes of a signal packet; `number` is negative."""
    if not -0x8000_0000 <= number < 0:
        raise LocalProtocolError(f"a signal is a negative 32-bit number, not {number}")
    return number.to_bytes(4, "big", signed=True)


EOD = signal(Signal.EOD)
"""Wire bytes of the end-of-data signal, ready for building batches."""
TERMINATE = signal(Signal.TERMINATE)
"""Wire bytes of the terminate signal, which a refused peer gets in clear text (protocol/01 section 4.4)."""


class OversizedPacket(RemoteProtocolError):
    """A header above MAX_PACKET: the stream cannot be resynchronised (protocol/01 section 1.3)."""

    def __init__(self, length: int) -> None:
        super().__init__(f"packet of {length} bytes announced, {MAX_PACKET} allowed")
        self.length = length


class PacketReader:
    """Cuts a byte stream into packets. Feed it with `receive_data`, empty it with `next_packet`."""

    __slots__ = ("_buffer", "_ended", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._ended = False

    def receive_data(self, data: Buffer) -> None:
        """Append bytes from the peer, cut anywhere."""
        if self._ended:
            raise LocalProtocolError("bytes after the end of the stream")
        self._buffer += data

    def receive_eof(self) -> None:
        """The peer will send no more; whole packets already here are still handed out."""
        self._ended = True

    @property
    def pending(self) -> int:
        """Bytes received and not yet handed out."""
        return len(self._buffer) - self._start

    def take_pending(self) -> bytes:
        """Hand out everything that is buffered, uncut, and forget it (for a bulk reader that takes over)."""
        rest = bytes(memoryview(self._buffer)[self._start :])
        self._buffer.clear()
        self._start = 0
        return rest

    def next_packet(self) -> bytes | int | None:
        """The next payload (may be empty), a signal number below 0, or None when more bytes are needed.

        Raises OversizedPacket on a header above MAX_PACKET, and PeerGone when the stream has ended.
        """
        buffer, start = self._buffer, self._start
        body = start + HEADER_SIZE
        if body > len(buffer):
            self._check_starved()
            return None
        length = int.from_bytes(buffer[start:body], "big", signed=True)
        if length < 0:
            self._consume(body)
            return length
        if length > MAX_PACKET:
            raise OversizedPacket(length)
        end = body + length
        if end > len(buffer):
            self._check_starved()
            return None
        packet = bytes(memoryview(buffer)[body:end])
        self._consume(end)
        return packet

    def _consume(self, end: int) -> None:
        if end == len(self._buffer):
            self._buffer.clear()
            self._start = 0
        elif end > COMPACT_ABOVE:
            del self._buffer[:end]
            self._start = 0
        else:
            self._start = end

    def _check_starved(self) -> None:
        if not self._ended:
            return
        if self.pending:
            raise PeerGone(
                f"the peer closed the connection inside a packet, after {self.pending} bytes of it"
            )
        raise PeerGone("the peer closed the connection")
