"""DER values: one way to write each, everything else refused."""

import pytest

from fdaemon.codec.der import DerReader, Tag, encode, encode_oid, encode_set


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_are_the_shortest(size: int) -> None:
    value = encode(Tag.OCTET_STRING, bytes(size))
    reader = DerReader(value)
    assert reader.read(Tag.OCTET_STRING) == bytes(size)
    reader.finish()
    assert len(value) - size == (2 if size < 128 else 2 + (size.bit_length() + 7) // 8)


@pytest.mark.parametrize(
    ("dotted", "encoded"),
    [
        ("2.16.840.1.101.3.4.1.2", "0609608648016503040102"),
        ("1.2.840.113549.1.1.1", "06092a864886f70d010101"),
        ("1.2.392.200011.61.1.1.1.4", "060b2a83088c9a4b3d01010104"),
        ("1.2.840.113549.3.7", "06082a864886f70d0307"),
    ],
)
def test_object_identifiers(dotted: str, encoded: str) -> None:
    assert encode_oid(dotted).hex() == encoded


def test_a_set_is_sorted() -> None:
    values = [encode(Tag.OCTET_STRING, text) for text in (b"b", b"aa", b"a")]
    assert encode_set(values) == encode(Tag.SET, values[2] + values[0] + values[1])


@pytest.mark.parametrize(
    "text",
    ["", "04", "0401", "0481", "048101ff", "04820001ff", "0480", "0485000000000100", "0201ff", "04ff"],
)
def test_irregular_values_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="DER"):
        DerReader(bytes.fromhex(text)).read(Tag.OCTET_STRING)


def test_leftovers_are_refused() -> None:
    reader = DerReader(bytes.fromhex("0400ff"))
    assert reader.read(Tag.OCTET_STRING) == b""
    with pytest.raises(ValueError, match="after the last"):
        reader.finish()
