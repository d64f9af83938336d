"""A Director in a test's hands: one end of a memory stream into the daemon's real arrival code. Asserts nothing."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio
import trio.testing

from fdaemon.config import load
from fdaemon.config.options import Options
from fdaemon.errors import RemoteProtocolError
from fdaemon.net.packets import PacketStream
from fdaemon.protocol.cram import Initiator
from fdaemon.protocol.messages import MessageType
from fdaemon.registry import Registry
from fdaemon.session.arrival import serve_connection
from fdaemon.session.services import Release, Services

PASSWORD = "secret"
KEY = hashlib.md5(PASSWORD.encode()).hexdigest().encode()
HELLO = b"Hello Director bareos-dir calling\n"
JOB = b"JobId=7 Job=job.2026-11-23_05.00.00_01 SDid=1 SDtime=2 Authorization=dummy\n"
OK_JOB = b"2000 OK Job 25.1.0 (03Aug26) Linux,linux"

_CONFIGURATION = """
Client {{
  Name = fd
  Working Directory = "{folder}"
  TLS Enable = no
  {client}
}}
Director {{
  Name = bareos-dir
  Password = "{password}"
  TLS Enable = no
  {director}
}}
Messages {{
  Name = Standard
  Director = bareos-dir = all
}}
"""


@dataclass(slots=True)
class House:
    """The services under test and what they logged."""

    services: Services
    logged: list[tuple[MessageType, str]] = field(default_factory=list)


def house(folder: Path, *, client: str = "", director: str = "", faulty: bool = False) -> House:
    """Services as a daemon would have them; the texts are more lines for the resources. Only a `faulty` one may log an
    internal error."""
    path = folder / "fd.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, password=PASSWORD, client=client, director=director))
    logged: list[tuple[MessageType, str]] = []

    def log(kind: MessageType, text: str) -> None:
        assert faulty or not text.startswith("Internal error"), text
        logged.append((kind, text))

    return House(Services(load(str(path)), Options(), Registry(), Release(), log), logged)


class Peer:
    """The test's end of one connection."""

    def __init__(self, packets: PacketStream) -> None:
        self.packets = packets

    async def send(self, *payloads: bytes) -> None:
        """Send packets."""
        for payload in payloads:
            await self.packets.send(payload)

    async def signal(self, number: int) -> None:
        """Send a signal."""
        await self.packets.send_signal(number)

    async def hear(self) -> bytes | int | None:
        """The next packet or signal; None at the end of the connection."""
        try:
            return await self.packets.receive()
        except RemoteProtocolError:
            return None

    async def rest(self) -> list[bytes | int]:
        """Everything up to the end of the connection."""
        said: list[bytes | int] = []
        while (packet := await self.hear()) is not None:
            said.append(packet)
        return said

    async def log_in(self, key: bytes = KEY) -> None:
        """Prove to be the Director; the greeting has been read."""
        await self.prove(key)
        assert await self.hear() == b"2000 OK Hello 54\n"

    async def prove(self, key: bytes = KEY) -> None:
        """Prove to be the Director. The last packet has been sent; the daemon's task has not run since."""
        await self.send(HELLO)
        exchange = Initiator(key, b"R_DIRECTOR::bareos-dir", 0, 4711, 1_700_000_000)
        exchange.start()
        while not exchange.done:
            packet = await self.hear()
            assert packet is not None
            await self.send(*exchange.receive(packet))


@asynccontextmanager
async def connected(where: House) -> AsyncIterator[Peer]:
    """A connection that the daemon serves, for the time of the block."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_connection, where.services, theirs)
        yield Peer(PacketStream(ours, "daemon"))
        await ours.aclose()
