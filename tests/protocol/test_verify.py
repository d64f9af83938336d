"""Verify packets: documented bytes, strict reading, and every recorded packet encoded again."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.protocol.verify import (
    OPTIONS_LIMIT,
    VerifyAttributes,
    VerifyDigest,
    digest_packet,
    options_field,
    parse_attributes,
    parse_digest,
    restore_object,
    volume_attributes,
    volume_digest,
)
from fdaemon.wire.attributes import AttributeRecord, FileType, decode_attributes
from fdaemon.wire.digests import Digest
from fdaemon.wire.framing import frame
from fdaemon.wire.headers import parse_record_header
from fdaemon.wire.streams import Stream
from tests.support.sessions import every_session, shared

STAT = b"P4A IQUT IGk C A A A D BAA I BlU/EA BlU/EA BrA6zZ A A A"


def test_the_documented_attribute_packet() -> None:
    packet = VerifyAttributes(3, b"VVpinsugmc5", b"/srv/wd/data/hard1", STAT)
    head = bytes.fromhex("0000005c 33203120 56567069 6e737567 6d633520")
    assert frame(packet.encode()) == head + b"/srv/wd/data/hard1\0" + STAT + b"\0\0"
    assert parse_attributes(packet.encode()) == packet


DOCUMENTED = [
    (Digest.MD5, b"", b"1B2M2Y8AsgTpgAmY7PhCfg"),
    (Digest.MD5, b"abc", b"kAFQmDzST7DWlj99KOF/cg"),
    (Digest.SHA1, b"", b"2jmj7l5rSw0yVb/vlWAYkK/YBwk"),
    (Digest.SHA1, b"abc", b"qZk+NkcGgWq6PiVxeFDCbJzQ2J0"),
    (Digest.SHA256, b"abc", b"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"),
]
"""protocol/05 section 6.2."""


@pytest.mark.parametrize(("digest", "data", "text"), DOCUMENTED)
def test_documented_digests(digest: Digest, data: bytes, text: bytes) -> None:
    value = hashlib.new(digest.name, data).digest()
    packet = digest_packet(3, digest, value)
    assert packet == b"3 %d %b *%b-3*" % (digest.stream, text, digest.label)
    assert parse_digest(packet) == VerifyDigest(3, digest, text)


def test_an_xxh128_digest() -> None:
    value = bytes.fromhex("06b05ab6733a618578af5f94892f3950")
    assert digest_packet(1, Digest.XXH128, value) == b"1 40 BrBatnM6YYV4r1+UiS85UA *XXH128-1*"


@pytest.mark.parametrize(
    ("blocks", "field"),
    [
        ([], b"V"),
        ([b"Vpinsugmc5"], b"VVpinsugmc5"),
        ([b"Vp", b"Vi5"], b"VVpVi5"),
        ([b"Vpinsugmc5"] * 3, b"VVpinsugmc5Vpinsugm"),
    ],
)
def test_options(blocks: list[bytes], field: bytes) -> None:
    assert options_field(blocks) == field
    assert len(field) <= OPTIONS_LIMIT


def test_records_from_a_volume() -> None:
    plain = AttributeRecord(9, FileType.REG, b"/etc/foo", STAT, b"ignored")
    link = AttributeRecord(9, FileType.LNK, b"/etc/lnk", STAT, b"a.txt")
    hard = AttributeRecord(9, FileType.LNKSAVED, b"/etc/hard", STAT, b"/etc/foo")
    gone = AttributeRecord(9, FileType.DELETED, b"/etc/gone", STAT)
    assert volume_attributes(1, plain) == b"1 1 pinsug5 /etc/foo\0" + STAT + b"\0\0"
    assert volume_attributes(4, link) == b"4 1 pinsug5 /etc/lnk\0" + STAT + b"\0a.txt\0"
    assert volume_attributes(5, hard) == b"5 1 pinsug5 /etc/hard\0" + STAT + b"\0/etc/foo\0"
    assert volume_attributes(6, gone) == b"0 1 pinsug5 /etc/gone\0" + STAT + b"\0\0"
    assert restore_object(6, b"/etc/hard") == b"6 28 ReStOrEObJeCt /etc/hard\0\0\0"


def test_digests_from_a_volume() -> None:
    value = hashlib.md5(b"data data").digest()
    assert volume_digest(1, Digest.MD5, value + b"tail") == b"1 3 fPSjh2s+yYETya4kelIlvA *MD5-1*"
    assert volume_digest(6, Digest.XXH128, b"\x01" * 16) == b"6 40 AQEBAQEBAQEBAQEBAQEBAQ *XXH128-6*"
    with pytest.raises(RemoteProtocolError) as caught:
        volume_digest(1, Digest.SHA1, value)
    assert caught.value.fatal == b"Digest record of 16 bytes, 20 expected\n"


TEXT = st.binary(max_size=30).map(lambda raw: raw.replace(b"\0", b""))


@given(
    st.integers(0, 2**31), st.sampled_from([b"V", b"VVpinsugmc5", b"pinsug5"]), TEXT, TEXT.filter(bool), TEXT
)
def test_attribute_round_trip(index: int, options: bytes, name: bytes, stat: bytes, link: bytes) -> None:
    packet = VerifyAttributes(index, options, name, stat, link)
    assert parse_attributes(packet.encode()) == packet


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"1 1 V",
        b"1 1 V n\0s\0",
        b"1 2 V n\0s\0\0",
        b"x 1 V n\0s\0\0",
        b"1 1 V n\0s\0\0\0",
        b"1 1 V n\0s\0l",
    ],
)
def test_not_an_attribute_packet(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_attributes(packet)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"1 3 x",
        b"1 3 x *MD5-2*",
        b"1 4 x *MD5-1*",
        b"1 3 x *SHA1-1*",
        b"1 3 x *MD5-1*\n",
        b"1 3 x *MD5-1* ",
    ],
)
def test_not_a_digest_packet(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_digest(packet)


def test_recorded_packets_come_back() -> None:
    attributes = digests = 0
    for session in every_session():
        if not session.name.startswith("verify-"):
            continue
        for payload in session.payloads("dir-fd", "fd"):
            fields = payload.split(b" ", 3)
            if len(fields) < 4 or not fields[0].isdigit() or fields[0] in (b"2000", b"2800"):
                continue
            if fields[1] == b"1":
                assert parse_attributes(payload).encode() == payload
                attributes += 1
            else:
                assert parse_digest(payload).encode() == payload
                digests += 1
    assert attributes >= 40
    assert digests >= 20


def test_a_recorded_volume_verify_is_what_we_would_send() -> None:
    """From the records that the Storage daemon sent to the packets that the File daemon made of them."""
    session = shared("verify-volume")
    wanted = [p for p in session.payloads("dir-fd", "fd") if b" pinsug5 " in p or p.endswith(b"*")]
    packets = session.packets("fd-sd", "sd")
    starts = [i for i, p in enumerate(packets) if p.payload and p.payload.startswith(b"rechdr")]
    made: list[bytes] = []
    index = 0
    for start in starts:
        header = parse_record_header(packets[start].payload or b"")
        data = packets[start + 1].payload
        digest = Digest.of_stream(header.stream)
        if header.stream == Stream.UNIX_ATTRIBUTES and data is not None:
            index += 1
            made.append(volume_attributes(index, decode_attributes(data)))
        elif digest is not None and data is not None:
            made.append(volume_digest(index, digest, data))
    assert made == wanted
    assert index == 43
