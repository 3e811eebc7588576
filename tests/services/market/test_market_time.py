from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from common.clock import FrozenClock, MarketClock
from common.contracts import Right
from common.errors import MarketClosed, MarketDataMissing, RangeIncomplete, StaleQuote
from services.broker.reader import BrokerClock, BrokerReader
from services.market.calendar import ClockAnchor, ToldTime
from services.market.subscription import SubscriptionWindow
from tests.services.market.feed import until
from tests.services.market.market import DAY, NEXT, NOON, SESSION, SPOT, contracts, desk, early

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Exchange:
    """A broker's clock that runs at its own speed and may jump."""

    def __init__(self, wall: FrozenClock, rate: float, late: timedelta = timedelta(0)) -> None:
        self._wall = wall
        self._rate = rate
        self.before = self.after = late / 2
        self.jumped = timedelta(0)

    def now(self) -> BrokerClock:
        elapsed = timedelta(microseconds=self._wall.ns() / 1000)
        at = NOON + elapsed * self._rate + self.jumped
        return BrokerClock(timestamp=at, is_open=True, next_open=at, next_close=at)

    async def clock(self) -> BrokerClock:
        self._wall.advance(self.before)
        told = self.now()
        self._wall.advance(self.after)
        return told


@pytest.mark.parametrize("rate", [0.0, 1.0, 60.0])
async def test_the_clock_learns_the_exchanges_time_and_speed(rate: float) -> None:
    wall = FrozenClock(NOON)
    exchange = Exchange(wall, rate, late=timedelta(milliseconds=80))
    clock = MarketClock(wall, NOON - timedelta(hours=3))
    anchor = ClockAnchor(cast(BrokerReader, exchange), clock, wall)
    for _ in range(3):
        await anchor.anchor()
        wall.advance(SECOND)
    assert clock.rate == pytest.approx(rate)
    wall.advance(10 * SECOND)
    assert abs(clock.now() - exchange.now().timestamp) < timedelta(milliseconds=50)


def test_there_is_no_time_before_the_broker_told_it() -> None:
    clock = MarketClock(FrozenClock(NOON), NOON)
    told = ToldTime(clock)
    with pytest.raises(MarketDataMissing, match="has not told the time"):
        told.now()
    clock.anchor(NOON)
    assert told.now() == NOON


async def test_a_slow_answer_does_not_make_a_true_clock_fast() -> None:
    wall = FrozenClock(NOON)
    exchange = Exchange(wall, 1.0)
    clock = MarketClock(wall, NOON)
    anchor = ClockAnchor(cast(BrokerReader, exchange), clock, wall)
    for before, after in ((0, 400), (400, 0), (0, 400), (400, 0), (0, 400)):  # lopsided, in ms
        exchange.before, exchange.after = (timedelta(milliseconds=ms) for ms in (before, after))
        await anchor.anchor()
        assert clock.rate == 1
        wall.advance(SECOND)
    assert abs(clock.now() - exchange.now().timestamp) <= timedelta(milliseconds=200)


async def test_a_jump_moves_the_clock_and_is_not_taken_for_speed() -> None:
    wall = FrozenClock(NOON)
    exchange = Exchange(wall, 1.0)
    clock = MarketClock(wall, NOON)
    anchor = ClockAnchor(cast(BrokerReader, exchange), clock, wall)
    for _ in range(3):
        await anchor.anchor()
        wall.advance(SECOND)
    exchange.jumped = timedelta(days=2)
    for _ in range(3):
        await anchor.anchor()
        assert clock.rate == 1
        assert abs(clock.now() - exchange.now().timestamp) < timedelta(milliseconds=1)
        wall.advance(SECOND)


async def test_a_clock_stepped_in_an_even_beat_is_not_taken_for_a_fast_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wall = FrozenClock(NOON)
    exchange = Exchange(wall, 0.0)
    clock = MarketClock(wall, NOON)
    anchor = ClockAnchor(cast(BrokerReader, exchange), clock, wall)
    rates: list[float] = []
    stepped = timedelta(0)

    async def pass_time(seconds: float) -> None:
        """Let wall time pass; every second and a half somebody steps the clock 20 minutes."""
        nonlocal stepped
        rates.append(clock.rate)
        wall.advance(timedelta(seconds=seconds))
        while timedelta(microseconds=wall.ns() / 1000) - stepped > 1.5 * SECOND:
            stepped += 1.5 * SECOND
            exchange.jumped += 20 * MINUTE
        if len(rates) == 40:
            raise TimeoutError

    monkeypatch.setattr(asyncio, "sleep", pass_time)
    with pytest.raises(TimeoutError):
        await anchor.run()
    assert max(rates) <= 1  # what it was born with


async def test_the_calendar_gives_today_all_day_and_is_read_once_a_day() -> None:
    d = desk()
    assert (await d.calendar.session()).day == DAY
    assert (await d.calendar.next_session()).day == NEXT
    assert d.calendar.options_trade("SPY")
    d.at.set(SESSION.close + 10 * MINUTE)
    assert d.calendar.options_trade("SPY")
    assert not d.calendar.options_trade("AAPL")
    d.at.set(SESSION.close + 15 * MINUTE)
    assert not d.calendar.options_trade("SPY")
    assert (await d.calendar.session()).day == DAY
    assert d.broker.asked == ["sessions"]

    d.at.set(NOON + timedelta(days=1))  # a Saturday
    assert (await d.calendar.session()).day == NEXT
    assert d.broker.asked == ["sessions", "sessions"]


async def test_an_empty_calendar_is_no_session() -> None:
    d = desk()
    d.broker.days = ()
    with pytest.raises(MarketDataMissing):
        await d.calendar.session()


async def test_a_view_has_the_morning_behind_it_and_asks_only_for_what_is_new() -> None:
    d = desk(now=SESSION.open + 35 * MINUTE + 20 * SECOND)
    await d.refresh()
    view = await d.watch.view()
    assert (view.session, view.chain.expiry, view.spot.mid) == (SESSION, DAY, SPOT)
    assert len(view.bars) == 35  # the minute that runs is none yet
    opening = view.opening_range(15)
    assert (opening.high, opening.low) == (SPOT + 14, SPOT - 14)

    await d.watch.view()
    d.at.advance(MINUTE)
    await d.refresh()
    assert len((await d.watch.view()).bars) == 36
    assert [asked for asked in d.broker.asked if asked.startswith("bars")] == ["bars 0", "bars 34"]


async def test_a_missing_minute_is_missing() -> None:
    d = desk()
    d.broker.skip_bars = frozenset({SESSION.open + 3 * MINUTE})
    await d.refresh()
    view = await d.watch.view()
    with pytest.raises(RangeIncomplete, match="1 of the 15"):
        view.opening_range(15)


async def test_a_new_session_starts_without_yesterdays_bars() -> None:
    d = desk()
    await d.refresh()
    assert len((await d.watch.view()).bars) == 150
    d.at.set(SESSION.open + timedelta(days=3) + 30 * SECOND)
    await d.refresh()
    assert (await d.watch.view()).bars == ()


async def test_outside_the_hours_there_is_no_view() -> None:
    d = desk(now=SESSION.open - MINUTE)
    with pytest.raises(MarketClosed, match="opens 2026-11-20 09:30"):
        await d.watch.view()
    d.at.set(SESSION.close + 15 * MINUTE)
    with pytest.raises(MarketClosed, match="closed 2026-11-20 16:15"):
        await d.watch.view()
    d = desk(now=early().close + 15 * MINUTE)
    d.broker.days = (early(),)
    with pytest.raises(MarketClosed):
        await d.watch.view()


async def test_spot_is_asked_for_when_the_held_one_is_old() -> None:
    d = desk()
    await d.watch.spot()
    d.at.advance(4 * SECOND)
    await d.watch.spot()
    assert d.broker.asked.count("stock_quote") == 1
    d.at.advance(2 * SECOND)
    await d.watch.spot()
    assert d.broker.asked.count("stock_quote") == 2


async def test_a_quote_the_exchange_stopped_changing_is_a_halt() -> None:
    d = desk()
    d.broker.halted = halted = await d.watch.spot()
    d.at.advance(30 * SECOND)
    assert await d.watch.spot() == halted
    d.at.advance(31 * SECOND)
    with pytest.raises(StaleQuote):
        await d.watch.spot()


async def test_spot_is_polled_for_ever() -> None:
    d = desk()
    job = asyncio.create_task(d.spot.run())
    await until(lambda: d.spot.latest is not None)
    assert d.spot.age == timedelta(0)
    job.cancel()


def test_the_window_stays_until_spot_has_left_its_middle() -> None:
    window = SubscriptionWindow()
    chain = contracts()
    first = window.pick(chain, SPOT, 40)
    assert len(first) == 40
    assert window.pick(chain, SPOT + 2, 40) == first
    moved = window.pick(chain, SPOT + 4, 40)
    assert len(moved - first) == 8
    assert window.pick(chain, SPOT + 2, 40) == moved


@pytest.mark.parametrize("spot", [1, 620, 720, 10_000])
def test_at_the_edges_the_window_is_still_full(spot: int) -> None:
    chain = contracts()
    picked = SubscriptionWindow().pick(chain, SPOT - SPOT + spot, 40)
    assert len(picked) == 40
    assert {Right.CALL, Right.PUT} == {c.right for c in chain if c.symbol in picked}


def test_a_chain_within_the_limit_is_streamed_whole() -> None:
    chain = contracts(low=660, high=680)
    assert SubscriptionWindow().pick(chain, SPOT, 42) == {c.symbol for c in chain}
