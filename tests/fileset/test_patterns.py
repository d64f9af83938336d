"""Wildcards against a transcription of the C++ matcher, and regexes of the C library (protocol/03 sections
2.14, 2.15)."""

import random
import time

import pytest

from fdaemon.errors import JobCanceled
from fdaemon.fileset.regex import Regex, RegexError, required_literal
from fdaemon.fileset.wild import MAX_STARS, compile_wild


def _fold(byte: int, fold: bool) -> int:
    return byte + 32 if fold and 65 <= byte <= 90 else byte


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _bracket(pattern: bytes, place: int, byte: int, pathname: bool, fold: bool) -> tuple[bool, int] | None:
    """Does `byte` lie in the bracket whose inside begins at `place`? None when the bracket is not closed."""

    def at(number: int) -> int:
        return pattern[number] if number < len(pattern) else 0

    negated = at(place) in (ord("!"), ord("^"))
    place += negated
    found = False
    tested = _signed(_fold(byte, fold))
    first = True
    while first or at(place) != ord("]"):
        first = False
        low = at(place)
        place += 1
        if low == ord("\\"):
            low, place = at(place), place + 1
        if not low:
            return None
        if low == ord("/") and pathname:
            return False, -1
        high = low
        if at(place) == ord("-") and at(place + 1) not in (0, ord("]")):
            high, place = at(place + 1), place + 2
            if high == ord("\\"):
                high, place = at(place), place + 1
            if not high:
                return None
        found |= _signed(_fold(low, fold)) <= tested <= _signed(_fold(high, fold))
    return found != negated, place + 1


def reference(pattern: bytes, text: bytes, pathname: bool, fold: bool) -> bool:
    """Matching step by step with full backtracking, as the C++ daemon's fnmatch does it."""
    place = here = 0
    while place < len(pattern):
        letter = pattern[place]
        place += 1
        if letter == ord("*"):
            rest = pattern[place:]
            for skip in range(len(text) - here + 1):
                if reference(rest, text[here + skip :], pathname, fold):
                    return True
                if pathname and text[here + skip : here + skip + 1] == b"/":
                    return False
            return False
        if here == len(text):
            return False
        byte = text[here]
        here += 1
        if letter == ord("?"):
            if pathname and byte == ord("/"):
                return False
            continue
        if letter == ord("["):
            if pathname and byte == ord("/"):
                return False
            judged = _bracket(pattern, place, byte, pathname, fold)
            if judged is not None:
                if not judged[0]:
                    return False
                place = judged[1]
                continue
        if letter == ord("\\") and place < len(pattern):
            letter = pattern[place]
            place += 1
        if _fold(letter, fold) != _fold(byte, fold):
            return False
    return here == len(text)


def test_random_wildcards_match_as_the_reference_does() -> None:
    rng = random.Random(20261123)
    letters = b"aAbB/.*?[]-!^\\\xe9"
    outcomes = [0, 0]
    for _ in range(15_000):
        pattern = bytes(rng.choice(letters) for _ in range(rng.randrange(9)))
        text = bytes(rng.choice(b"aAbB/.*-]\xe9\xff") for _ in range(rng.randrange(8)))
        pathname, fold = rng.random() < 0.5, rng.random() < 0.3
        compiled = compile_wild([pattern], pathname=pathname, fold=fold)
        assert compiled is not None
        expected = reference(pattern, text, pathname, fold)
        assert bool(compiled(text)) == expected, (pattern, text, pathname, fold)
        outcomes[expected] += 1
    assert min(outcomes) > 250


@pytest.mark.parametrize(
    ("patterns", "text", "found"),
    [
        ([b"*.o", b"/tmp/*", b"/etc/hosts"], b"/a/b.o", True),
        ([b"*.o", b"/tmp/*", b"/etc/hosts"], b"/tmp/x", True),
        ([b"*.o", b"/tmp/*", b"/etc/hosts"], b"/etc/hosts", True),
        ([b"*.o", b"/tmp/*", b"/etc/hosts"], b"/etc/hosts2", False),
        ([b"*x*y", b"*.o"], b"/ax/by", True),
        ([b"*"], b"", True),
        ([b""], b"", True),
        ([b"a*"], b"a\n", True),
        ([b"?"], b"\n", True),
    ],
)
def test_several_patterns_are_one_test(patterns: list[bytes], text: bytes, found: bool) -> None:
    compiled = compile_wild(patterns)
    assert compiled is not None
    assert compiled(text) == found


def test_no_pattern_is_no_test() -> None:
    assert compile_wild([]) is None


def test_too_many_stars_never_match() -> None:
    def stars(count: int) -> bytes:
        return b"*a" * count

    some, many = compile_wild([stars(MAX_STARS)]), compile_wild([stars(MAX_STARS + 1)])
    assert some is not None
    assert many is not None
    assert some(b"a" * 100)
    assert not many(b"a" * 100)


def test_hostile_wildcards_are_quick() -> None:
    compiled = compile_wild([b"*a" * 60 + b"b", b"*[ab]*[ab]*[ab]*[ab]*[ab]*c", b"*?*?*?*?*?*?*?x"])
    assert compiled is not None
    started = time.monotonic()
    assert not compiled(b"a" * 4000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (rb"\.o$", b"/a/b.o", True),
        (rb"\.o$", b"/a/b.o.c", False),
        (rb"^b", b"a\nb", False),
        (rb"a.b", b"a\nb", True),
        (rb"\d", b"d", True),
        (rb"\d", b"7", False),
        (rb"[[:digit:]]+x", b"a77x", True),
        (rb"[\d]", b"\\", True),
        (rb"a{,2}b", b"b", True),
        (rb"(foo|foobar)$", b"/foobar", True),
        (rb"\n", b"n", True),
        (rb"\w+@", b"me@", True),
        (rb"(a)(b)\2\1", b"abba", True),
        (rb"(a)(b)\2\1", b"abab", False),
    ],
)
def test_posix_regexes(pattern: bytes, text: bytes, found: bool) -> None:
    assert Regex(pattern).search(text) == found


def test_regex_without_case() -> None:
    assert Regex(rb"\.O$", fold=True).search(b"/a.o")
    assert not Regex(rb"\.O$").search(b"/a.o")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (b"a(b", b"Unmatched ( or \\("),
        (b"[a", b"Unmatched [, [^, [:, [., or [="),
        (b"*a", b"Invalid preceding regular expression"),
        (b"(?:a)", b"Invalid preceding regular expression"),
        (b"((a{1,1000}){1,1000}){1,1000}", b"Memory exhausted"),
    ],
)
def test_bad_regexes_have_the_librarys_text(pattern: bytes, text: bytes) -> None:
    with pytest.raises(RegexError) as failed:
        Regex(pattern)
    assert failed.value.text == text


def test_a_slow_back_reference_can_be_given_up() -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        raise JobCanceled("canceled")

    # Polynomial in glibc: about a second for this text, and it ends by itself in the abandoned thread.
    regex = Regex(rb"^(a*)(a*)(a*)(a*)\4\3\2\1b$")
    with pytest.raises(JobCanceled):
        regex.search(b"a" * 64 + b"bc", check)
    assert calls == 1


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (rb"\.bak$", b".bak"),
        (rb"^/dev/.*\.bak$", b"/dev/"),
        (rb"a|bcd", b""),
        (rb"(a|b)core", b"core"),
        (rb"(abc)?de", b"de"),
        (rb"ab*cd", b"cd"),
        (rb"ab{2,3}", b"a"),
        (rb"[]a]b", b"b"),
        (rb"[[:alpha:]]zz", b"zz"),
        (rb"a\wbc", b"bc"),
        (rb"x\1", b""),
        (rb"\n", b""),
        (b"\xc3\xa9a", b""),
    ],
)
def test_the_literal_that_spares_a_call(pattern: bytes, literal: bytes) -> None:
    assert required_literal(pattern) == literal


def test_random_regexes_find_the_same_with_and_without_the_literal() -> None:
    rng = random.Random(7)
    checked = 0
    for _ in range(6000):
        pattern = b"".join(
            rng.choice(
                [
                    b"a",
                    b"b",
                    b"c",
                    b"\\.",
                    b".",
                    b"*",
                    b"+",
                    b"?",
                    b"(",
                    b")",
                    b"|",
                    b"[ab]",
                    b"^",
                    b"$",
                    b"{1,2}",
                ]
            )
            for _ in range(rng.randrange(1, 8))
        )
        try:
            regex = Regex(pattern)
        except RegexError:
            continue
        literal = required_literal(pattern)
        text = bytes(rng.choice(b"abc.") for _ in range(rng.randrange(6)))
        regex._needed = b""
        if regex.search(text):
            checked += 1
            assert literal in text, (pattern, text, literal)
    assert checked > 250
