"""The misbehaving stream misbehaves exactly at its byte."""

import pytest
import trio
import trio.testing

from fdaemon.net.faults import Direction, Fault, FaultyStream

DATA = bytes(range(10))


async def receive_all(stream: trio.abc.ReceiveStream) -> bytes:
    received = b""
    while data := await stream.receive_some():
        received += data
    return received


@pytest.mark.parametrize("at", range(11))
async def test_cut_while_receiving(at: int) -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.CUT, at, Direction.RECEIVE)
    await right.send_all(DATA)
    await right.aclose()
    assert await receive_all(faulty) == DATA[:at]
    assert faulty.tripped  # at 10 the cut and the end are the same thing


async def test_fault_beyond_the_end_does_not_trip() -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.CUT, 11, Direction.RECEIVE)
    await right.send_all(DATA)
    await right.aclose()
    assert await receive_all(faulty) == DATA
    assert not faulty.tripped


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET])
@pytest.mark.parametrize("at", range(11))
async def test_break_while_sending(fault: Fault, at: int) -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, fault, at, Direction.SEND)
    if at < 10:
        start = 4 if at >= 4 else 0
        await faulty.send_all(DATA[:start])
        with pytest.raises(trio.BrokenResourceError):
            await faulty.send_all(DATA[start:])
    else:
        await faulty.send_all(DATA)
        await faulty.aclose()
    assert await receive_all(right) == DATA[:at]
    assert faulty.tripped == (at < 10)


async def test_reset_while_receiving() -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.RESET, 3, Direction.RECEIVE)
    await right.send_all(DATA)
    assert await faulty.receive_some() == DATA[:3]
    with pytest.raises(trio.BrokenResourceError):
        await faulty.receive_some()


@pytest.mark.parametrize("direction", list(Direction))
async def test_stall_ends_with_close(direction: Direction) -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.STALL, 4, direction)
    await right.send_all(DATA)

    async def run() -> None:
        moving = faulty.send_all(DATA) if direction is Direction.SEND else receive_all(faulty)
        with pytest.raises(trio.ClosedResourceError):
            await moving

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        assert faulty.tripped
        await faulty.aclose()
    if direction is Direction.SEND:
        assert await receive_all(right) == DATA[:4]


@pytest.mark.parametrize("direction", list(Direction))
async def test_garble_turns_one_byte(direction: Direction) -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.GARBLE, 6, direction)
    sender, receiver = (faulty, right) if direction is Direction.SEND else (right, faulty)
    await sender.send_all(DATA[:5])
    await sender.send_all(DATA[5:])
    await sender.aclose()
    expected = bytearray(DATA)
    expected[6] ^= 0xFF
    assert await receive_all(receiver) == expected
    assert faulty.tripped


async def test_split_goes_byte_by_byte_from_its_place() -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.SPLIT, 7, Direction.RECEIVE)
    await right.send_all(DATA)
    assert [await faulty.receive_some() for _ in range(4)] == [DATA[:7], b"\x07", b"\x08", b"\x09"]


async def test_other_direction_is_untouched() -> None:
    left, right = trio.testing.memory_stream_pair()
    faulty = FaultyStream(left, Fault.CUT, 0, Direction.RECEIVE)
    await faulty.send_all(DATA)
    await faulty.wait_send_all_might_not_block()
    assert await right.receive_some() == DATA
    other = FaultyStream(right, Fault.CUT, 0, Direction.SEND)
    await faulty.send_all(DATA)
    assert await other.receive_some() == DATA
    assert not faulty.tripped
