"""The market's clock follows the broker and never goes back; the wall measures our own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import FrozenClock, MarketClock, Stopwatch

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
seconds = st.floats(0, 1e5).map(lambda s: timedelta(seconds=s))


def test_market_time_passes_at_its_rate() -> None:
    wall = FrozenClock(START)
    clock = MarketClock(wall, START, rate=60)
    wall.advance(timedelta(seconds=10))
    assert clock.now() == START + timedelta(minutes=10)


def test_an_anchor_ahead_jumps_and_one_behind_stands_still_until_passed() -> None:
    wall = FrozenClock(START)
    clock = MarketClock(wall, START)
    assert clock.anchor(START + timedelta(minutes=5)) == timedelta(minutes=5)
    assert clock.now() == START + timedelta(minutes=5)
    assert clock.anchor(START) == timedelta(minutes=-5)
    assert clock.now() == START + timedelta(minutes=5)
    wall.advance(timedelta(minutes=6))
    assert clock.now() == START + timedelta(minutes=6)


@given(st.lists(st.tuples(st.sampled_from(["pass", "anchor"]), seconds, st.floats(0.01, 1000))))
def test_no_sequence_of_anchors_moves_it_back(steps: list[tuple[str, timedelta, float]]) -> None:
    wall = FrozenClock(START)
    clock = MarketClock(wall, START)
    before = clock.now()
    for what, span, rate in steps:
        if what == "pass":
            wall.advance(span)
        else:
            clock.anchor(START + span, rate)
        assert clock.now() >= before
        before = clock.now()


def test_a_stopwatch_measures_the_wall_not_the_market() -> None:
    wall = FrozenClock(START)
    watch = Stopwatch(wall)
    wall.advance(timedelta(seconds=29.9))
    assert watch.elapsed() == timedelta(seconds=29.9)
    watch.reset()
    assert watch.elapsed() == timedelta(0)


def test_a_frozen_clock_does_not_go_back() -> None:
    clock = FrozenClock(START)
    with pytest.raises(ValueError, match="back"):
        clock.set(START - timedelta(seconds=1))
