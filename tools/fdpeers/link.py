"""One packet connection of a peer: frames, signals, authentication. Bulk data passes through untouched
(`receive_chunk`, `send_wire`).
"""

import secrets
import struct
import time
from contextlib import suppress
from typing import Final

import trio
from trio.abc import Stream

from fdpeers import cram
from fdpeers.errors import AuthenticationFailed, LinkClosed, Unexpected
from fdpeers.transcript import Recording

MAX_PACKET: Final = 1_000_000
"""A larger header ends the connection (core/src/lib/bsock_tcp.cc: recv)."""

MAX_PAYLOAD: Final = 999_996
CHUNK: Final = 1 << 18

EOD: Final = -1
TERMINATE: Final = -4

_BROKEN: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


def packet(payload: bytes) -> bytes:
    """Wire form of one payload of at most 999,996 bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"{len(payload)} bytes do not fit into one packet")
    return struct.pack(">i", len(payload)) + payload


class Link:
    """Packets over `stream`. A TERMINATE from the far end closes the link for both directions, as in the
    daemons.
    """

    def __init__(self, stream: Stream, recording: Recording | None = None, early: bytes = b"") -> None:
        self.stream = stream
        self._recording = recording
        self._buffer = bytearray(early)
        self._terminated = False
        if recording is not None and early:
            recording.received(early)

    async def receive(self) -> bytes | int:
        """The next payload, or the number of a signal. Raises LinkClosed."""
        if self._terminated:
            raise LinkClosed("the far end has terminated the connection")
        head = await self._take(4)
        (length,) = struct.unpack(">i", head)
        if length > MAX_PACKET:
            self._terminated = True
            raise LinkClosed(f"packet of {length} bytes")
        if length < 0:
            self._terminated = length == TERMINATE
            return int(length)
        return await self._take(length)

    async def receive_chunk(self) -> bytes:
        """Raw wire bytes as they come, the buffered ones first. Raises LinkClosed at the end of the
        connection.
        """
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data
        return await self._more()

    async def receive_into(self, view: memoryview) -> int:
        """Like `receive_chunk`, into the caller's buffer: without a copy where the stream is a plain
        socket.
        """
        if not self._buffer and self._recording is None and isinstance(self.stream, trio.SocketStream):
            try:
                if count := await self.stream.socket.recv_into(view):
                    return count
            except OSError as error:
                raise LinkClosed(f"cannot receive: {error}") from error
            raise LinkClosed("end of connection")
        data = await self.receive_chunk()
        if len(data) > len(view):
            self.give_back(data[len(view) :])
            data = data[: len(view)]
        view[: len(data)] = data
        return len(data)

    def give_back(self, data: bytes | memoryview) -> None:
        """Put wire bytes that a bulk reader did not need back in front of the next packet."""
        self._buffer[:0] = data

    async def send(self, payload: bytes) -> None:
        """Send one packet. Raises LinkClosed."""
        await self.send_wire(packet(payload))

    async def send_signal(self, number: int) -> None:
        """Send a bare signal. Raises LinkClosed."""
        await self.send_wire(struct.pack(">i", number))

    async def send_wire(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes that are framed already, or are meant to be garbage. Raises LinkClosed."""
        try:
            await self.stream.send_all(data)
        except _BROKEN as error:
            raise LinkClosed(f"cannot send: {error}") from error
        if self._recording is not None:
            self._recording.sent(data)

    async def aclose(self) -> None:
        """Close; errors of a connection that is gone already do not matter."""
        with suppress(*_BROKEN):
            await self.stream.aclose()
        if self._recording is not None:
            self._recording.closed(by_far=False)

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += await self._more()
        data = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return data

    async def _more(self) -> bytes:
        try:
            data = await self.stream.receive_some(CHUNK)
        except _BROKEN as error:
            raise LinkClosed(f"cannot receive: {error}") from error
        if not data:
            if self._recording is not None:
                self._recording.closed(by_far=True)
            raise LinkClosed("end of connection")
        if self._recording is not None:
            self._recording.received(data)
        return bytes(data)


async def challenge(link: Link, name: bytes, key: bytes, *, policy: int, compatible: bool) -> None:
    """Challenge the far end and tell it the result. Raises AuthenticationFailed."""
    text = cram.challenge(secrets.randbits(32), int(time.time()), name)
    await link.send(cram.challenge_packet(text, policy))
    reply = await link.receive()
    if isinstance(reply, bytes) and cram.is_right(reply, text, key, compatible=compatible):
        await link.send(cram.OK)
        return
    await link.send(cram.REFUSED)
    raise AuthenticationFailed(f"wrong answer to our challenge: {reply!r}")


async def respond(link: Link, key: bytes) -> None:
    """Answer the far end's challenge and wait for its verdict. Raises AuthenticationFailed."""
    asked = await link.receive()
    if isinstance(asked, int):
        raise AuthenticationFailed(f"signal {asked} instead of a challenge")
    await link.send(cram.answer(asked, key))
    verdict = await link.receive()
    if verdict != cram.OK:
        raise AuthenticationFailed(f"our answer was refused: {verdict!r}")


async def expect(link: Link, wanted: bytes) -> None:
    """Receive exactly `wanted`. Raises Unexpected."""
    got = await link.receive()
    if got != wanted:
        raise Unexpected(repr(wanted), got)
