"""Wildcards with the meaning of the C++ daemon's own fnmatch, as compiled byte regexes. Pure.

Facts: protocol/03 section 2.14 (core/src/lib/fnmatch.cc). Each `*` takes the shortest text after which its
literal part fits and never gives it back (an atomic group): for these patterns that finds every match, and
it bounds the time to length times pattern, where the C++ daemon tries all splits.
"""

import re
from collections.abc import Callable, Iterable

MAX_STARS = 63
"""More stars that need a search never match (core/src/lib/fnmatch.cc: FNM_MAX_RECUR)."""
_NEVER = b"(?!)"
_SLASH, _STAR, _QUESTION, _BRACKET, _BACKSLASH, _DASH, _END = b"/*?[\\-]"
_FOLD = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))


def _signed(byte: int) -> int:
    """A byte as the C `char` of x86, by which ranges are ordered."""
    return byte - 256 if byte > 127 else byte


def _one_of(members: set[int]) -> bytes:
    if not members:
        return _NEVER
    if len(members) == 1:
        return re.escape(bytes(members))
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"


class _Translator:
    """One pattern on its way to a regex; `parts` are the pieces between stars."""

    def __init__(self, pattern: bytes, pathname: bool, fold: bool) -> None:
        self.pattern = pattern.partition(b"\0")[0]
        self.pathname = pathname
        self.fold = _FOLD if fold else bytes(range(256))
        self.position = 0

    def _take(self) -> int:
        """The next byte, 0 at the end."""
        position = self.position
        self.position += 1
        return self.pattern[position] if position < len(self.pattern) else 0

    def _peek(self, ahead: int = 0) -> int:
        position = self.position + ahead
        return self.pattern[position] if position < len(self.pattern) else 0

    def _literal(self, byte: int) -> bytes:
        return _one_of({other for other in range(256) if self.fold[other] == self.fold[byte]})

    def _range(self) -> set[int] | None:
        """The bytes that the bracket at the position selects; None when it is not closed."""
        negated = self._peek() in b"!^" and self._peek() != 0
        self.position += negated
        ranges: list[tuple[int, int]] = []
        byte = self._take()
        while True:
            if byte == _BACKSLASH:
                byte = self._take()
            if byte == 0:
                return None
            if byte == _SLASH and self.pathname:
                return set()
            low = high = self.fold[byte]
            if self._peek() == _DASH and self._peek(1) not in (0, _END):
                self._take()
                high = self._take()
                if high == _BACKSLASH:
                    high = self._take()
                if high == 0:
                    return None
                high = self.fold[high]
            ranges.append((_signed(low), _signed(high)))
            byte = self._take()
            if byte == _END:
                break
        chosen = {
            byte
            for byte in range(1, 256)
            if any(low <= _signed(self.fold[byte]) <= high for low, high in ranges) != negated
        }
        return chosen - {_SLASH} if self.pathname else chosen

    def translate(self) -> bytes:
        """The regex, to be used with fullmatch and DOTALL."""
        anything = b"[^/]" if self.pathname else b"."
        segments: list[bytes] = [b""]
        searches = 0
        while byte := self._take():
            if byte == _QUESTION:
                segments[-1] += anything
            elif byte == _STAR:
                while self._peek() == _STAR:
                    self._take()
                searches += not (self._peek() == 0 or (self.pathname and self._peek() == _SLASH))
                segments.append(b"")
            elif byte == _BRACKET:
                start = self.position
                chosen = self._range()
                if chosen is None:
                    self.position = start
                    segments[-1] += self._literal(byte)
                else:
                    segments[-1] += _one_of(chosen)
            elif byte == _BACKSLASH and self._peek():
                segments[-1] += self._literal(self._take())
            else:
                segments[-1] += self._literal(byte)
        if searches > MAX_STARS:
            return _NEVER
        if len(segments) == 1:
            return segments[0]
        between = b"".join(b"(?>%b*?%b)" % (anything, segment) for segment in segments[1:-1])
        return segments[0] + between + anything + b"*" + segments[-1]


def translate(pattern: bytes, *, pathname: bool = False, fold: bool = False) -> bytes:
    """The regex source for `pattern`: full match, DOTALL. `pathname`: no wildcard matches a `/`; `fold`:
    ASCII case.
    """
    return _Translator(pattern, pathname, fold).translate()


_PLAIN = re.compile(rb"(\*?)([^*?\[\\\0]*)(\*?)", re.DOTALL)


def compile_wild(
    patterns: Iterable[bytes], *, pathname: bool = False, fold: bool = False
) -> Callable[[bytes], bool] | None:
    """One test for a match of any of `patterns`, None when there are none.

    Patterns with no wildcard but a star at an end, as most are, become comparisons of bytes.
    """
    exact: set[bytes] = set()
    starts: list[bytes] = []
    ends: list[bytes] = []
    sources: list[bytes] = []
    for pattern in patterns:
        plain = None if pathname or fold else _PLAIN.fullmatch(pattern)
        match plain and plain.groups():
            case (b"", text, b""):
                exact.add(text)
            case (b"*", text, b""):
                ends.append(text)
            case (b"", text, b"*"):
                starts.append(text)
            case _:
                sources.append(translate(pattern, pathname=pathname, fold=fold))
    tests: list[Callable[[bytes], bool]] = []
    if exact:
        tests.append(exact.__contains__)
    if starts:
        tests.append(_starting(tuple(starts)))
    if ends:
        tests.append(_ending(tuple(ends)))
    if sources:
        tests.append(_matching(re.compile(b"|".join(b"(?:%b)" % source for source in sources), re.DOTALL)))
    return (
        tests[0] if len(tests) == 1 else (lambda text: any(test(text) for test in tests)) if tests else None
    )


def _starting(heads: tuple[bytes, ...]) -> Callable[[bytes], bool]:
    return lambda text: text.startswith(heads)


def _ending(tails: tuple[bytes, ...]) -> Callable[[bytes], bool]:
    return lambda text: text.endswith(tails)


def _matching(regex: re.Pattern[bytes]) -> Callable[[bytes], bool]:
    fullmatch = regex.fullmatch
    return lambda text: fullmatch(text) is not None
