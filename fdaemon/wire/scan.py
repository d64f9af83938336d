"""The scanner that all Bareos daemons use in place of libc's sscanf. Formats are compiled once, inputs are bytes.

Rules: protocol/02 section 0.3, core/src/lib/scan.cc: bsscanf.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from fdaemon.errors import LocalProtocolError

WHITE_SPACE = b" \t\n\v\f\r"
DEFAULT_LIMIT = 1000
"""Bytes that an unadorned `%s` takes at most in C++."""

_TOKEN = re.compile(r"%(\d*)(l{0,2}[du]|[sc%])|(\s+)|([^%\s]+)")
_NUMBER = {False: re.compile(rb"[0-9]*"), True: re.compile(rb"-?[0-9]*")}
_WORD = re.compile(rb"[^ \t\n\v\f\r]*")


class _Kind(Enum):
    LITERAL = auto()
    SPACE = auto()
    NUMBER = auto()
    WORD = auto()
    BYTE = auto()


@dataclass(frozen=True, slots=True)
class _Step:
    kind: _Kind
    literal: bytes = b""
    signed: bool = False
    bits: int = 0
    limit: int | None = None


def _compile(fmt: str, limit: int | None) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    position = 0
    while position < len(fmt):
        match = _TOKEN.match(fmt, position)
        if match is None:
            raise LocalProtocolError(f"bad scan format {fmt!r} at {position}")
        width, conversion, space, literal = match.groups()
        position = match.end()
        if space is not None:
            steps.append(_Step(_Kind.SPACE))
        elif literal is not None:
            steps.append(_Step(_Kind.LITERAL, literal=literal.encode()))
        elif conversion == "s":
            steps.append(_Step(_Kind.WORD, limit=int(width) if width else limit))
        elif width:
            raise LocalProtocolError(f"only %s takes a width: {fmt!r}")
        elif conversion == "c":
            steps.append(_Step(_Kind.BYTE))
        elif conversion == "%":
            steps.append(_Step(_Kind.LITERAL, literal=b"%"))
        else:
            bits = 64 if conversion.startswith("ll") else 32
            steps.append(_Step(_Kind.NUMBER, signed=conversion.endswith("d"), bits=bits))
    return tuple(steps)


def _number(digits: bytes) -> int:
    """The number modulo 2**64; digits before the last 64 stand for multiples of that, and `int` may refuse them."""
    number = int(digits.lstrip(b"-")[-64:] or b"0")
    return -number if digits[:1] == b"-" else number


def _truncate(value: int, bits: int, *, signed: bool) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


class Scanner:
    """One compiled format. `limit` bounds an unadorned `%s`; None: no bound, where C++ cuts at 1000."""

    __slots__ = ("_steps", "format")

    def __init__(self, fmt: str, *, limit: int | None = DEFAULT_LIMIT) -> None:
        self.format = fmt
        self._steps = _compile(fmt, limit)

    def scan(self, data: bytes) -> tuple[int | bytes, ...] | None:
        """The converted values (`%d %u` int, `%s %c` bytes), or None where bsscanf returns -1.

        Input stops at the first NUL; what is left over after the format is ignored. `%s` and numbers match
        the empty string and still count. Unlike C++, `%c` at the end of the input is a mismatch.
        """
        text = data.partition(b"\0")[0]
        values: list[int | bytes] = []
        at = 0
        for step in self._steps:
            match step.kind:
                case _Kind.LITERAL:
                    if not text.startswith(step.literal, at):
                        return None
                    at += len(step.literal)
                case _Kind.SPACE:
                    at = len(text) - len(text[at:].lstrip(WHITE_SPACE))
                case _Kind.NUMBER:
                    found = _NUMBER[step.signed].match(text, at)
                    assert found is not None
                    at = found.end()
                    digits = found.group()
                    values.append(_truncate(_number(digits), step.bits, signed=step.signed))
                case _Kind.WORD:
                    end = len(text) if step.limit is None else at + step.limit
                    word = _WORD.match(text, at, min(end, len(text)))
                    assert word is not None
                    at = word.end()
                    values.append(word.group())
                case _Kind.BYTE:
                    if at >= len(text):
                        return None
                    values.append(text[at : at + 1])
                    at += 1
        return tuple(values)
