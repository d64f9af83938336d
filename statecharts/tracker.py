"""A Tracker is where one conversation stands in its chart; the only room that builds a transitions.Machine.

Firing never awaits and does no I/O: the driver acts before or after. Nothing else may move a state.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast
from weakref import WeakKeyDictionary

from transitions import Machine, MachineError

from statecharts.chart import Chart


@dataclass(frozen=True, slots=True)
class Transition:
    """One step that has been made. `chart` is the chart's name, `label` the tracker's (job name, peer …)."""

    chart: str
    label: bytes
    source: Enum
    event: Enum
    target: Enum


type Observer = Callable[[Transition], object]


class IllegalTransition(Exception):
    """An event that the chart does not allow where the conversation stands: our own bug, never the peer's.

    The state has not changed and no observer was called.
    """

    def __init__(self, chart: str, label: bytes, state: Enum, event: Enum, allowed: Iterable[Enum]) -> None:
        self.chart = chart
        self.label = label
        self.state = state
        self.event = event
        self.allowed = tuple(allowed)
        choices = ", ".join(member.name for member in self.allowed) or "nothing, it is final"
        who = f"{chart} {label.decode('utf-8', 'backslashreplace')}".rstrip()
        super().__init__(f"{who}: {event.name} is illegal in {state.value}; allowed: {choices}")


class Tracker[S: Enum, E: Enum]:
    """Follows one conversation through `chart`, from its initial state.

    The machine is built once a chart and shared: it holds the table and judges each event, while the tracker
    is only its model (one attribute, the state). So a tracker costs a small object and an event about 7 µs:
    right for a connection, a job or a verified file, too much for a block. One task at a time may fire.
    """

    __slots__ = ("_machine_state", "_observers", "_triggers", "chart", "label")

    def __init__(self, chart: Chart[S, E], label: bytes = b"", observers: Iterable[Observer] = ()) -> None:
        self.chart = chart
        self.label = label
        self._observers = tuple(observers)
        self._triggers = _triggers_of(chart)
        self._machine_state: S = chart.initial  # written by the machine, under the name it was given

    @property
    def state(self) -> S:
        """Where the conversation stands."""
        return self._machine_state

    @property
    def ended(self) -> bool:
        """True in a final state."""
        return self._machine_state in self.chart.finals

    def can(self, event: E) -> bool:
        """Whether `event` is legal now; for a driver that hears from two sides, such as a late cancel."""
        return event in self.chart.table[self._machine_state]

    def fire(self, event: E) -> S:
        """Make the step that `event` stands for, tell the observers in order, and return the new state.

        Raises IllegalTransition if the chart has no such edge. An observer's exception comes out of
        here, with the step already made.
        """
        source = self._machine_state
        try:
            self._triggers[event](self)
        except MachineError:
            raise IllegalTransition(
                self.chart.name, self.label, source, event, self.chart.allowed(source)
            ) from None
        target = self._machine_state
        if self._observers:
            step = Transition(self.chart.name, self.label, source, event, target)
            for observer in self._observers:
                observer(step)
        return target

    def fire_rounds(self, events: Sequence[E], times: int) -> S:
        """Make the same short way through the chart `times` times, as for the files of one batch.

        The machine judges each event until a round has led back to where it began. It has no guards and no
        memory, so its verdict holds for the rounds that are left: they are not made one by one, and observers
        are not told of them. An illegal event raises as in `fire`, with the state where it stood.
        """
        for _ in range(times):
            start = self._machine_state
            for event in events:
                self.fire(event)
            if self._machine_state is start:
                break
        return self._machine_state

    def __repr__(self) -> str:
        return f"<Tracker {self.chart.name} {self.label!r} in {self.state.value}>"


_built: WeakKeyDictionary[Chart[Any, Any], dict[Any, Callable[[object], bool]]] = WeakKeyDictionary()


def _triggers_of[S: Enum, E: Enum](chart: Chart[S, E]) -> dict[E, Callable[[object], bool]]:
    """The trigger of each event on the one machine of `chart`, built at first use."""
    triggers = _built.get(chart)
    if triggers is None:
        machine = _build_machine(chart)
        triggers = {event: machine.events[event.name].trigger for event in chart.events}
        _built[chart] = triggers
    return cast(dict[E, Callable[[object], bool]], triggers)


def _build_machine[S: Enum, E: Enum](chart: Chart[S, E]) -> Machine:
    """No guards, no string callbacks, no queue, no on_exception: the table decides, alone and at once."""
    machine = Machine(
        model=None,
        states=list(chart.states),
        initial=chart.initial,
        auto_transitions=False,
        model_attribute="_machine_state",
        name=chart.name,
    )
    for source, event, target in chart.edges():
        machine.add_transition(event.name, source, target)
    return machine
