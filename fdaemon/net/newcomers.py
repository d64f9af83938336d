"""Connections whose peer has not proved who it is: only so many at a time, so that nobody can use up the descriptors
that those need who have. It knows scopes, not connections.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

import trio


@dataclass(slots=True)
class Newcomers:
    """When more than `most` wait, the one that has waited longest is sent away: it is the least likely to mean well."""

    most: int
    _waiting: deque[trio.CancelScope] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def waiting(self, limit: float = inf) -> Iterator[trio.CancelScope]:
        """The time in which one connection is a newcomer: until its peer has proved itself, `limit` seconds at most.

        Nobody sends it away after the block. The scope tells whether that, or the limit, ended it.
        """
        with trio.move_on_after(limit) as scope:
            self._waiting.append(scope)
            if len(self._waiting) > self.most:
                self._waiting.popleft().cancel()
            try:
                yield scope
            finally:
                if scope in self._waiting:
                    self._waiting.remove(scope)
