"""The bandwidth limit: the average that comes out, and what happens to allowance that is not used."""

import pytest
import trio
import trio.testing

from fdaemon.jobs.throttle import LATENESS, Throttle

LIMIT = 1_000_000


@pytest.mark.parametrize("size", [1_400, 65_536, 1_048_576])
@pytest.mark.parametrize("bursting", [False, True])
async def test_the_average_keeps_within_five_percent(
    autojump_clock: trio.testing.MockClock, size: int, bursting: bool
) -> None:
    throttle = Throttle(LIMIT, bursting=bursting)
    began, moved = trio.current_time(), 0
    while moved < 20 * LIMIT:
        await throttle.charge(size)
        moved += size
    rate = moved / (trio.current_time() - began)
    assert rate == pytest.approx(LIMIT, rel=0.05)


async def test_what_is_made_between_two_charges_costs_no_speed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    throttle = Throttle(20 * LIMIT)
    began = trio.current_time()
    for _ in range(400):
        await trio.sleep(0.003)
        await throttle.charge(262_144)
    assert 400 * 262_144 / (trio.current_time() - began) == pytest.approx(20 * LIMIT, rel=0.02)


async def test_a_slow_source_is_not_slowed_down(autojump_clock: trio.testing.MockClock) -> None:
    throttle = Throttle(LIMIT)
    began = trio.current_time()
    for _ in range(10):
        await trio.sleep(1)
        await throttle.charge(LIMIT // 2)
    assert trio.current_time() - began <= 10 * 1.5


@pytest.mark.parametrize(("bursting", "seconds"), [(True, 0.0), (False, 2.0)])
async def test_only_bursting_keeps_what_was_not_used(
    autojump_clock: trio.testing.MockClock, bursting: bool, seconds: float
) -> None:
    throttle = Throttle(LIMIT, bursting=bursting)
    await throttle.charge(LIMIT)
    await trio.sleep(5)
    began = trio.current_time()
    await throttle.charge(2 * LIMIT)
    assert trio.current_time() - began == pytest.approx(seconds, abs=LATENESS)


async def test_a_limit_changes_while_it_runs(autojump_clock: trio.testing.MockClock) -> None:
    throttle = Throttle(LIMIT)
    await throttle.charge(LIMIT)
    throttle.limit = LIMIT * 4
    began = trio.current_time()
    for _ in range(8):
        await throttle.charge(LIMIT)
    assert trio.current_time() - began == pytest.approx(2, abs=LATENESS * 1.01)
    throttle.limit = 0
    began = trio.current_time()
    await throttle.charge(LIMIT * 1000)
    assert trio.current_time() == began


@pytest.mark.parametrize(("limit", "seconds"), [(0, 1), (10 * LIMIT, 2.8), (LIMIT // 2, 37)])
async def test_a_new_limit_holds_for_those_who_wait(
    autojump_clock: trio.testing.MockClock, limit: int, seconds: float
) -> None:
    throttle = Throttle(LIMIT)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(throttle.charge, 19 * LIMIT)
        await trio.sleep(1)
        throttle.limit = limit
    assert trio.current_time() - began == pytest.approx(seconds)
