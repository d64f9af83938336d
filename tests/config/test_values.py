"""Texts of values: the computed and observed examples of page 06 section 4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.config.values import (
    SIZE_UNITS,
    SPEED_UNITS,
    TIME_UNITS,
    amount,
    expand,
    name_fault,
    password_key,
    truth,
    whole_number,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"30", 30),
        (b"1min30", 90),
        (b"1min30sec", 90),
        (b"1.5hours", 5400),
        (b"1m", 2592000),
        (b"1mo", 2592000),
        (b"1mi", 60),
        (b"2n", 120),
        (b"1D", 86400),
        (b"1w", 604800),
        (b"1q", 7862400),
        (b"1years", 31536000),
        (b"1e2", 100),
        (b"0x10", 16),
        (b"1.9", 1),
        (b"", 0),
        (b"1fortnight", None),
        (b"1.5hours!", None),
        (b"x", None),
        (b"-5", None),
        (b"1e999", None),
        (b"1secondsx", None),
    ],
)
def test_time(text: bytes, seconds: int | None) -> None:
    assert amount(text, TIME_UNITS) == seconds


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        (b"500", 500),
        (b"5k", 5120),
        (b"5kb", 5000),
        (b"5k/s", 5120),
        (b"5kb/s", 5000),
        (b"10m", 10485760),
        (b"10MB/S", 10000000),
        (b"1g", None),
    ],
)
def test_speed(text: bytes, rate: int | None) -> None:
    assert amount(text, SPEED_UNITS) == rate


@pytest.mark.parametrize(
    ("text", "size"),
    [(b"1k", 1024), (b"1kb", 1000), (b"1g", 1 << 30), (b"2tb", 2 * 10**12), (b"1e", 1 << 60)],
)
def test_size(text: bytes, size: int) -> None:
    assert amount(text, SIZE_UNITS) == size


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0", 0),
        (b"+7", 7),
        (b"1.5", 1),
        (b"1e1", 1),
        (b"4294967295", 4294967295),
        (b"4294967296", None),
        (b"-1", None),
        (b"1x", None),
        (b"", None),
    ],
)
def test_whole_number(text: bytes, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a b-c_d.e/f:g", None),
        (b" a", "Name cannot start with space."),
        (b"a ", "Name cannot end with space."),
        (b"", "Name must be at least one character long."),
        (b"a*b", 'Illegal character "*" in name.'),
        (b"n" * 127, None),
        (b"n" * 128, "Name too long."),
    ],
)
def test_name(text: bytes, fault: str | None) -> None:
    assert name_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "answer"), [(b"YES", True), (b"true", True), (b"No", False), (b"False", False), (b"on", None)]
)
def test_truth(text: bytes, answer: bool | None) -> None:
    assert truth(text) is answer


def test_plain_password_becomes_its_digest() -> None:
    assert password_key(b"secret", "d") == b"5ebe2294ecd0e0f08eab7690d2a6ee69"


def test_hashed_password_keeps_its_letters() -> None:
    assert password_key(b"[md5]5EBE2294ecd0e0f08eab7690d2a6ee69", "d") == b"5EBE2294ecd0e0f08eab7690d2a6ee69"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", 'Empty Password not allowed in Resource "d"\n'),
        (b"[md5]d41d8cd98f00b204e9800998ecf8427e", 'Empty Password not allowed in Resource "d"\n'),
        (b"[md5]123", "md5 password does not have the right size; expected: 32, got: 3\n"),
        (b"[md5]" + b"g" * 32, "md5 password contains non hexadecimal characters, e.g. 'g'\n"),
    ],
)
def test_password_that_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match="assword") as caught:
        password_key(text, "d")
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/plain", "/plain"),
        ("~", "/home/u"),
        ("~/x", "/home/u/x"),
        ("~other/x", "~other/x"),
        ("$HOME/a", "/home/u/a"),
        ("${HOME}a", "/home/ua"),
        ("/a$NONE/b", "/a/b"),
        ("|$HOME", "|$HOME"),
        ("`touch /x`", "`touch /x`"),
        ("a~", "a~"),
    ],
)
def test_expansion_never_runs_anything(text: str, path: str) -> None:
    assert expand(text, {"HOME": "/home/u"}) == path


@given(st.binary(max_size=30))
def test_amounts_never_fail(text: bytes) -> None:
    value = amount(text, TIME_UNITS)
    assert value is None or value >= 0
