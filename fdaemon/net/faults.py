"""A stream that misbehaves at byte N, for fault sweeps. Never used by the daemon itself."""

from enum import Enum, auto
from typing import assert_never

import trio


class Fault(Enum):
    """What goes wrong."""

    CUT = auto()
    """End of file for the reader; a broken connection for the writer."""
    RESET = auto()
    """A broken connection in either direction."""
    STALL = auto()
    """Nothing moves any more until the stream is closed."""
    GARBLE = auto()
    """One byte arrives with all its bits turned."""
    SPLIT = auto()
    """Bytes go one by one."""


class Direction(Enum):
    """Seen from the holder of the wrapper."""

    RECEIVE = auto()
    SEND = auto()


class FaultyStream(trio.abc.Stream):
    """`transport` with `fault` when byte number `at` (from 0) of `direction` is reached; `tripped` tells if
    it was.

    A sweep raises `at` until a run ends with `tripped` false.
    """

    def __init__(self, transport: trio.abc.Stream, fault: Fault, at: int, direction: Direction) -> None:
        self.transport = transport
        self.fault = fault
        self.at = at
        self.direction = direction
        self.tripped = False
        self._moved = 0
        self._closed = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Pass `data` on, up to the fault."""
        if self.direction is not Direction.SEND:
            await self.transport.send_all(data)
            return
        view = memoryview(data)
        start = self._moved
        self._moved += view.nbytes
        good = min(max(self.at - start, 0), view.nbytes)
        if good == view.nbytes:
            await self.transport.send_all(view)
            return
        self.tripped = True
        match self.fault:
            case Fault.CUT | Fault.RESET:
                await self._pass_on(view[:good])
                await self.aclose()
                raise trio.BrokenResourceError
            case Fault.STALL:
                await self._pass_on(view[:good])
                await self._stall()
            case Fault.GARBLE:
                await self.transport.send_all(self._garble(view, start))
            case Fault.SPLIT:
                await self._pass_on(view[:good])
                for index in range(good, view.nbytes):
                    await self.transport.send_all(view[index : index + 1])
            case _:
                assert_never(self.fault)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive, up to the fault."""
        if self.direction is not Direction.RECEIVE:
            return bytes(await self.transport.receive_some(max_bytes))
        left = self.at - self._moved
        if left > 0 and self.fault is not Fault.GARBLE:
            limit = left if max_bytes is None else min(left, max_bytes)
            data = bytes(await self.transport.receive_some(limit))
            self._moved += len(data)
            return data
        match self.fault:
            case Fault.CUT:
                self.tripped = True
                await trio.lowlevel.checkpoint()
                return b""
            case Fault.RESET:
                self.tripped = True
                await self.aclose()
                raise trio.BrokenResourceError
            case Fault.STALL:
                self.tripped = True
                await self._stall()
                return b""
            case Fault.GARBLE:
                data = bytes(await self.transport.receive_some(max_bytes))
                start, self._moved = self._moved, self._moved + len(data)
                return bytes(self._garble(memoryview(data), start))
            case Fault.SPLIT:
                data = bytes(await self.transport.receive_some(1))
                self.tripped = self.tripped or bool(data)
                return data
            case _:
                assert_never(self.fault)

    async def wait_send_all_might_not_block(self) -> None:
        """As the trio interface says."""
        await self.transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close, and wake a stalled task."""
        self._closed.set()
        await self.transport.aclose()

    async def _pass_on(self, view: memoryview) -> None:
        if view.nbytes:
            await self.transport.send_all(view)

    async def _stall(self) -> None:
        await self._closed.wait()
        raise trio.ClosedResourceError

    def _garble(self, view: memoryview, start: int) -> bytearray:
        copy = bytearray(view)
        place = self.at - start
        if 0 <= place < len(copy):
            self.tripped = True
            copy[place] ^= 0xFF
        return copy
