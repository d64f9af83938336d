"""The size expression of an Options block. Pure.

Facts: protocol/03 section 2.8 (core/src/findlib/match.cc: ParseSizeMatch, core/src/lib/edit.cc:
size_to_uint64).
"""

import re
from dataclasses import dataclass
from enum import Enum

TEXT_LIMIT = 49
"""Bytes of the expression that are read."""
_SUFFIXES = (
    (b"*", 1),
    (b"k", 1 << 10),
    (b"kb", 10**3),
    (b"m", 1 << 20),
    (b"mb", 10**6),
    (b"g", 1 << 30),
    (b"gb", 10**9),
    (b"t", 1 << 40),
    (b"tb", 10**12),
    (b"p", 1 << 50),
    (b"pb", 10**15),
    (b"e", 1 << 60),
    (b"eb", 10**18),
)
_TERM = re.compile(
    rb"[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))[ \t\r\n]*([*A-Za-z]*)"
)
_WRAP = (1 << 64) - 1


class SizeKind(Enum):
    """How a size is compared."""

    APPROXIMATE = "about"
    SMALLER = "<"
    GREATER = ">"
    RANGE = "-"


@dataclass(frozen=True, slots=True)
class SizeMatch:
    """Selects regular files by size in bytes; `end` is used by RANGE only (both ends included)."""

    kind: SizeKind
    begin: int = 0
    end: int = 0

    def matches(self, size: int) -> bool:
        """True for a size that is wanted. APPROXIMATE is within one per cent of `begin`, exclusive."""
        match self.kind:
            case SizeKind.APPROXIMATE:
                return abs(size - self.begin) < self.begin // 100
            case SizeKind.SMALLER:
                return size < self.begin
            case SizeKind.GREATER:
                return size > self.begin
            case SizeKind.RANGE:
                return self.begin <= size <= self.end


NOTHING = SizeMatch(SizeKind.APPROXIMATE)
"""What an unreadable expression leaves behind: it selects no regular file."""


def parse_number(text: bytes) -> int | None:
    """A sum of terms like `1.5m 200k` in bytes, each cut to an integer; empty is 0, None when it is no
    size.
    """
    total = position = 0
    rest = text.strip(b" \t\r\n")
    while position < len(rest):
        term = _TERM.match(rest, position)
        if term is None:
            return None
        factor = _factor(term[2])
        if factor is None:
            return None
        try:
            total += int(float(term[1]) * factor)
        except OverflowError:
            return None
        position = term.end()
    return total & _WRAP


def _factor(suffix: bytes) -> int | None:
    if not suffix:
        return 1
    lowered = suffix.lower()
    return next((factor for name, factor in _SUFFIXES if name.startswith(lowered)), None)


def parse_size(text: bytes) -> SizeMatch | None:
    """The expression after `z`: `n`, `<n`, `>n` or `a-b`; None when it does not parse."""
    if b"-" in text:
        left, _, right = text.partition(b"-")
        begin, end = parse_number(left), parse_number(right)
        return None if begin is None or end is None else SizeMatch(SizeKind.RANGE, begin, end)
    kinds = {b"<": SizeKind.SMALLER, b">": SizeKind.GREATER}
    kind = kinds.get(text[:1], SizeKind.APPROXIMATE)
    number = parse_number(text if kind is SizeKind.APPROXIMATE else text[1:])
    return None if number is None else SizeMatch(kind, number)
