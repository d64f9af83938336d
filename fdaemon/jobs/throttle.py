"""The bandwidth limit of one Storage connection: a token bucket that waits in trio time and never blocks others."""

import trio

MEMORY = 10.0
"""Seconds after which unused allowance is forgotten (core/src/lib/bsock.cc: ControlBwlimit)."""

LATENESS = 0.1
"""Seconds of allowance that are never lost: a sleep that ends late, and the making of the next batch, would otherwise
take a tenth of the speed (measured at 20 MB/s)."""


class Throttle:
    """Charges bytes in both directions against one limit.

    `limit` is in bytes a second, 0 for none, and may be changed at any time. With `bursting`, allowance that was
    not used is kept for later; without it, it is lost but for `LATENESS` (protocol/01 section 11.5).
    """

    __slots__ = ("_changed", "_debt", "_last", "_limit", "bursting")

    def __init__(self, limit: int = 0, *, bursting: bool = False) -> None:
        self._limit = limit
        self._changed = trio.Event()
        self._debt = 0.0
        self._last: float | None = None
        self.bursting = bursting

    @property
    def limit(self) -> int:
        """Bytes a second, 0 for none. A new limit holds at once, also for those who wait for an old one."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if self._last is not None and self._limit > 0:
            now = trio.current_time()
            self._debt -= (now - self._last) * self._limit
            self._last = now
        self._limit = limit
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def charge(self, amount: int) -> None:
        """Account for `amount` bytes just moved, and sleep until the average is back at the limit."""
        if self._limit <= 0:
            self._last = None
            return
        now = trio.current_time()
        if self._last is None or now - self._last > MEMORY:
            self._debt = 0.0
        else:
            self._debt -= (now - self._last) * self._limit
            if not self.bursting:
                self._debt = max(self._debt, -LATENESS * self._limit)
        self._last = now
        self._debt += amount
        while self._debt > 0 and self._limit > 0:
            with trio.move_on_after(self._debt / self._limit):
                await self._changed.wait()
                continue
            return
