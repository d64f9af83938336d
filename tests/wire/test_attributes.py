"""Attributes records: documented bytes, strictness, and every recorded record encoded again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.attributes import AttributeRecord, FileType, decode_attributes, encode_attributes
from fdaemon.wire.streams import Stream
from tests.support.sessions import Session, every_session

STAT = b"P4A gAB IGk B Po Po A M BAA I BlU/EA Bku1qA Bku1qB A A C"

DOCUMENTED = [
    (AttributeRecord(1, FileType.REG, b"/etc/motd", STAT), b"1 3 /etc/motd\0" + STAT + b"\0\0\x000\0"),
    (AttributeRecord(2, FileType.DIREND, b"/etc/", STAT), b"2 5 /etc/\0" + STAT + b"\0\0\x000\0"),
    (AttributeRecord(3, FileType.LNK, b"/etc/l", STAT, b"motd"), b"3 4 /etc/l\0" + STAT + b"\0motd\0\x000\0"),
    (
        AttributeRecord(4, FileType.LNKSAVED, b"/etc/h", STAT, b"/etc/motd"),
        b"4 1 /etc/h\0" + STAT + b"\0/etc/motd\0\x000\0",
    ),
    (AttributeRecord(9, FileType.DELETED, b"/etc/gone", STAT), b"9 23 /etc/gone\0" + STAT + b"\0\0\x000\0"),
]
"""protocol/04 section 2.1."""


@pytest.mark.parametrize(("record", "payload"), DOCUMENTED)
def test_documented_records(record: AttributeRecord, payload: bytes) -> None:
    assert record.encode() == payload
    assert decode_attributes(payload) == record


def test_the_complete_example() -> None:
    wire = bytes.fromhex(
        "31 20 33 20 2f 65 74 63 2f 6d 6f 74 64 00 50 34 41 20 67 41 42 20 49 47 6b 20 42 20 50 6f 20 50 6f"
        "20 41 20 4d 20 42 41 41 20 49 20 42 6c 55 2f 45 41 20 42 6b 75 31 71 41 20 42 6b 75 31 71 42 20 41"
        "20 41 20 43 00 00 00 30 00"
    )
    assert len(wire) == 75
    assert encode_attributes(1, FileType.REG, b"/etc/motd", STAT) == wire


TEXT = st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b""))
RECORDS = st.builds(
    AttributeRecord,
    file_index=st.integers(0, 2**31 - 1),
    type=st.integers(0, 0xFFFF),
    name=TEXT.map(lambda name: name or b"n"),
    stat=TEXT,
    link=TEXT,
    extended=TEXT,
    delta_seq=st.integers(0, 2**31 - 1),
)


@given(RECORDS)
def test_round_trip(record: AttributeRecord) -> None:
    assert decode_attributes(record.encode()) == record


def test_missing_trailing_parts() -> None:
    for payload in (b"1 3 n\0s", b"1 3 n\0s\0", b"1 3 n\0s\0\0", b"1 3 n\0s\0\0\0"):
        assert decode_attributes(payload) == AttributeRecord(1, 3, b"n", b"s")
    assert decode_attributes(b"1 4 n\0s\0t") == AttributeRecord(1, 4, b"n", b"s", b"t")


def test_the_historical_bit_is_masked_off() -> None:
    assert decode_attributes(b"1 65539 n\0s\0").type == FileType.REG


def test_names_may_hold_anything_but_nul() -> None:
    name = bytes(range(1, 256)) + b" 1 3 "
    assert decode_attributes(encode_attributes(1, 3, name, b"s")).name == name


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"1",
        b"1 3",
        b"1 3 name",
        b"x 3 n\0s\0",
        b"1 x n\0s\0",
        b" 1 3 n\0s\0",
        b"1  3 n\0s\0",
        b"1 3 \0s\0\0\x000\0",
        b"1 3 n\0s\0\0\x000\0tail",
        b"1 3 n\0s\0\0\x00x\0",
        b"1 3 n\0s\0\0\x000\0\0",
    ],
)
def test_not_a_record(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_attributes(payload)


def test_unreadable_numbers_carry_the_fatal_text() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_attributes(b"nonsense")
    assert caught.value.fatal == b"Error scanning attributes: nonsense\n"


def attribute_payloads(session: Session) -> list[bytes]:
    """The attributes records in a session, towards the Storage daemon or from it."""
    found = []
    for link in ("fd-sd", "sd-fd"):
        payloads = session.payloads(link)
        for header, payload in pairwise(payloads):
            fields = header.split(b" ")
            stream = fields[4] if fields[0] == b"rechdr" else fields[1] if header.endswith(b" 0") else b""
            if stream == b"%d" % Stream.UNIX_ATTRIBUTES:
                found.append(payload)
    return found


def test_recorded_records_come_back_byte_for_byte() -> None:
    types = set()
    for session in every_session():
        for payload in attribute_payloads(session):
            record = decode_attributes(payload)
            assert record.encode() == payload, session.name
            types.add(FileType(record.type))
    assert {FileType.REG, FileType.REGE, FileType.LNK, FileType.LNKSAVED, FileType.DIREND} <= types
