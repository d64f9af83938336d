"""Stat records: the documented examples, what the encoder's caches must not change, and every recorded record."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.attributes import decode_attributes
from fdaemon.wire.stat import StatRecord, decode_stat, encode_stat
from tests.support.sessions import every_session

EXAMPLE = StatRecord(
    dev=65024,
    ino=131073,
    mode=0o100644,
    nlink=1,
    uid=1000,
    gid=1000,
    rdev=0,
    size=12345,
    blksize=4096,
    blocks=32,
    atime=1700000000,
    mtime=1690000000,
    ctime=1690000001,
    stream=2,
)
TEXT = b"P4A gAB IGk B Po Po A DA5 BAA g BlU/EA Bku1qA Bku1qB A A C"
"""protocol/04 section 2.2."""


def stat_result(record: StatRecord) -> os.stat_result:
    """An `os.stat_result` as lstat gives it: ten sequence fields, float times, nanoseconds, and the rest."""
    r = record
    times = (r.atime, r.mtime, r.ctime)
    return os.stat_result(
        (
            *(r.mode, r.ino, r.dev, r.nlink, r.uid, r.gid, r.size, *times),
            *(t + 0.75 for t in times),
            *(t * 10**9 + 750_000_000 for t in times),
            *(r.blksize, r.blocks, r.rdev),
        )
    )


def test_the_documented_example() -> None:
    assert EXAMPLE.encode() == TEXT
    assert encode_stat(stat_result(EXAMPLE), 0, 2) == TEXT
    assert decode_stat(TEXT) == EXAMPLE


def test_hard_link_and_stream() -> None:
    text = encode_stat(stat_result(EXAMPLE), 7, 29)
    assert text.endswith(b" H A d")
    assert decode_stat(text) == replace(EXAMPLE, link_index=7, stream=29)


def test_times_before_1970_are_floored() -> None:
    old = stat_result(replace(EXAMPLE, mtime=-86400, atime=-1))
    fields = encode_stat(old).split(b" ")
    assert fields[11] == b"-VGA"
    assert fields[10] == b"-B"


def test_a_device_number_above_63_bits_appears_negative() -> None:
    big = 2**64 - 5
    fields = encode_stat(stat_result(replace(EXAMPLE, dev=big, ino=big))).split(b" ")
    assert fields[0] == fields[1] == b"-F"


FIELD = st.one_of(st.integers(0, 70), st.integers(4090, 4100), st.integers(0, 2**40))
RECORDS = st.builds(
    StatRecord,
    dev=st.integers(0, 2**63 - 1),
    ino=st.integers(0, 2**63 - 1),
    mode=st.integers(0, 0o177777),
    nlink=FIELD,
    uid=st.integers(0, 2**32 - 1),
    gid=st.integers(0, 2**32 - 1),
    rdev=FIELD,
    size=st.integers(0, 2**62),
    blksize=st.sampled_from([0, 512, 4096, 1 << 20]),
    blocks=FIELD,
    atime=st.integers(-(2**33), 2**33),
    mtime=st.integers(-(2**33), 2**33),
    ctime=st.integers(-(2**33), 2**33),
    link_index=st.integers(0, 2**31 - 1),
    flags=st.just(0),
    stream=st.integers(0, 40),
)


@given(RECORDS)
def test_fast_and_plain_encoder_agree(record: StatRecord) -> None:
    text = record.encode()
    assert encode_stat(stat_result(record), record.link_index, record.stream) == text
    assert decode_stat(text) == record


def test_files_of_this_checkout() -> None:
    for path in Path(__file__).parent.iterdir():
        found = path.lstat()
        record = decode_stat(encode_stat(found, 3, 2))
        assert (record.dev, record.ino, record.mode) == (found.st_dev, found.st_ino, found.st_mode)
        assert (record.size, record.blocks, record.blksize) == (
            found.st_size,
            found.st_blocks,
            found.st_blksize,
        )
        assert record.mtime == found.st_mtime_ns // 10**9
        assert (record.link_index, record.flags, record.stream) == (3, 0, 2)


@pytest.mark.parametrize("fields", [13, 14, 15])
def test_trailing_fields_may_be_missing(fields: int) -> None:
    short = b" ".join(TEXT.split(b" ")[:fields])
    assert decode_stat(short) == replace(EXAMPLE, stream=0)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"A",
        b" ".join([b"A"] * 12),
        b" ".join([b"A"] * 17),
        TEXT + b" ",
        b" " + TEXT,
        TEXT.replace(b"gAB", b"g.B"),
    ],
)
def test_not_a_stat_record(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_stat(text)


def recorded_stats() -> Iterator[bytes]:
    """Every stat record that the real daemons sent in a recorded session."""
    for session in every_session():
        for link in ("fd-sd", "sd-fd"):
            payloads = session.payloads(link)
            for header, payload in pairwise(payloads):
                fields = header.split(b" ")
                if header.endswith(b" 1 0") or (fields[0] == b"rechdr" and fields[4] == b"1"):
                    yield decode_attributes(payload).stat


def test_recorded_stats_come_back_byte_for_byte() -> None:
    stats = list(recorded_stats())
    assert len(stats) > 50
    for text in stats:
        record = decode_stat(text)
        assert record.encode() == text
        assert encode_stat(stat_result(record), record.link_index, record.stream) == text
