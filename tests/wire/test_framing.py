"""Framing: documented bytes, any cut of the stream, and what a bad or ended stream does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import LocalProtocolError, PeerGone
from fdaemon.wire.framing import (
    COMPACT_ABOVE,
    EOD,
    MAX_PACKET,
    MAX_PAYLOAD,
    TERMINATE,
    OversizedPacket,
    PacketReader,
    Signal,
    frame,
    signal,
)
from tests.support.feeding import Feed, byte_by_byte, drain, in_pieces, whole
from tests.support.sessions import Packet, every_session

DOCUMENTED = [
    (
        b"Hello Director bareos-dir calling\n",
        "00000022 48656c6c6f204469726563746f72206261 72656f732d6469722063616c6c696e670a",
    ),
    (b"", "00000000"),
    (b"status", "00000006 737461747573"),
    (b"2000 OK level\n", "0000000e 32303030204f4b206c6576656c0a"),
    (b"====\n\0", "00000006 3d3d3d3d0a00"),
]
"""protocol/01 section 1.1, protocol/02 sections 0.2 and 3.1."""


@pytest.mark.parametrize(("payload", "wire"), DOCUMENTED)
def test_documented_packets(payload: bytes, wire: str) -> None:
    assert frame(payload) == bytes.fromhex(wire)
    assert whole(PacketReader(), bytes.fromhex(wire)) == [payload]


@pytest.mark.parametrize(
    ("number", "wire"),
    [(-1, "ffffffff"), (-2, "fffffffe"), (-4, "fffffffc"), (-6, "fffffffa"), (-9, "fffffff7")],
)
def test_documented_signals(number: int, wire: str) -> None:
    assert signal(number) == bytes.fromhex(wire)
    assert whole(PacketReader(), bytes.fromhex(wire)) == [number]


def test_named_signals() -> None:
    assert (EOD, TERMINATE) == (b"\xff\xff\xff\xff", b"\xff\xff\xff\xfc")
    assert [int(number) for number in Signal] == list(range(-1, -29, -1))


@pytest.mark.parametrize("number", [0, 1, -0x8000_0001])
def test_no_signal(number: int) -> None:
    with pytest.raises(LocalProtocolError):
        signal(number)


STREAM = frame(b"one") + EOD + frame(b"") + frame(b"\x00" * 300) + signal(-28) + frame(b"two\n")
PARSED: list[bytes | int] = [b"one", -1, b"", b"\x00" * 300, -28, b"two\n"]


@pytest.mark.parametrize("feed", [whole, byte_by_byte])
def test_a_stream_any_way_it_comes(feed: Feed) -> None:
    reader = PacketReader()
    assert feed(reader, STREAM) == PARSED
    assert reader.pending == 0


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_a_stream_with_a_tail(cut: int) -> None:
    reader = PacketReader()
    assert in_pieces(reader, [STREAM[:cut], STREAM[cut:] + b"\0\0\0"]) == PARSED
    assert reader.pending == 3
    assert reader.next_packet() is None
    reader.receive_data(b"\x01x")
    assert reader.next_packet() == b"x"


@given(st.lists(st.one_of(st.binary(max_size=80), st.integers(-28, -1)), max_size=12), st.data())
def test_round_trip_in_random_pieces(items: list[bytes | int], data: st.DataObject) -> None:
    stream = b"".join(signal(item) if isinstance(item, int) else frame(item) for item in items)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert in_pieces(PacketReader(), pieces) == items


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (MAX_PAYLOAD, [MAX_PAYLOAD]),
        (MAX_PAYLOAD + 1, [MAX_PAYLOAD, 1]),
        (2 * MAX_PAYLOAD, [MAX_PAYLOAD, MAX_PAYLOAD]),
        (2 * MAX_PAYLOAD + 7, [MAX_PAYLOAD, MAX_PAYLOAD, 7]),
    ],
)
def test_long_payloads_become_several_packets(size: int, parts: list[int]) -> None:
    packets = whole(PacketReader(), frame(bytes(size)))
    assert [len(packet) for packet in packets if isinstance(packet, bytes)] == parts


def test_largest_packet_is_accepted() -> None:
    reader = PacketReader()
    reader.receive_data(MAX_PACKET.to_bytes(4, "big") + bytes(MAX_PACKET))
    packet = reader.next_packet()
    assert isinstance(packet, bytes)
    assert len(packet) == MAX_PACKET


@pytest.mark.parametrize("header", [b"\x00\x0f\x42\x41", b"\x16\x03\x01\x02", b"\x7f\xff\xff\xff"])
def test_oversized_packet(header: bytes) -> None:
    reader = PacketReader()
    reader.receive_data(header)
    with pytest.raises(OversizedPacket) as caught:
        reader.next_packet()
    assert caught.value.length == int.from_bytes(header, "big")
    with pytest.raises(OversizedPacket):
        reader.next_packet()


def test_end_between_packets() -> None:
    reader = PacketReader()
    reader.receive_data(frame(b"last"))
    reader.receive_eof()
    assert reader.next_packet() == b"last"
    with pytest.raises(PeerGone, match=r"closed the connection$"):
        reader.next_packet()


@pytest.mark.parametrize("cut", range(1, 8))
def test_end_inside_a_packet(cut: int) -> None:
    reader = PacketReader()
    reader.receive_data(frame(b"last")[:cut])
    reader.receive_eof()
    with pytest.raises(PeerGone, match="inside a packet"):
        reader.next_packet()


def test_no_data_after_the_end() -> None:
    reader = PacketReader()
    reader.receive_eof()
    with pytest.raises(LocalProtocolError):
        reader.receive_data(b"x")


def test_pending_bytes_can_be_taken_over() -> None:
    reader = PacketReader()
    reader.receive_data(frame(b"mine") + b"rest")
    assert reader.next_packet() == b"mine"
    assert reader.take_pending() == b"rest"
    assert reader.pending == 0
    assert whole(reader, frame(b"again")) == [b"again"]


def test_consumed_bytes_are_given_back() -> None:
    reader = PacketReader()
    payload = bytes(COMPACT_ABOVE)
    reader.receive_data(memoryview(frame(payload) * 3 + b"\0\0"))
    assert drain(reader) == [payload] * 3
    assert reader.pending == 2


def test_recorded_packets_survive_framing() -> None:
    for session in every_session():
        for event in session.events:
            if isinstance(event, Packet) and event.payload is not None:
                assert whole(PacketReader(), frame(event.payload)) == [event.payload]
