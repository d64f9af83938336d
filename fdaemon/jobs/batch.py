"""Wire bytes of many files collected in one reusable buffer, and handed over whole. Makes no packets
itself.
"""

from collections import deque
from dataclasses import dataclass

from fdaemon.codec.ordered import OrderedDigests
from fdaemon.views import Counters
from fdaemon.wire.framing import EOD, HEADER_SIZE, MAX_PACKET, MAX_PAYLOAD, frame

FLUSH_ABOVE = 768 * 1024
"""A batch is handed over when it holds more than this after a file: one thread hop pays for some 100
files.
"""
SLACK = 64 * 1024
"""Room for the headers between the blocks of a batch."""


class Slot:
    """A buffer and the digest ticket that must have passed before it may be filled again."""

    __slots__ = ("buffer", "busy", "view")

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)
        self.busy = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole packets, ready for the Storage connection, with the counters as they stand after them.

    `release` gives the buffer back once `data` has been sent; without it the buffer is simply not reused.
    """

    data: memoryview
    files: int
    read_bytes: int
    job_bytes: int
    current: bytes
    slot: Slot
    free: "deque[Slot]"

    def release(self) -> None:
        """Let the buffer be filled again; `data` must not be touched any more. May be called from any
        thread.
        """
        self.free.append(self.slot)


def stream_bytes(index: bytes, tail: bytes, payload: bytes) -> bytes:
    """The packets of a stream of one record: header (`index` and `tail` as text), payload, end of data."""
    return b"".join(
        (
            (len(index) + len(tail)).to_bytes(HEADER_SIZE, "big"),
            index,
            tail,
            len(payload).to_bytes(HEADER_SIZE, "big"),
            payload,
            EOD,
        )
    )


class Assembler:
    """Fills one buffer after the other. `buffer`, `view` and `position` are open to the code that reads files
    into the buffer directly; finished batches wait in `ready`. `behind` is how many files that the counters
    count are not in a buffer yet.
    """

    __slots__ = (
        "_counters",
        "_digests",
        "_free",
        "_size",
        "_slot",
        "behind",
        "buffer",
        "diverted",
        "position",
        "ready",
        "view",
    )

    def __init__(self, counters: Counters, digests: OrderedDigests, block: int) -> None:
        self._counters = counters
        self._digests = digests
        self._size: int = max(4 * (block + 4), MAX_PACKET) + SLACK
        self._free: deque[Slot] = deque()
        self.ready: list[Batch] = []
        self.diverted: list[bytes] | None = None
        self.behind = 0
        self.position = 0
        self._take()

    @property
    def size(self) -> int:
        """Capacity of one buffer in bytes."""
        return self._size

    def reserve(self, room: int) -> int:
        """Make sure that `room` bytes fit behind `position`, sealing the batch if not; returns `position`."""
        if self.position + room > self._size:
            self.seal()
        return self.position

    def put(self, wire: bytes) -> None:
        """Append whole packets of at most MAX_PACKET bytes."""
        if self.diverted is not None:
            self.diverted.append(wire)
            return
        end = self.position + len(wire)
        if end > self._size:
            self.seal()
            end = self.position + len(wire)
        self.buffer[self.position : end] = wire
        self.position = end

    def put_large(self, wire: bytes) -> None:
        """Append whole packets of any length together. They may be cut between two batches anywhere."""
        start = 0
        while len(wire) - start > self._size - self.position:
            end = start + self._size - self.position
            self.buffer[self.position :] = wire[start:end]
            self.position, start = self._size, end
            self.seal()
        self.put(wire[start:])

    def put_packet(self, prefix: bytes, payload: bytes) -> None:
        """Append `prefix` and `payload` as one packet.

        Above MAX_PAYLOAD they go out in several, as the C++ daemon sends them.
        """
        size = len(prefix) + len(payload)
        if size > MAX_PAYLOAD or self.diverted is not None:
            whole = prefix + payload
            for at in range(0, size, MAX_PAYLOAD):
                self.put(frame(whole[at : at + MAX_PAYLOAD]))
            return
        start = self.reserve(HEADER_SIZE + size)
        first = start + HEADER_SIZE + len(prefix)
        self.position = first + len(payload)
        self.buffer[start:first] = size.to_bytes(HEADER_SIZE, "big") + prefix
        self.buffer[first : self.position] = payload

    def put_stream(self, index: bytes, tail: bytes, payload: bytes) -> None:
        """Append a stream of one record: header (`index` and `tail` as text), payload, end of data."""
        if len(payload) <= MAX_PAYLOAD:
            self.put(stream_bytes(index, tail, payload))
            return
        self.put_packet(index, tail)
        self.put_packet(b"", payload)
        self.put(EOD)

    def mark_busy(self, ticket: int) -> None:
        """The current buffer must not be refilled before digest `ticket` has passed."""
        self._slot.busy = ticket

    def seal(self) -> None:
        """Move what has been collected to `ready` and go on with another buffer."""
        if not self.position:
            return
        counters = self._counters
        self.ready.append(
            Batch(
                self.view[: self.position],
                counters.files - self.behind,
                counters.read_bytes,
                counters.job_bytes,
                counters.current,
                self._slot,
                self._free,
            )
        )
        self._take()

    def take(self) -> list[Batch]:
        """The finished batches, oldest first."""
        ready, self.ready = self.ready, []
        return ready

    def _take(self) -> None:
        try:
            slot = self._free.popleft()
        except IndexError:
            slot = Slot(self._size)
        if slot.busy:
            self._digests.wait(slot.busy)
            slot.busy = 0
        self._slot, self.buffer, self.view = slot, slot.buffer, slot.view
        self.position = 0
