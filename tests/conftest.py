"""What holds for every test: a wall-clock limit, and real Bareos daemons only where they have been named."""

import faulthandler
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest
import trio
from hypothesis import settings

LIMIT = 60.0
"""Seconds a test may take by the clock on the wall (trio tests often run on a virtual one)."""

BAREOS_LIMIT = 300.0
"""The same for tests with real daemons, which start slowly."""

GRACE = 10.0
"""Seconds between cancelling a trio test and breaking it off."""

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


settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
"""How long an example takes says something about the machine, not about the code."""


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


_expired = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Interrupt a test, fixtures included, that hangs: by an exception, or in trio's loop by cancelling it.

    An exception out of the loop itself would leave trio unusable for all later tests, so that is the last
    resort, when cancelling has not helped for GRACE seconds.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        first = not item.stash.get(_expired, False)
        item.stash[_expired] = True
        if first:
            faulthandler.dump_traceback(sys.__stderr__ or sys.stderr)
        if first and trio.lowlevel.in_trio_run() and not trio.lowlevel.in_trio_task():
            trio.lowlevel.current_trio_token().run_sync_soon(_cancel_everything)
            return
        raise OutOfTime(_complaint(item))

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, _limit(item), GRACE)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A cancelled trio test may end without an error; it is one all the same."""
    try:
        result = yield
    except (OutOfTime, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # trio.Cancelled is none of Exception's kind
        if item.stash.get(_expired, False):
            raise OutOfTime(_complaint(item)) from error
        raise
    if item.stash.get(_expired, False):
        raise OutOfTime(_complaint(item))
    return result


def _cancel_everything() -> None:
    """Cancel all nurseries of the run's main task; called by trio in a task of its own."""
    root = trio.lowlevel.current_root_task()
    for nursery in root.child_nurseries if root is not None else ():
        for task in nursery.child_tasks:
            for inner in task.child_nurseries:
                inner.cancel_scope.cancel()


def _complaint(item: pytest.Item) -> str:
    return f"{item.nodeid} took longer than {_limit(item):g} s; standard error shows where it was"
