"""Connections whose peer has not proved who it is: only so many at a time, so that nobody can use up the descriptors
that jobs need. It knows scopes, not connections.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trio

MOST_NEWCOMERS = 256
"""A quarter of the usual limit of descriptors. A Director proves itself within milliseconds, so many that arrive at
once are still let in."""


@dataclass(slots=True)
class Newcomers:
    """When too many wait, the one that has waited longest is sent away: it is the least likely to mean well."""

    _waiting: deque[trio.CancelScope] = field(default_factory=deque)

    @contextmanager
    def waiting(self) -> Iterator[trio.CancelScope]:
        """The scope of one connection, which counts as a newcomer until `admit` or its end."""
        with trio.CancelScope() as scope:
            self._waiting.append(scope)
            if len(self._waiting) > MOST_NEWCOMERS:
                self._waiting.popleft().cancel()
            try:
                yield scope
            finally:
                self.admit(scope)

    def admit(self, scope: trio.CancelScope) -> None:
        """The peer has proved who it is: nobody sends it away any more."""
        if scope in self._waiting:
            self._waiting.remove(scope)
