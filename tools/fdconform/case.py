"""A case: one sentence of the protocol, the dialogue that tries it, and what the daemon must do. Pure data."""

from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from fdconform.stage import Stage

PLAIN: Final = "plain"
"""The profile (see `profiles`) that most cases need."""


class Step(Protocol):
    """One move of a dialogue. Steps are frozen values; all that changes is in the stage."""

    async def play(self, stage: "Stage") -> None:
        """Make the move. Raises CaseOver where going on makes no sense."""
        ...


@unique
class Need(Enum):
    """What a case needs beyond a daemon that listens."""

    ROOT = auto()
    """The tester and the daemon run as root."""
    FILES = auto()
    """The daemon sees the tester's files."""
    PROCESS = auto()
    """The tester has started the daemon, and may stop it and read its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A numbered case.

    `rule` says in one sentence what is right and `source` where that stands; `informational` cases have no wrong
    answer. `alone`: nothing else may run on the daemon meanwhile. `hostile` cases send what only somebody who means
    harm would send, and are played on request only. `limit`: seconds until it counts as hung.
    """

    id: str
    title: str
    rule: str
    source: str
    play: tuple[Step, ...]
    profile: str = PLAIN
    needs: frozenset[Need] = frozenset()
    informational: bool = False
    alone: bool = False
    hostile: bool = False
    limit: float = 40.0

    @property
    def number(self) -> tuple[int, ...]:
        """The id as numbers, to sort by."""
        return tuple(int(part) for part in self.id.split("."))


@dataclass(frozen=True, slots=True)
class Chapter:
    """Cases that belong together; their ids begin with `number`."""

    number: int
    title: str
    cases: tuple[Case, ...]
