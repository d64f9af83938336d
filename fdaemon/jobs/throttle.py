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

    __slots__ = ("_debt", "_last", "bursting", "limit")

    def __init__(self, limit: int = 0, *, bursting: bool = False) -> None:
        self.limit = limit
        self.bursting = bursting
        self._debt = 0.0
        self._last: float | None = None

    async def charge(self, amount: int) -> None:
        """Account for `amount` bytes just moved, and sleep until the average is back at the limit."""
        if self.limit <= 0:
            self._last = None
            return
        now = trio.current_time()
        if self._last is None or now - self._last > MEMORY:
            self._debt = 0.0
        else:
            self._debt -= (now - self._last) * self.limit
            if not self.bursting:
                self._debt = max(self._debt, -LATENESS * self.limit)
        self._last = now
        self._debt += amount
        if self._debt > 0:
            await trio.sleep(self._debt / self.limit)
