"""A TLS exchange cut, stalled and garbled all along its way: errors of ours, never a hang, never wrong bytes."""

import pytest
import trio
import trio.testing

from fdaemon.errors import RemoteProtocolError
from fdaemon.net.faults import Direction, Fault, FaultyStream
from fdaemon.net.tls import TlsSettings, TlsStream, client_context, server_context
from tests.net.tls_pairs import IDENTITY, KEY, VERSIONS, lookup

QUESTION, ANSWER = b"question" * 30, b"answer" * 30
STEP = 7
"""Bytes between two places of a fault: coprime to the sizes of records, so every field is met."""


async def run_one(fault: Fault, at: int, direction: Direction, version: str) -> tuple[bool, bool]:
    """One exchange with one fault below the client; returns (fault was met, exchange went well)."""
    settings = TlsSettings(protocol=VERSIONS[version])
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, fault, at, direction)
    client = TlsStream(faulty, client_context(settings, IDENTITY, KEY))
    server = TlsStream(right, server_context(settings, lookup))
    well: list[bool] = []

    async def talk(stream: TlsStream, say: bytes, hear: bytes, *, first: bool) -> None:
        try:
            with trio.move_on_after(100):
                await stream.handshake()
                if first:
                    await stream.send_all(say)
                heard = b""
                while len(heard) < len(hear) and (data := await stream.receive_some()):
                    heard += data
                assert hear.startswith(heard)
                if heard == hear:
                    if not first:
                        await stream.send_all(say)
                    well.append(True)
        except RemoteProtocolError:
            pass
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: talk(client, QUESTION, ANSWER, first=True))
        nursery.start_soon(lambda: talk(server, ANSWER, QUESTION, first=False))
    return faulty.tripped, len(well) == 2


@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET, Fault.STALL, Fault.GARBLE])
async def test_sweep(
    fault: Fault, direction: Direction, version: str, autojump_clock: trio.testing.MockClock
) -> None:
    at, met, spoilt = 0, True, 0
    while met:
        met, well = await run_one(fault, at, direction, version)
        assert met or well
        spoilt += met and not well
        at += STEP
    assert at > 400
    assert spoilt > 40
