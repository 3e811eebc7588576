"""A breaker opens after failures, tries once in a while, and never mistakes a no for one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from common.clock import FrozenClock
from common.errors import BrokerRefused, BrokerUnavailable, Halted, OrderUncertain
from services.ops.breaker import Breaker, BreakerState

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def breaker(clock: FrozenClock) -> Breaker:
    return Breaker("orders", clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OrderUncertain), breaker.guard():
            raise OrderUncertain("c", "no answer")


def state(breaker: Breaker) -> BreakerState:
    return breaker.state


def succeed(breaker: Breaker) -> None:
    with breaker.guard():
        pass


def refuses(breaker: Breaker) -> bool:
    try:
        succeed(breaker)
    except BrokerUnavailable:
        return True
    return False


def test_it_opens_at_the_fifth_failure_and_then_lets_nothing_through(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker)
    assert state(breaker) is BreakerState.OPEN
    with pytest.raises(BrokerUnavailable, match="left alone"), breaker.guard():
        pytest.fail("it let a call through")


def test_failures_far_apart_do_not_open_it(breaker: Breaker, clock: FrozenClock) -> None:
    for _ in range(20):
        fail(breaker)
        clock.advance(timedelta(seconds=8))
    assert state(breaker) is BreakerState.CLOSED


def test_a_refusal_and_a_halt_are_no_failures(breaker: Breaker) -> None:
    for error in (BrokerRefused("no", status=403), Halted("stop"), ValueError("bug")) * 5:
        with pytest.raises(type(error)), breaker.guard():
            raise error
    assert state(breaker) is BreakerState.CLOSED


def test_each_failed_probe_doubles_the_rest_up_to_a_minute(
    breaker: Breaker, clock: FrozenClock
) -> None:
    fail(breaker, 5)
    for rest in (5, 10, 20, 40, 60, 60):
        clock.advance(timedelta(seconds=rest - 1))
        assert refuses(breaker)
        clock.advance(timedelta(seconds=1))
        assert state(breaker) is BreakerState.HALF_OPEN
        fail(breaker)
        assert state(breaker) is BreakerState.OPEN


def test_a_good_probe_closes_it_for_good(breaker: Breaker, clock: FrozenClock) -> None:
    fail(breaker, 5)
    clock.advance(timedelta(seconds=5))
    succeed(breaker)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker, 4)
    assert state(breaker) is BreakerState.CLOSED


def test_only_one_probe_goes_at_a_time(breaker: Breaker, clock: FrozenClock) -> None:
    fail(breaker, 5)
    clock.advance(timedelta(seconds=5))
    with breaker.guard():
        assert refuses(breaker)
    assert not refuses(breaker)


def test_a_probe_that_is_canceled_makes_room_for_another(
    breaker: Breaker, clock: FrozenClock
) -> None:
    fail(breaker, 5)
    clock.advance(timedelta(seconds=5))
    with pytest.raises(asyncio.CancelledError), breaker.guard():
        raise asyncio.CancelledError
    assert state(breaker) is BreakerState.HALF_OPEN
    assert not refuses(breaker)


def test_a_rest_that_is_ended_lets_one_probe_through_and_forgives_nothing(
    breaker: Breaker, clock: FrozenClock
) -> None:
    assert not breaker.end_rest()
    fail(breaker, 5)
    assert refuses(breaker)
    assert breaker.end_rest()
    assert state(breaker) is BreakerState.HALF_OPEN
    fail(breaker)
    assert state(breaker) is BreakerState.OPEN
    clock.advance(timedelta(seconds=9))
    assert state(breaker) is BreakerState.OPEN  # twice the first rest
    assert breaker.end_rest()
    succeed(breaker)
    assert state(breaker) is BreakerState.CLOSED


def test_a_probe_under_way_stays_the_only_one(breaker: Breaker) -> None:
    fail(breaker, 5)
    breaker.end_rest()
    with breaker.guard():
        assert not breaker.end_rest()
        assert refuses(breaker)
    assert state(breaker) is BreakerState.CLOSED
