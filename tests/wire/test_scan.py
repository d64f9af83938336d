"""The scanner: every vector of protocol/02 section 0.3, and its rules one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import LocalProtocolError
from fdaemon.wire.scan import DEFAULT_LIMIT, Scanner

type Values = tuple[int | bytes, ...] | None

RESTORE = "restore replace=%c prelinks=%d where=%s\n"
STORAGE = "storage address=%s port=%d ssl=%d Authorization=%100s"
JOB_SSL = "JobId=%d Job=%127s SDid=%u SDtime=%u Authorization=%100s ssl=%d\n"
SINCE = "level = since_utime %s mtime_only=%d prev_job=%127s"
SESSION = "session %127s %ld %ld %ld %ld %ld %ld\n"

DOCUMENTED: list[tuple[bytes, str, Values]] = [
    (b"restore replace=a prelinks=0 where=\n", RESTORE, (b"a", 0, b"")),
    (b"restore replace=a prelinks=0 regexwhere=/x/y/\n", RESTORE, None),
    (b"storage address=sd port=9103 ssl=4\n", STORAGE, None),
    (b"storage address=sd port=9103 ssl=4 Authorization=\n", STORAGE, (b"sd", 9103, 4, b"")),
    (b"JobId=5 Job=j SDid=1 SDtime=2 Authorization=K\n", JOB_SSL, None),
    (b"level = since_utime 1700000000 mtime_only=0 prev_job=\n", SINCE, (b"1700000000", 0, b"")),
    (b".status", ".status %s\n", (b"",)),
    (b".status header x y", ".status %s\n", (b"header",)),
    (b"setdebug=5 trace=1 hangup=-1\n", "setdebug=%d trace=%d hangup=%d timestamp=%d", None),
    (b"session\n", SESSION, (b"", 0, 0, 0, 0, 0, 0)),
    (b"rechdr x", "rechdr %u %u %d %d %u", (0, 0, 0, 0, 0)),
    (b"accurate files=\n", "accurate files=%u", (0,)),
    (b"2800 End Job TermCode=84", "%ld %d %100s", (2800, 0, b"End")),
    (b"setbandwidth=1000 Job=\n", "setbandwidth=%lld Job=%127s", (1000, b"")),
    (b"setbandwidth=1000\n", "setbandwidth=%lld Job=%127s", None),
]
"""The table of protocol/02 section 0.3 and the example of protocol/01 section 2.2.

"""


@pytest.mark.parametrize(("data", "fmt", "values"), DOCUMENTED)
def test_documented_vectors(data: bytes, fmt: str, values: Values) -> None:
    assert Scanner(fmt).scan(data) == values


RULES: list[tuple[bytes, str, Values]] = [
    (b"abc", "abc", ()),
    (b"ab", "abc", None),
    (b"abd", "abc", None),
    (b"abcdef", "abc", ()),
    (b"a   b", "a b", ()),
    (b"ab", "a b", ()),
    (b"a\t\n\v\f\r b", "a b", ()),
    (b"x=12y", "x=%dy", (12,)),
    (b"x=12", "x=%dy", None),
    (b"x=-12", "x=%d", (-12,)),
    (b"x=-12", "x=%u", (0,)),
    (b"x=+12", "x=%d", (0,)),
    (b"x= 12", "x=%d", (0,)),
    (b"x=-", "x=%d", (0,)),
    (b"x=0x10", "x=%d", (0,)),
    (b"4294967297", "%u", (1,)),
    (b"4294967295", "%d", (-1,)),
    (b"4294967295", "%ld", (-1,)),
    (b"4294967295", "%lu", (4294967295,)),
    (b"4294967295", "%lld", (4294967295,)),
    (b"18446744073709551615", "%llu", (18446744073709551615,)),
    (b"18446744073709551615", "%lld", (-1,)),
    (b"abcdef", "%3s", (b"abc",)),
    (b"abcdef", "%3s!", None),
    (b"abc!", "%3s!", (b"abc",)),
    (b"abc!", "%s!", None),
    (b" abc", "%s", (b"",)),
    (b"a\x01b c", "%s %s", (b"a\x01b", b"c")),
    (b"\xff\xfe \xa0", "%s %s", (b"\xff\xfe", b"\xa0")),
    (b"q", "%c", (b"q",)),
    (b" ", "%c", (b" ",)),
    (b"", "%c", None),
    (b"5%", "%d%%", (5,)),
    (b"5", "%d%%", None),
    (b"one\0two", "%s%s", (b"one", b"")),
    (b"one\0two", "one%c", None),
    (b"x" * 1200, "%s", (b"x" * DEFAULT_LIMIT,)),
    (b"x" * 1200 + b" 7", "%s %d", (b"x" * DEFAULT_LIMIT, 0)),
]


@pytest.mark.parametrize(("data", "fmt", "values"), RULES)
def test_rules(data: bytes, fmt: str, values: Values) -> None:
    assert Scanner(fmt).scan(data) == values


def test_the_limit_can_be_lifted() -> None:
    assert Scanner("%s", limit=None).scan(b"x" * 5000) == (b"x" * 5000,)
    assert Scanner("%9s", limit=None).scan(b"x" * 5000) == (b"x" * 9,)


@pytest.mark.parametrize("fmt", ["%x", "%5d", "%", "%l"])
def test_formats_that_nobody_uses(fmt: str) -> None:
    with pytest.raises(LocalProtocolError):
        Scanner(fmt)


@given(st.binary(max_size=60))
def test_any_input_is_either_whole_or_nothing(data: bytes) -> None:
    values = Scanner("%s %d %c").scan(data)
    assert values is None or len(values) == 3


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=50))
def test_printed_values_come_back(signed: int, unsigned: int, raw: bytes) -> None:
    word = bytes(byte for byte in raw if byte not in b" \t\n\v\f\r\0") or b"w"
    line = b"a=%d b=%d c=%b\n" % (signed, unsigned, word)
    assert Scanner("a=%d b=%u c=%s\n").scan(line) == (signed, unsigned, word)


def test_numbers_of_any_length_wrap() -> None:
    long = b"9" * 5000
    values = Scanner("x=%llu y=%lld").scan(b"x=%b y=-%b" % (long, long))
    assert values == (2**64 - 1, 1)
    assert Scanner("x=%lld").scan(b"x=1%064d" % 7) == (7,)
