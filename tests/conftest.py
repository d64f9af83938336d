"""What holds for every test: a wall-clock limit, and real Bareos daemons only where they have been named."""

import faulthandler
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

LIMIT = 60.0
"""Seconds a test may take by the clock on the wall (trio tests often run on a virtual one)."""

BAREOS_LIMIT = 300.0
"""The same for tests with real daemons, which start slowly."""

_DAEMONS = ("core/src/dird/bareos-dir", "core/src/stored/bareos-sd", "core/src/console/bconsole")


class OutOfTime(Exception):
    """A test exceeded its wall-clock limit; the stack of every thread is on the standard error."""


def missing_bareos() -> str | None:
    """Why tests marked `bareos` cannot run here, or None."""
    build = os.environ.get("BAREOS_BUILD")
    if not build:
        return "BAREOS_BUILD does not name a Bareos build tree"
    for name in _DAEMONS:
        if not Path(build, name).is_file():
            return f"BAREOS_BUILD has no {name}"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing_bareos()
    for item in items:
        if reason is not None and item.get_closest_marker("bareos"):
            item.add_marker(pytest.mark.skip(reason=reason))


def _limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("deadline")
    if marker is not None:
        return float(marker.args[0])
    return BAREOS_LIMIT if item.get_closest_marker("bareos") else LIMIT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Interrupt a test, fixtures included, that hangs: in trio's loop as in a blocking call."""
    limit = _limit(item)

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        faulthandler.dump_traceback(sys.__stderr__ or sys.stderr)
        raise OutOfTime(f"{item.nodeid} took longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit, 5.0)  # again every 5 s, should the first be swallowed
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
