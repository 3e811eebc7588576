from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest

from common.clock import FrozenClock, MonotonicClock
from common.session import new_york
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.clock import ClockState, DemoClock, RealClock, SteppedClock

DAY = date(2026, 11, 25)
NEXT = date(2026, 11, 27)  # Thanksgiving between them; an early close
SUNDAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class Memory:
    """A clock store that forgets when the test ends."""

    def __init__(self) -> None:
        self.state: ClockState | None = None

    def load(self) -> ClockState | None:
        return self.state

    def save(self, state: ClockState) -> None:
        self.state = state


def demo(
    calendar: Calendar, machine: FrozenClock, store: Memory | None = None, rate: float | None = None
) -> DemoClock:
    return DemoClock(
        calendar,
        store or Memory(),
        system=machine,
        wall=machine,
        day=DAY,
        at=time(10, 5),
        rate=rate,
    )


def test_a_demo_starts_in_session_whatever_the_machine_says(calendar: Calendar) -> None:
    clock = demo(calendar, FrozenClock(SUNDAY))
    assert clock.now() == new_york(DAY, time(10, 5))
    assert clock.session.day == DAY


def test_a_demo_starts_at_the_open_of_the_next_trading_day_unless_told(calendar: Calendar) -> None:
    machine = FrozenClock(SUNDAY)
    clock = DemoClock(calendar, Memory(), system=machine, wall=machine, day=date(2026, 11, 26))
    assert clock.now() == new_york(NEXT, time(9, 30))


@pytest.mark.parametrize("at", [time(9, 29), time(16, 0)])
def test_a_demo_cannot_start_outside_the_session(calendar: Calendar, at: time) -> None:
    machine = FrozenClock(SUNDAY)
    with pytest.raises(ValueError, match="outside the session"):
        DemoClock(calendar, Memory(), system=machine, wall=machine, day=DAY, at=at)


def test_a_clock_that_does_not_run_forward_is_refused(calendar: Calendar) -> None:
    with pytest.raises(ValueError, match="runs forward"):
        demo(calendar, FrozenClock(SUNDAY), rate=-1.0)


def test_a_demo_runs_at_its_rate(calendar: Calendar) -> None:
    machine = FrozenClock(SUNDAY)
    clock = demo(calendar, machine, rate=60.0)
    machine.advance(timedelta(seconds=2))
    assert clock.now() == new_york(DAY, time(10, 7))
    assert clock.rate == 60.0


def test_a_demo_stands_at_the_late_close_until_it_is_rolled(calendar: Calendar) -> None:
    machine = FrozenClock(SUNDAY)
    clock = demo(calendar, machine)
    with pytest.raises(ValueError, match="not over"):
        clock.roll()
    machine.advance(timedelta(hours=9))
    assert clock.now() == clock.day_end == new_york(DAY, time(16, 30))
    assert clock.session.day == DAY
    assert clock.roll().day == NEXT
    assert clock.now() == new_york(NEXT, time(9, 30))
    assert clock.day_end == new_york(NEXT, time(13, 30))
    machine.advance(timedelta(minutes=1))
    assert clock.now() == new_york(NEXT, time(9, 31))


def test_a_restarted_demo_goes_on_with_its_day(calendar: Calendar) -> None:
    machine, store = FrozenClock(SUNDAY), Memory()
    clock = demo(calendar, machine, store, rate=10.0)
    machine.advance(timedelta(minutes=1))
    before = clock.now()
    machine.advance(timedelta(seconds=6))  # down, and up again
    again = demo(calendar, machine, store)
    assert again.now() == before + timedelta(minutes=1)
    assert again.rate == 10.0


def test_a_long_absence_ends_at_the_close_of_the_day_in_hand(calendar: Calendar) -> None:
    machine, store = FrozenClock(SUNDAY), Memory()
    demo(calendar, machine, store)
    machine.advance(timedelta(days=30))
    again = demo(calendar, machine, store)
    assert again.now() == new_york(DAY, time(16, 30))
    assert again.session.day == DAY


def test_a_machine_set_back_does_not_take_the_exchange_along(calendar: Calendar) -> None:
    store = Memory()
    demo(calendar, FrozenClock(SUNDAY), store)
    again = demo(calendar, FrozenClock(SUNDAY - timedelta(hours=5)), store)
    assert again.now() == new_york(DAY, time(10, 5))


async def test_a_roll_wakes_whoever_waits_for_the_next_day(calendar: Calendar) -> None:
    machine = FrozenClock(SUNDAY)
    clock = demo(calendar, machine)
    machine.advance(timedelta(hours=9))
    waiting = asyncio.create_task(clock.sleep_until(new_york(NEXT, time(9, 30))))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.roll()
    await asyncio.wait_for(waiting, 5)


async def test_a_sleep_on_a_fast_clock_is_short_on_the_wall(calendar: Calendar) -> None:
    clock = DemoClock(
        calendar,
        Memory(),
        system=FrozenClock(SUNDAY),
        wall=MonotonicClock(),
        day=DAY,
        rate=100_000.0,
    )
    until = clock.now() + timedelta(hours=1)
    await asyncio.wait_for(clock.sleep_until(until), 30)
    assert clock.now() >= until


def test_steps_move_a_stepped_clock_and_nothing_else_does(calendar: Calendar) -> None:
    machine, store = FrozenClock(SUNDAY), Memory()
    clock = SteppedClock(calendar, store, system=machine, day=DAY, at=time(10, 0))
    machine.advance(timedelta(hours=1))
    assert clock.now() == new_york(DAY, time(10, 0))
    assert clock.step_by(timedelta(minutes=5)) == new_york(DAY, time(10, 5))
    assert clock.rate == 0.0
    with pytest.raises(ValueError, match="go back"):
        clock.step_to(new_york(DAY, time(10, 4)))
    again = SteppedClock(calendar, store, system=machine, day=date(2026, 12, 1))
    assert again.now() == new_york(DAY, time(10, 5))


def test_a_step_stops_at_the_end_of_the_day(calendar: Calendar) -> None:
    clock = SteppedClock(calendar, Memory(), system=FrozenClock(SUNDAY), day=DAY)
    assert clock.step_to(new_york(NEXT, time(12, 0))) == new_york(DAY, time(16, 30))
    clock.roll()
    assert clock.step_to(new_york(NEXT, time(12, 0))) == new_york(NEXT, time(12, 0))


async def test_a_sleeper_on_a_stepped_clock_wakes_at_its_step(calendar: Calendar) -> None:
    clock = SteppedClock(calendar, Memory(), system=FrozenClock(SUNDAY), day=DAY)
    waiting = asyncio.create_task(clock.sleep_until(clock.now() + timedelta(minutes=2)))
    await asyncio.sleep(0)
    clock.step_by(timedelta(minutes=1))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.step_by(timedelta(minutes=1))
    await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (new_york(DAY, time(8, 0)), DAY),
        (new_york(DAY, time(16, 14)), DAY),
        (new_york(DAY, time(16, 30)), NEXT),
        (new_york(date(2026, 11, 26), time(12, 0)), NEXT),
    ],
)
def test_the_real_clock_holds_the_day_that_is_not_over(
    calendar: Calendar, at: datetime, day: date
) -> None:
    clock = RealClock(calendar, FrozenClock(at))
    assert clock.now() == at
    assert clock.session.day == day
    assert clock.day_end > at


def test_the_real_clock_turns_the_page_when_rolled(calendar: Calendar) -> None:
    machine = FrozenClock(new_york(DAY, time(12, 0)))
    clock = RealClock(calendar, machine)
    with pytest.raises(ValueError, match="not over"):
        clock.roll()
    machine.set(new_york(DAY, time(16, 35)))
    assert clock.session.day == DAY
    assert clock.roll().day == NEXT
