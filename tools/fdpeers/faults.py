"""What a Storage peer does wrong, where, as data. A fault never decides by chance."""

from dataclasses import dataclass
from enum import Enum, auto


class Step(Enum):
    """Where in the Storage dialogue a fault can strike: right before the peer would answer or go on."""

    HELLO = auto()
    AUTHENTICATED = auto()
    APPEND_OPEN = auto()
    APPEND_DATA = auto()
    DATA = auto()
    DATA_END = auto()
    APPEND_END = auto()
    APPEND_CLOSE = auto()
    READ_OPEN = auto()
    READ_DATA = auto()
    RECORDS = auto()
    RECORDS_END = auto()
    READ_CLOSE = auto()


class Act(Enum):
    """What happens there."""

    CLOSE = auto()
    """Close the connection in order."""
    RESET = auto()
    """Close it with a TCP reset."""
    STALL = auto()
    """Neither read nor write until the run is canceled."""
    REPLY = auto()
    """Send `payload` as one packet in place of the answer, then hang up as the real daemon does."""
    SEND = auto()
    """Send `payload` as raw wire bytes, then go on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`act` at `step`. `after` counts wire bytes received (DATA) or packets sent (RECORDS) before it
    strikes, once.
    """

    step: Step
    act: Act
    payload: bytes = b""
    after: int = 0
