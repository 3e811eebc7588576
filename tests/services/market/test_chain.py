from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest

from common.contracts import Right
from common.errors import MarketDataMissing, NoSuchContract, StaleQuote
from common.pricing import black76
from common.session import Session
from services.market.chain_plan import ChainPlan
from services.market.quote_stream import StreamTimes
from services.market.stream_stats import StreamState
from tests.services.market.feed import feed, quote, until
from tests.services.market.market import (
    DAY,
    NEXT,
    NOON,
    SESSION,
    SPOT,
    TOTAL_VOL,
    contracts,
    desk,
    early,
)

AGE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)


async def test_a_polled_chain_has_greeks_of_the_parity_forward() -> None:
    d = desk()
    await d.refresh()
    chain = d.chain.snapshot()

    assert (chain.expiry, chain.spot, chain.feed) == (DAY, SPOT, "indicative")
    assert chain.forward_source == "parity"
    assert chain.forward == pytest.approx(float(SPOT), abs=0.01)
    assert chain.minutes == 240
    assert len(chain.rows) == len(contracts())
    for right in Right:
        near = [row for row in chain.side(right) if abs(row.contract.strike - SPOT) < 6]
        modelled = black76.delta(
            float(SPOT),
            [float(row.contract.strike) for row in near],
            TOTAL_VOL,
            right is Right.CALL,
        )
        ours = [row.greeks.delta if row.greeks else None for row in near]
        assert ours == pytest.approx(list(modelled), abs=0.01)
    pick = chain.by_delta(Right.CALL, 0.30)
    assert pick.achieved == pytest.approx(0.30, abs=0.05)
    greeks = pick.row.greeks
    assert greeks is not None
    assert greeks.delta_low <= greeks.delta <= greeks.delta_high
    assert greeks.theta < 0 < greeks.gamma
    put = chain.at_strike(Right.PUT, pick.row.contract.strike).greeks
    assert put is not None
    assert put.delta == pytest.approx(greeks.delta - 1)
    assert d.chain.status().source == "poll"


async def test_before_anything_is_known_there_is_no_chain() -> None:
    d = desk()
    with pytest.raises(MarketDataMissing):
        d.chain.snapshot()
    await d.chain.refresh()
    with pytest.raises(MarketDataMissing, match="price of SPY"):
        d.chain.snapshot()


async def test_contracts_without_a_quote_have_a_reason_and_no_age() -> None:
    d = desk()
    await d.spot.fresh(AGE)
    await d.chain.refresh()
    row = d.chain.snapshot().rows[0]
    assert (row.quote, row.age, row.flag, row.greeks) == (None, None, "no_quote", None)


async def test_a_snapshot_ages_even_when_nothing_changes() -> None:
    d = desk()
    await d.refresh()
    row = d.chain.snapshot().rows[100]
    assert row.age == timedelta(0)
    d.at.advance(6 * SECOND)
    row = d.chain.snapshot().rows[100]
    assert row.age == 6 * SECOND
    with pytest.raises(StaleQuote):
        row.fresh(AGE)


async def test_a_snapshot_is_built_once_while_nothing_changes() -> None:
    d = desk(plan=ChainPlan(update_interval=SECOND))
    await d.refresh()
    assert d.chain.snapshot() is d.chain.snapshot()
    d.at.advance(SECOND)
    assert d.chain.snapshot() is d.chain.snapshot()


async def test_an_unknown_spot_gives_no_greeks_rather_than_old_ones() -> None:
    d = desk()
    await d.refresh()
    d.at.advance(timedelta(seconds=31))
    await d.chain.poll()
    job = asyncio.create_task(d.chain.keep_fitted())
    await until(lambda: d.chain.snapshot().forward_source == "unknown")
    job.cancel()
    assert all(row.greeks is None for row in d.chain.snapshot().rows)


async def test_the_update_interval_is_how_often_the_chain_is_priced() -> None:
    slow, quick = (desk(plan=ChainPlan(update_interval=timedelta(seconds=s))) for s in (3600, 0.01))
    for d in (slow, quick):
        await d.refresh()
        d.chain.snapshot()
        d.broker.spot += 1
        d.at.advance(SECOND)
        await d.refresh()
    jobs = [asyncio.create_task(d.chain.keep_fitted()) for d in (slow, quick)]
    await until(lambda: quick.chain.snapshot().spot == SPOT + 1)
    assert slow.chain.snapshot().spot == SPOT
    for job in jobs:
        job.cancel()


async def test_what_may_not_be_traded_is_left_out() -> None:
    d = desk()
    call = contracts()[0]
    d.broker.untradable = frozenset({call.symbol})
    await d.refresh()
    with pytest.raises(NoSuchContract):
        d.chain.snapshot().row(call)


@pytest.mark.parametrize(
    ("session", "expire", "ends"),
    [
        (SESSION, time(16, 15), SESSION.close + timedelta(minutes=15)),
        (SESSION, time(16, 0), SESSION.close),
        (SESSION, time(15, 45), SESSION.close - timedelta(minutes=15)),
        (early(), time(16, 15), early().close + timedelta(minutes=15)),
    ],
)
async def test_contracts_end_at_the_set_time_and_early_closes_move_it(
    session: Session, expire: time, ends: datetime
) -> None:
    d = desk(plan=ChainPlan(auto_expire_time=expire))
    d.broker.days = (session,)
    await d.refresh()
    d.at.set(ends - SECOND)
    assert d.chain.snapshot().expiry == DAY
    assert d.chain.leg(contracts()[0], age_max=timedelta(days=1)).ask > 0

    d.at.set(ends)
    with pytest.raises(MarketDataMissing):
        d.chain.snapshot()
    with pytest.raises(MarketDataMissing):
        d.chain.leg(contracts()[0], age_max=timedelta(days=1))
    await d.chain.refresh()
    assert d.cache.day is None


async def test_yesterday_is_never_served_and_the_next_day_is_found() -> None:
    d = desk()
    await d.refresh()
    d.chain.snapshot()
    d.at.set(NOON + timedelta(days=3))
    with pytest.raises(MarketDataMissing):
        d.chain.snapshot()

    await d.refresh()
    assert d.chain.snapshot().expiry == NEXT
    assert f"contracts {NEXT}" in d.broker.asked


async def test_a_weekend_has_no_chain_and_asks_for_none() -> None:
    d = desk(now=NOON + timedelta(days=1))
    await d.refresh()
    with pytest.raises(MarketDataMissing, match="opens 2026-11-23 09:30"):
        d.chain.snapshot()
    assert not any(asked.startswith("contracts") for asked in d.broker.asked)


async def test_the_cleanup_interval_is_how_soon_the_next_day_is_found() -> None:
    slow, quick = (
        desk(plan=ChainPlan(cleanup_interval=timedelta(seconds=s), update_interval=SECOND / 100))
        for s in (3600, 0.01)
    )
    jobs = [asyncio.create_task(d.chain.keep_listed()) for d in (slow, quick)]
    await until(lambda: slow.cache.day == DAY and quick.cache.day == DAY)
    for d in (slow, quick):
        d.at.set(NOON + timedelta(days=3))
    await until(lambda: quick.cache.day == NEXT)
    assert slow.cache.day == DAY
    for job in jobs:
        job.cancel()


async def test_new_strikes_are_taken_in_without_losing_a_quote() -> None:
    d = desk()
    await d.refresh()
    d.broker.high += 5
    await d.chain.refresh()
    assert len(d.cache.contracts) == len(contracts())
    d.at.advance(timedelta(minutes=11))
    await d.chain.refresh()
    assert len(d.cache.contracts) == len(contracts()) + 10
    assert d.cache.columns().quote(0) is not None


def test_polls_keep_to_the_request_budget() -> None:
    assert ChainPlan(requests_per_minute=20).period(SECOND) == 10 * SECOND
    assert ChainPlan(requests_per_minute=200).period(SECOND) == SECOND
    assert ChainPlan(requests_per_minute=10_000).period(SECOND) == SECOND


async def test_streaming_subscribes_near_the_money_within_the_limit_and_follows_spot() -> None:
    async with feed() as served:
        d = desk(plan=ChainPlan(stream_symbols_max=40), url=served.url)
        await d.refresh()
        job = asyncio.create_task(d.stream.run())
        d.chain.start_streaming()
        d.chain.start_streaming()
        await served.until(lambda: len(served.subscribed) == 40)
        strikes = {c.strike for c in contracts() if c.symbol in served.subscribed}
        assert (min(strikes), max(strikes)) == (Decimal(661), Decimal(680))
        assert served.connects == 1

        near = contracts()[2 * 50]
        at = d.at.now() + SECOND
        await served.send(quote(near.symbol, 7.0, 7.1, at=at))
        await until(lambda: d.chain.leg(near, age_max=AGE).bid == 7)
        assert d.chain.status().source == "stream"

        d.broker.spot += 10
        d.at.advance(SECOND)
        await d.spot.fresh(timedelta(0))
        d.chain.start_streaming()
        top = next(c for c in contracts() if c.strike == 690)
        await served.until(lambda: top.symbol in served.subscribed)
        assert len(served.subscribed) == 40

        d.at.set(SESSION.close + timedelta(minutes=15))
        await d.chain.refresh()
        await served.until(
            lambda: any(
                action["action"] == "unsubscribe" and len(action["quotes"]) == 40
                for action in served.actions
            )
        )

        await d.chain.stop_streaming()
        await served.until(lambda: served.open == 0)
        assert d.stream.state is StreamState.OFF
        assert d.chain.status().source == "poll"
        job.cancel()


async def test_a_limit_the_feed_turns_out_to_have_is_kept() -> None:
    async with feed() as served:
        served.limit = 30
        d = desk(url=served.url, times=StreamTimes(look=timedelta(milliseconds=10)))
        await d.refresh()
        job = asyncio.create_task(d.stream.run())
        fits = asyncio.create_task(d.chain.keep_fitted())
        d.chain.start_streaming()
        await served.until(lambda: 0 < len(served.subscribed) <= 30)
        fits.cancel()
        job.cancel()
