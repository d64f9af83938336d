"""What may be heard at a point of a dialogue, and whether it was. Pure."""

import re
from dataclasses import dataclass
from enum import Enum, auto, unique


@unique
class Nothing(Enum):
    """What a connection can give besides packets and signals."""

    CLOSED = auto()
    """It ended: end of file, reset or TERMINATE seen earlier."""
    QUIET = auto()
    """Nothing came within the time given."""


CLOSED, QUIET = Nothing.CLOSED, Nothing.QUIET

type Got = bytes | int | Nothing
"""A packet, the number of a signal, or nothing."""


@dataclass(frozen=True, slots=True)
class Like:
    """A packet that this regular expression matches whole; a dot matches newlines too."""

    pattern: bytes


@dataclass(frozen=True, slots=True)
class Signal:
    """A bare signal."""

    number: int


type Wanted = bytes | Like | Signal | Nothing
"""Bytes mean exactly this packet. `{name}` in bytes and patterns stands for a name of the stage."""


def meets(got: Got, wanted: Wanted) -> bool:
    """Whether `got` is what was wanted; names must have been filled in."""
    match wanted:
        case bytes():
            return got == wanted
        case Like():
            return isinstance(got, bytes) and re.fullmatch(wanted.pattern, got, re.DOTALL) is not None
        case Signal():
            return got == wanted.number and not isinstance(got, bytes)
        case Nothing():
            return got is wanted


def shown(item: Got | Wanted) -> str:
    """For people: one line, cut where it is long."""
    match item:
        case bytes():
            text = repr(item)[1:]
            return text if len(text) <= 200 else f"{text[:200]}… ({len(item)} bytes)"
        case Like():
            return f"a packet like {item.pattern!r}"
        case Signal():
            return f"signal {item.number}"
        case int():
            return f"signal {item}"
        case Nothing.CLOSED:
            return "the end of the connection"
        case Nothing.QUIET:
            return "silence"
