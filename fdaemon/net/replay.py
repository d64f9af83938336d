"""A stream with bytes put back in front, for those who looked ahead or read too far. Adds nothing else."""

import trio

from fdaemon.net.sockets import send_bulk


class ReplayStream(trio.abc.Stream):
    """`transport` with `first` put back in front of what it still delivers."""

    def __init__(self, transport: trio.abc.Stream, first: bytes) -> None:
        self.transport = transport
        self._first = first

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Pass `data` on."""
        await send_bulk(self.transport, data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the trio interface says."""
        await self.transport.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The bytes put back, then those of the transport."""
        if not self._first:
            return bytes(await self.transport.receive_some(max_bytes))
        await trio.lowlevel.checkpoint()
        size = len(self._first) if max_bytes is None else max_bytes
        data, self._first = self._first[:size], self._first[size:]
        return data

    async def aclose(self) -> None:
        """Close the transport."""
        await self.transport.aclose()
