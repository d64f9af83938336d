import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.attributes import decode_attributes, encode_attributes
from fdaemon.wire.restored import decode_restored
from fdaemon.wire.stat import StatRecord, decode_stat

INT64 = st.integers(-(2**63), 2**63 - 1)
NAMES = st.binary(min_size=1, max_size=20).map(lambda name: name.replace(b"\0", b"/"))


@given(st.builds(StatRecord, *[INT64] * 16), NAMES, NAMES, st.integers(0, 28), st.integers(0, 2**31 - 1))
def test_agrees_with_the_complete_readers(
    stat: StatRecord, name: bytes, link: bytes, kind: int, index: int
) -> None:
    payload = encode_attributes(index, kind, name, stat.encode(), link)
    found = decode_restored(payload)
    record = decode_attributes(payload)
    assert (found.file_index, found.type, found.name, found.link) == (index, kind, name, link)
    assert found.full_stat() == decode_stat(record.stat) == stat
    assert (found.mode, found.size, found.rdev) == (stat.mode, stat.size, stat.rdev)
    assert (found.atime, found.mtime, found.stream) == (stat.atime, stat.mtime, stat.stream)
    assert (found.uid, found.gid) == (stat.uid & 0xFFFF_FFFF, stat.gid & 0xFFFF_FFFF)


@pytest.mark.parametrize("parts", range(13, 17))
def test_old_records_have_fewer_parts(parts: int) -> None:
    stat = b" ".join([b"B"] * parts)
    found = decode_restored(b"1 3 /f\0" + stat + b"\0")
    assert (found.name, found.link, found.mode, found.stream) == (b"/f", b"", 1, 1 if parts == 16 else 0)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_record_or_an_error(data: bytes) -> None:
    fatal: bytes | None = b"Error scanning attributes: "
    try:
        decode_restored(data)
    except RemoteProtocolError as error:
        fatal = error.fatal
    assert (fatal or b"").startswith(b"Error scanning attributes: ")
