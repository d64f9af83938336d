"""Radix-64 numbers and both base-64 notations, against the tables of the protocol pages."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.numbers import (
    ALPHABET,
    CACHE_LIMIT,
    NumberCache,
    base64_bareos,
    base64_standard,
    decode_number,
    encode_number,
)

DOCUMENTED = [
    (0, b"A"),
    (1, b"B"),
    (-1, b"-B"),
    (63, b"/"),
    (64, b"BA"),
    (33188, b"IGk"),
    (65024, b"P4A"),
    (1700000000, b"BlU/EA"),
    (4294967296, b"EAAAAA"),
    (2**63 - 1, b"H//////////"),
    (-(2**63), b"-IAAAAAAAAAA"),
    (-86400, b"-VGA"),
]
"""protocol/04 sections 2.2 and 2.3."""


@pytest.mark.parametrize(("number", "text"), DOCUMENTED)
def test_documented_numbers(number: int, text: bytes) -> None:
    assert encode_number(number) == text
    assert decode_number(text) == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_round_trip(number: int) -> None:
    text = encode_number(number)
    assert decode_number(text) == number
    assert set(text.lstrip(b"-")) <= set(ALPHABET)
    assert text in (b"A", b"-A") or not text.lstrip(b"-").startswith(b"A")


def test_every_boundary_of_the_digit_groups() -> None:
    for power in range(63):
        for number in (2**power - 1, 2**power, 2**power + 1):
            assert decode_number(encode_number(number)) == number


def test_the_cache_is_bounded() -> None:
    cache = NumberCache()
    for number in range(CACHE_LIMIT + 10):
        assert cache[number] == encode_number(number)
    assert len(cache) == 10


@pytest.mark.parametrize("text", [b"", b"-", b"A ", b"A=", b"--B", b"B-", b"\0", b"\xff"])
def test_not_a_number(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_number(text)


def test_overflow_wraps_at_64_bits() -> None:
    assert decode_number(encode_number(2**64 + 5)) == 5
    assert decode_number(encode_number(2**63)) == -(2**63)


VECTORS = [
    (bytes(range(16)), b"AAECAwQFBgcICQoLDA0ODw", b"AAECAwQFBgcICQoLDA0ODD"),
    (b"\xff" * 16, b"/////////////////////w", b"/////////////////////D"),
    (b"\x80" * 16, b"gICAgICAgICAgICAgICAgA", b"g4+Ag4+Ag4+Ag4+Ag4+AgA"),
    (bytes.fromhex("00ff7f80"), b"AP9/gA", b"A/9/gA"),
    (bytes.fromhex("954e894a262e69f8230c9bfff22404c8"), b"lU6JSiYuafgjDJv/8iQEyA", b"lU+JSiYua/gjD5//8iQEyA"),
    (bytes.fromhex("109d2de2040fb24b70df92c88d7700db"), b"EJ0t4gQPsktw35LIjXcA2w", b"E50t4gQPsktw35/IjXcA2D"),
    (bytes.fromhex("c497809a05d0f5d6129c9749a6252139"), b"xJeAmgXQ9dYSnJdJpiUhOQ", b"x5+Amg/Q99YSn5dJpiUhOB"),
    (bytes.fromhex("0138a36b64d04561e74c4abd8c4eca79"), b"ATija2TQRWHnTEq9jE7KeQ", b"AT+ja2/QRW/nTE+9jE/KeB"),
]
"""protocol/01 section B.1."""


@pytest.mark.parametrize(("data", "standard", "bareos"), VECTORS)
def test_base64_vectors(data: bytes, standard: bytes, bareos: bytes) -> None:
    assert base64_standard(data) == standard
    assert base64_bareos(data) == bareos


@given(st.binary(max_size=70))
def test_base64_standard_is_base64(data: bytes) -> None:
    text = base64_standard(data)
    assert base64.b64decode(text + b"=" * (-len(text) % 4)) == data


@given(st.binary(max_size=70))
def test_notations_agree_on_seven_bit_data_of_whole_groups(data: bytes) -> None:
    plain = bytes(byte & 0x7F for byte in data[: len(data) // 3 * 3])
    assert base64_bareos(plain) == base64_standard(plain)
    assert len(base64_bareos(data)) == len(base64_standard(data))
