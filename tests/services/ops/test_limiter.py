"""The budget of a minute is never exceeded, and orders always have room in it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clock import NS, FrozenClock, MonotonicClock
from services.ops.limiter import Lane, TokenBucket

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MINUTE = 60 * NS


@settings(max_examples=60)
@given(
    rate=st.integers(10, 400),
    asks=st.lists(
        st.tuples(st.sampled_from(Lane), st.integers(0, 9000), st.integers(1, 60)), max_size=40
    ),
)
def test_no_minute_sees_more_than_its_rate(rate: int, asks: list[tuple[Lane, int, int]]) -> None:
    """However long it idled before and however the lanes mix."""
    clock = FrozenClock(START)
    bucket = TokenBucket(rate, clock)
    taken: list[int] = []
    for lane, pause_ms, burst in asks:
        clock.advance(timedelta(milliseconds=pause_ms))
        taken += [clock.ns() for _ in range(burst) if bucket.try_take(lane) == 0]
    for first, start in enumerate(taken):
        assert sum(at < start + MINUTE for at in taken[first:]) <= rate


@pytest.mark.parametrize("rate", [10, 60, 200])
def test_a_flood_after_an_idle_spell_keeps_the_rate_and_uses_it(rate: int) -> None:
    """The burst is part of the minute, not on top of it."""
    clock = FrozenClock(START)
    bucket = TokenBucket(rate, clock)
    clock.advance(timedelta(minutes=10))
    taken = 0
    for _ in range(600):
        while bucket.try_take(Lane.STOPS) == 0:
            taken += 1
        clock.advance(timedelta(milliseconds=100))
    assert rate - 1 <= taken <= rate


def test_reads_leave_room_to_orders_and_these_the_last_one_to_a_stop() -> None:
    bucket = TokenBucket(200, FrozenClock(START))
    taken = [
        sum(bucket.try_take(lane) == 0 for _ in range(500))
        for lane in (Lane.READS, Lane.ORDERS, Lane.STOPS)
    ]
    assert taken == [20, 19, 1]


@pytest.mark.parametrize("lane", Lane)
def test_the_wait_it_names_is_enough(lane: Lane) -> None:
    clock = FrozenClock(START)
    bucket = TokenBucket(60, clock)
    while (wait := bucket.try_take(lane)) == 0:
        pass
    clock.advance(timedelta(seconds=wait))
    assert bucket.try_take(lane) == 0


def test_a_brokers_complaint_stops_the_reads_and_not_the_orders() -> None:
    bucket = TokenBucket(200, FrozenClock(START))
    bucket.drain()
    assert bucket.try_take(Lane.READS) > 0
    assert bucket.try_take(Lane.ORDERS) == 0


async def test_an_order_does_not_stand_behind_waiting_reads() -> None:
    bucket = TokenBucket(10, MonotonicClock(), reserved=1)
    await bucket.take(Lane.READS)
    waiting = [asyncio.ensure_future(bucket.take(Lane.READS)) for _ in range(5)]
    await asyncio.sleep(0)
    await bucket.take(Lane.ORDERS)
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_who_came_first_is_served_first() -> None:
    bucket = TokenBucket(60_000, MonotonicClock(), reserved=0)
    while bucket.try_take(Lane.READS) == 0:
        pass
    served: list[int] = []

    async def ask(number: int) -> None:
        await bucket.take(Lane.READS)
        served.append(number)

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert served == list(range(20))
