"""A Chart is one conversation's legal order as frozen data, checked when built. It never runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class ChartError(ValueError):
    """A chart that cannot be right; raised when it is built, with all that is wrong."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Chart[S: Enum, E: Enum]:
    """States, events and the edges between them: `table[state][event]` is the next state.

    `failed` and `canceled` are the events that every state but a final one must answer: whatever a
    driver is doing, something can break and someone can cancel. All members of both enums have to be in use.
    `table` may leave out the rows of `finals`.

    Raises ChartError if the chart does not hold together.
    """

    name: str
    initial: S
    finals: frozenset[S]
    failed: E
    canceled: E
    table: Mapping[S, Mapping[E, S]]

    def __post_init__(self) -> None:
        rows = {state: MappingProxyType(dict(row)) for state, row in self.table.items()}
        for state in self.finals:
            rows.setdefault(state, MappingProxyType({}))
        object.__setattr__(self, "table", MappingProxyType(rows))
        problems = list(self._problems())
        if problems:
            raise ChartError(f"chart {self.name}: " + "; ".join(problems))

    @property
    def states(self) -> tuple[S, ...]:
        """All states in the order they were declared."""
        return tuple(type(self.initial))

    @property
    def events(self) -> tuple[E, ...]:
        """All events in the order they were declared."""
        return tuple(type(self.failed))

    def edges(self) -> Iterator[tuple[S, E, S]]:
        """Every edge as (source, event, target), by declaration order of the states."""
        for state in self.states:
            for event, target in self.table[state].items():
                yield state, event, target

    def allowed(self, state: S) -> tuple[E, ...]:
        """The events that are legal in `state`."""
        return tuple(self.table[state])

    def _problems(self) -> Iterator[str]:
        missing = [state for state in self.states if state not in self.table]
        if missing:
            yield f"no row for {_names(missing)}"
            return  # the checks below need every row
        if not self.finals:
            yield "no final state"
        for state in self.states:
            row = self.table[state]
            if state in self.finals:
                if row:
                    yield f"final state {state.name} has a way out"
            else:
                for event in (self.failed, self.canceled):
                    if event not in row:
                        yield f"state {state.name} has no edge for {event.name}"
        forward: dict[S, set[S]] = {state: set(self.table[state].values()) for state in self.states}
        backward: dict[S, set[S]] = {state: set() for state in self.states}
        for source, targets in forward.items():
            for target in targets:
                backward[target].add(source)
        lost = set(self.states) - _spread([self.initial], forward)
        if lost:
            yield f"never reached: {_names(lost)}"
        stuck = set(self.states) - _spread(self.finals, backward)
        if stuck:
            yield f"no way to a final state from {_names(stuck)}"
        unused = set(self.events) - {event for row in self.table.values() for event in row}
        if unused:
            yield f"events in no row: {_names(unused)}"


def _spread[S: Enum](seeds: Iterable[S], edges: Mapping[S, set[S]]) -> set[S]:
    """All that can be reached from `seeds`, themselves included."""
    seen = set(seeds)
    queue = list(seen)
    while queue:
        for state in edges[queue.pop()] - seen:
            seen.add(state)
            queue.append(state)
    return seen


def _names(members: Iterable[Enum]) -> str:
    return ", ".join(sorted(member.name for member in members))
