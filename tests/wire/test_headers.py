"""Stream and record headers, bashed text, stream tables and digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire import streams
from fdaemon.wire.digests import Digest
from fdaemon.wire.headers import (
    RecordHeader,
    StreamHeader,
    parse_record_header,
    parse_stream_header,
    record_header,
    stream_header,
)
from fdaemon.wire.streams import Stream
from fdaemon.wire.text import bash, c_string, decimal, unbash
from tests.support.sessions import Packet, Signalled, every_session


def test_documented_headers() -> None:
    assert stream_header(1, Stream.FILE_DATA) == bytes.fromhex("3120322030")
    assert record_header(3, 1795400000, 1, 1, 76) == b"rechdr 3 1795400000 1 1 76"
    assert parse_record_header(b"rechdr 3 1795400000 1 1 76") == RecordHeader(3, 1795400000, 1, 1, 76)


@given(st.integers(1, 2**31 - 1), st.integers(0, 2047))
def test_stream_header_round_trip(index: int, stream: int) -> None:
    assert parse_stream_header(stream_header(index, stream)) == StreamHeader(index, stream)


UNSIGNED = st.integers(0, 2**32 - 1)
SIGNED = st.integers(-(2**31), 2**31 - 1)


@given(st.builds(RecordHeader, UNSIGNED, UNSIGNED, SIGNED, SIGNED, UNSIGNED))
def test_record_header_round_trip(header: RecordHeader) -> None:
    wire = record_header(
        header.session_id, header.session_time, header.file_index, header.stream, header.size
    )
    assert parse_record_header(wire) == header


@pytest.mark.parametrize(
    "payload", [b"", b"1 2", b"1 2 1", b"1 2 0\n", b"1 2 0 ", b"a 2 0", b"1  0", b"1 2 0 0"]
)
def test_not_a_stream_header(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_stream_header(payload)


def test_a_record_header_with_missing_numbers() -> None:
    assert parse_record_header(b"rechdr 1 1 x 2 5") == RecordHeader(1, 1, 0, 0, 0)


def test_not_a_record_header() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_record_header(b"3000 error\n")
    assert caught.value.fatal == b"Record header scan error: 3000 error\n\n"


def test_recorded_headers_come_back_and_are_followed_by_their_data() -> None:
    seen = 0
    for session in every_session():
        for connection, link in session.connections.items():
            if link not in ("fd-sd", "sd-fd"):
                continue
            previous: RecordHeader | None = None
            expect_header = False
            for event in session.traffic(connection):
                if isinstance(event, Signalled):
                    expect_header = event.sender == "fd" and event.number == -1
                    continue
                if previous is not None:
                    assert event.size == previous.size, session.name
                    previous = None
                elif event.payload is not None and event.payload.startswith(b"rechdr "):
                    previous = parse_record_header(event.payload)
                    assert wire_of(previous) == event.payload
                    seen += 1
                elif event.payload is not None and expect_header and event.sender == "fd":
                    seen += check_stream_header(event)
                expect_header = False
    assert seen > 100


def wire_of(header: RecordHeader) -> bytes:
    return record_header(
        header.session_id, header.session_time, header.file_index, header.stream, header.size
    )


def check_stream_header(event: Packet) -> bool:
    """The packet after an end of data from the File daemon: a stream header, or a command at the end."""
    payload = event.payload or b""
    if payload.startswith((b"append ", b"read ")):
        return False
    header = parse_stream_header(payload)
    assert stream_header(header.file_index, header.stream) == payload
    assert header.stream in set(Stream)
    return True


@given(st.binary().map(lambda raw: raw.replace(b"\x01", b"")))
def test_bashed_text_round_trip(text: bytes) -> None:
    assert unbash(bash(text)) == text
    assert b" " not in bash(text)


def test_c_string() -> None:
    assert c_string(b"one\0two") == b"one"
    assert c_string(b"one") == b"one"


@pytest.mark.parametrize("text", [b"", b"-", b"+1", b" 1", b"1 ", b"1.0", b"1" * 21, "\u0661".encode()])
def test_not_a_decimal(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="size"):
        decimal(text, "size")


def test_decimal() -> None:
    assert decimal(b"-12", "n") == -12
    assert decimal(b"0", "n") == 0


def test_digests() -> None:
    facts = [(d.name, int(d.stream), d.size, d.label) for d in Digest]
    assert facts == [
        ("MD5", 3, 16, b"MD5"),
        ("SHA1", 10, 20, b"SHA1"),
        ("SHA256", 17, 32, b"SHA256"),
        ("SHA512", 18, 64, b"SHA512"),
        ("XXH128", 40, 16, b"XXH128"),
    ]
    assert [Digest.of_stream(stream) for stream in (3, 40, 2)] == [Digest.MD5, Digest.XXH128, None]
    assert {digest.stream for digest in Digest} == streams.DIGESTS


def test_stream_tables_agree_with_the_protocol_page() -> None:
    assert {2, 4, 6, 7, 11, 12, 20, 21, 23, 24, 29, 30, 31, 32, 33} == streams.FILE_DATA
    assert {6, 7, 30} == streams.SPARSE_DATA
    assert {4, 7, 12, 23, 24} == streams.GZIP_DATA
    assert {29, 30, 31, 32, 33} == streams.COMPRESSED_DATA
    assert {20, 21, 23, 24, 32, 33} == streams.ENCRYPTED_DATA
    assert {11, 12, 21, 24, 31, 33} == streams.WIN32_DATA
    assert {15, 16, *range(1000, 1021)} == streams.ACLS
    assert set(range(1988, 2000)) == streams.XATTRS
    unknown = set(Stream) - streams.KNOWN_ON_RESTORE
    assert unknown == {0, 27, 999}
    assert max(Stream) <= streams.STREAM_MASK
