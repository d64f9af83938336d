"""What following a recording brings: the transitions of each row, and what a chart does not allow. Values only."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from statecharts.tracker import Tracker, Transition


@dataclass(frozen=True, slots=True)
class Strange:
    """An event that the chart does not allow where it stands: `row` is the index of the row that brought it."""

    row: int
    chart: str
    label: bytes
    state: str
    event: str

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.chart}: {self.event} in {self.state}"


@dataclass(slots=True)
class Followed:
    """`moves[i]` are the transitions that row i stands for and `states[i]` where its connection's chart is then.

    `streams` are the stream numbers that were sent to (`fd`) and by (`sd`) Storage daemons.
    """

    moves: list[tuple[Transition, ...]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    strange: list[Strange] = field(default_factory=list)
    streams: set[tuple[str, int]] = field(default_factory=set)

    def edges(self) -> Iterable[Transition]:
        """All transitions, in order."""
        for row in self.moves:
            yield from row


class Pen:
    """Writes down what trackers do while one row is looked at."""

    def __init__(self) -> None:
        self.followed = Followed()
        self._made: list[Transition] = []

    @property
    def row(self) -> int:
        """Index of the row that is looked at."""
        return len(self.followed.moves)

    def observe(self, step: Transition) -> None:
        """For trackers."""
        self._made.append(step)

    def fire[S: Enum, E: Enum](self, tracker: Tracker[S, E], *events: E) -> None:
        """Make steps; one that is not allowed is written down and not made."""
        for event in events:
            if tracker.can(event):
                tracker.fire(event)
            else:
                self.followed.strange.append(
                    Strange(
                        self.row,
                        tracker.chart.name,
                        tracker.label,
                        tracker.state.value,
                        event.name,
                    )
                )

    def end_row(self, state: str) -> None:
        """The row is done with; its connection's chart stands in `state`."""
        self.followed.moves.append(tuple(self._made))
        self.followed.states.append(state)
        self._made.clear()


def fire_if[S: Enum, E: Enum](tracker: Tracker[S, E], *events: E) -> None:
    """Make those steps that the chart allows: for what is inferred, not seen."""
    for event in events:
        if tracker.can(event):
            tracker.fire(event)
