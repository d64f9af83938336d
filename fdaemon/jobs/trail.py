"""Remembers the way of one session's conversations through their charts, for those who watch. Decides nothing."""

import time
from collections import deque
from collections.abc import Callable
from enum import Enum

from fdaemon.views import ConversationView, TransitionView
from statecharts.tracker import Transition

KEPT_STEPS = 60
"""Transitions of a session that stay readable: a backup makes about 40 (about 10 KB)."""


class Trail:
    """An observer of trackers: the last steps, and how long each chart has been in each state."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._born = clock()
        self._steps: deque[TransitionView] = deque(maxlen=KEPT_STEPS)
        self._standing: dict[str, tuple[str, float]] = {}
        self._spent: dict[str, dict[str, float]] = {}
        self._ways: set[tuple[str, Enum, Enum]] = set()

    def observe(self, step: Transition) -> None:
        """A conversation has made a step."""
        now = self._stand(step)
        self._steps.append(
            TransitionView(now, step.chart, str(step.source.value), step.event.name, str(step.target.value))
        )

    def observe_round(self, step: Transition) -> None:
        """The same for a chart that comes by for every file: where it stands and how long is kept, and the step when
        it is the first of its kind, for more of them would push out those of the other conversations.
        """
        way = step.chart, step.source, step.event
        if way in self._ways:
            self._stand(step)
        else:
            self._ways.add(way)
            self.observe(step)

    def _stand(self, step: Transition) -> float:
        now, chart = self._clock(), step.chart
        source, target = str(step.source.value), str(step.target.value)
        since = self._standing.get(chart, ("", self._born))[1]
        spent = self._spent.setdefault(chart, {})
        spent[source] = spent.get(source, 0.0) + max(0.0, now - since)
        self._standing[chart] = target, now
        return now

    @property
    def steps(self) -> tuple[TransitionView, ...]:
        """The last steps of all conversations, oldest first."""
        return tuple(self._steps)

    @property
    def conversations(self) -> tuple[ConversationView, ...]:
        """Where each conversation stands, in the order in which they began."""
        return tuple(
            ConversationView(chart, state, since, tuple(self._spent[chart].items()))
            for chart, (state, since) in self._standing.items()
        )
