from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import PeerGone
from fdaemon.protocol.records import Record, RecordReader
from fdaemon.wire.framing import EOD, TERMINATE, frame, signal
from fdaemon.wire.headers import record_header

RECORDS: list[tuple[int, int, bytes]] = [
    (1, 1, b"attributes"),
    (1, 2, b""),
    (1, 2, bytes(70_000)),
    (2, 1998, b"\xff\xff\xff\xff"),
]
WIRE = b"".join(frame(record_header(7, 8, i, s, len(data))) + frame(data) for i, s, data in RECORDS)


def fed(*pieces: bytes) -> tuple[RecordReader, list[Record]]:
    reader = RecordReader()
    return reader, [record for piece in pieces for record in reader.feed(piece)]


def test_whole_with_a_tail() -> None:
    reader, records = fed(WIRE + EOD + b"tail", b" and more")
    assert records == RECORDS
    assert reader.ended
    assert reader.rest == b"tail and more"
    assert reader.packets == 2 * len(RECORDS) + 1


def test_byte_by_byte() -> None:
    reader, records = fed(*[bytes((byte,)) for byte in WIRE + EOD])
    assert records == RECORDS
    assert reader.ended
    assert reader.error is None


@given(st.lists(st.integers(0, len(WIRE) + 4), max_size=6))
def test_cut_anywhere(cuts: list[int]) -> None:
    wire = WIRE + EOD
    edges = [0, *sorted(cuts), len(wire)]
    reader, records = fed(*[wire[start:end] for start, end in pairwise(edges)])
    assert records == RECORDS
    assert reader.ended
    assert reader.place == (7, 8, RECORDS[-1][0])


def test_the_place_is_that_of_the_last_header() -> None:
    reader = RecordReader()
    assert reader.place is None
    header, data = frame(record_header(4_294_967_295, 1_700_000_000, 5, 1, 3)), frame(b"abc")
    reader.feed(header)
    assert reader.place == (4_294_967_295, 1_700_000_000, 5)
    reader.feed(data + frame(record_header(1, 2, -3, 1, 3)) + data + header[:9])
    assert reader.place == (1, 2, -3)
    reader.feed(header[9:] + data + EOD)
    assert reader.place == (4_294_967_295, 1_700_000_000, 5)


def test_stream_flag_bits_are_masked() -> None:
    stream = 2 | 1 << 25
    _, records = fed(frame(record_header(1, 1, 5, stream, 1)) + frame(b"x"))
    assert records == [(5, 2, b"x")]


def test_records_before_an_error_are_not_lost() -> None:
    reader, records = fed(WIRE + frame(b"nonsense") + WIRE)
    assert records == RECORDS
    assert reader.error is not None
    assert reader.error.fatal == b"Record header scan error: nonsense\n"
    assert reader.feed(WIRE) == []


@pytest.mark.parametrize("cut", [0, 3, 10, 40, len(WIRE) - 1])
def test_end_of_file(cut: int) -> None:
    reader, _ = fed(WIRE[:cut])
    reader.receive_eof()
    assert isinstance(reader.error, PeerGone)


def test_end_of_file_after_the_end_of_data() -> None:
    reader, _ = fed(WIRE + EOD)
    reader.receive_eof()
    assert reader.error is None


@pytest.mark.parametrize("bad", [EOD, TERMINATE, signal(-2)])
def test_signals_in_place_of_data(bad: bytes) -> None:
    reader, records = fed(frame(record_header(1, 1, 1, 1, 5)) + bad)
    assert records == []
    assert not reader.ended
    assert reader.error is not None
    assert (reader.error.fatal or b"").startswith(b"Data record error. ERR=")


def test_terminate_in_place_of_a_header_is_no_end() -> None:
    reader, _ = fed(WIRE + TERMINATE)
    assert not reader.ended
    assert reader.error is not None


def test_questions_are_answered() -> None:
    reader, records = fed(signal(-5) + WIRE + signal(-3) + signal(-6) + signal(-7) + signal(-28) + signal(-2))
    assert records == RECORDS
    assert bytes(reader.replies) == frame(b"2000 OK\n") + frame(b"Status OK\n") + EOD + frame(b"2000 OK\n")
    assert reader.ended


def test_oversized_packet() -> None:
    reader, _ = fed((1_000_001).to_bytes(4, "big"))
    assert reader.error is not None


@given(st.binary(max_size=100))
def test_any_bytes_never_raise(data: bytes) -> None:
    fed(data)
    fed(WIRE[:30] + data)
