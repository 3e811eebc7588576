"""The market's context, the straddle scan and the events, each against a sum by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest

from common.contracts import Right
from common.errors import MarketDataMissing
from common.pricing.moves import SESSION_MINUTES, MoveHistory
from common.quotes import MarketView
from services.analysis.context import market_context, vwap
from services.analysis.events import FOMC_DAYS, events_on
from services.analysis.realised import blend, forecasts, realised_vol
from services.analysis.scenarios import one_sigma
from services.analysis.straddle import scan_straddle
from tests.builders import (
    DAILY_SIGMA,
    at,
    contract,
    make_bars,
    make_chain,
    make_quote,
    make_view,
    requoted,
)
from tests.services.analysis.books import history

STALE = timedelta(seconds=5)
CALL, PUT = contract(670, Right.CALL), contract(670, Right.PUT)
CLOSES = [670 + 0.4 * np.sin(m / 3) + 0.05 * (m % 4) for m in range(35)]
VIEW = make_view(bars=make_bars(CLOSES))


def steady(scale: float, days: int = 120) -> MoveHistory:
    """Return days on which every minute moves by the same share, up and down in turn."""
    step = scale * DAILY_SIGMA / sqrt(SESSION_MINUTES)
    signs = np.where(np.arange(SESSION_MINUTES) % 2 == 0, step, -step)
    path = np.concatenate([[0.0], np.cumsum(signs)])
    start = date(2026, 6, 1)
    return MoveHistory(
        days=tuple(start + timedelta(days=d) for d in range(days)),
        prices=np.tile(670.0 * np.exp(path), (days, 1)),
    )


def tight(view: MarketView) -> MarketView:
    """Return the view with a straddle that a cent separates."""
    chain = view.chain
    changes = {}
    for which in (CALL, PUT):
        quote = chain.row(which).quote
        assert quote is not None
        mid = quote.mid.quantize(Decimal("0.01"))
        changes[which] = {"quote": make_quote(str(mid), str(mid + Decimal("0.01")))}
    return replace(view, chain=requoted(chain, changes))


def test_realised_vol_is_the_mean_of_the_five_ways_to_take_five_minutes() -> None:
    bars = make_bars(CLOSES)
    closes = [float(bar.close) for bar in bars]
    sums = []
    for start in range(5):
        taken = closes[start::5]
        total = sum(log(b / a) ** 2 for a, b in pairwise(taken))
        sums.append(total * 34 / ((len(taken) - 1) * 5))
    assert realised_vol(bars) == pytest.approx(sqrt(sum(sums) / 5))
    assert np.isnan(realised_vol(bars[:10]))


def test_the_context_by_hand() -> None:
    found = market_context(VIEW, {CALL.symbol: 500, PUT.symbol: 200})
    volume = sum(bar.volume for bar in VIEW.bars)
    mean = sum((bar.vwap * bar.volume for bar in VIEW.bars), Decimal(0)) / volume
    assert found.vwap == mean.quantize(Decimal("0.01"))
    assert [one.minutes for one in found.ranges] == [5, 15, 30]
    assert found.implied_vol == pytest.approx(DAILY_SIGMA * sqrt(252), rel=0.01)
    assert found.open_interest is not None
    row = VIEW.chain.row(CALL)
    assert row.greeks is not None
    per_contract = row.greeks.gamma * 100 * 670.0**2 / 100
    assert found.open_interest.gamma_per_percent == pytest.approx(300 * per_contract)
    assert found.open_interest.max_pain == 670
    assert found.open_interest.contracts == (2, len(VIEW.chain.rows))
    assert market_context(VIEW, {}).open_interest is None
    assert vwap(()) is None


def test_max_pain_is_where_holders_receive_least() -> None:
    interest = {
        contract(665, Right.CALL).symbol: 100,
        contract(668, Right.CALL).symbol: 50,
        contract(675, Right.PUT).symbol: 80,
        contract(672, Right.PUT).symbol: 60,
    }
    found = market_context(VIEW, interest).open_interest
    assert found is not None
    paid = {
        end: 100 * max(end - 665, 0)
        + 50 * max(end - 668, 0)
        + 80 * max(675 - end, 0)
        + 60 * max(672 - end, 0)
        for end in (665, 668, 672, 675)
    }
    assert int(found.max_pain) == min(paid, key=lambda end: paid[end])


def test_forecasts_come_of_the_same_window_of_past_days() -> None:
    view = replace(VIEW, moves=steady(1.0))
    found = {one.source: one.total_vol for one in forecasts(view)}
    rest = DAILY_SIGMA * sqrt(355 / 390)
    assert found["median of 20 days"] == pytest.approx(rest)
    assert found["median of 60 days"] == pytest.approx(rest)
    so_far = realised_vol(view.bars)
    assert found["today carried on"] == pytest.approx(so_far * sqrt(355 / 35))
    squares = [vol**2 for vol in found.values()]
    assert blend(forecasts(view)) == pytest.approx(sqrt(sum(squares) / 3))
    assert forecasts(VIEW) == ()
    few = replace(VIEW, moves=steady(1.0, days=10))
    assert forecasts(few) == ()


@pytest.mark.parametrize(("scale", "verdict"), [(0.5, "dear"), (1.0, "no edge"), (2.0, "cheap")])
def test_a_straddle_is_dear_or_cheap_only_beyond_costs(scale: float, verdict: str) -> None:
    view = replace(tight(VIEW), bars=(), moves=steady(scale))
    found = scan_straddle(view, {}, STALE)
    assert found.verdict == verdict
    assert found.score == pytest.approx(
        one_sigma(view.chain) / (scale * DAILY_SIGMA * sqrt(355 / 390)) - 1
    )
    assert found.edge is not None
    assert found.score is not None
    assert (found.edge > 0) is (found.score > 0)


def test_costs_swallow_an_edge() -> None:
    changes = {which: {"quote": make_quote("1.80", "2.20")} for which in (CALL, PUT)}
    wide = replace(VIEW, chain=requoted(VIEW.chain, changes), moves=steady(0.7))
    found = scan_straddle(wide, {}, STALE)
    assert found.verdict == "no edge"
    assert "wide" in found.why
    calm = replace(tight(VIEW), bars=(), moves=steady(0.95))
    assert scan_straddle(calm, {}, STALE).verdict == "no edge"


def test_thin_or_old_straddles_fail_their_filter() -> None:
    view = tight(replace(VIEW, moves=steady(0.5)))
    found = scan_straddle(view, {CALL.symbol: 12}, STALE)
    assert (found.verdict, found.failed) == ("no edge", (f"{CALL.symbol} had 12 contracts open",))
    old = requoted(view.chain, {PUT: {"age": timedelta(seconds=9)}})
    told = scan_straddle(replace(view, chain=old), {}, STALE).failed
    assert told == (f"the quote of {PUT.symbol} is old",)
    torn = requoted(view.chain, {PUT: {"quote": None}})
    with pytest.raises(MarketDataMissing, match="not quoted on both sides"):
        scan_straddle(replace(view, chain=torn), {}, STALE)


def test_bands_are_labelled_by_their_probability_on_the_smile() -> None:
    found = scan_straddle(tight(VIEW), {}, STALE)
    for band, normal in zip(found.bands, (0.502, 0.575, 0.683), strict=True):
        assert band.probability == pytest.approx(normal, abs=0.02)
    low, high = found.breakevens
    half = float(found.ask + (found.ask - found.bid) / 2 + found.fees / 100)
    assert (low, high) == pytest.approx((670 - half, 670 + half))
    assert found.beyond < found.touch <= 1


def test_events_are_those_published_and_unknown_beyond() -> None:
    meeting = events_on(date(2026, 12, 9))
    assert meeting.announcements == (("FOMC statement", at(14, 0, day=date(2026, 12, 9))),)
    assert meeting.unknown == ("consumer prices", "payrolls")
    assert events_on(date(2026, 12, 8)).announcements == ()
    beyond = events_on(date(2028, 1, 26))
    assert beyond.announcements == ()
    assert "FOMC" in beyond.unknown
    for year, days in FOMC_DAYS.items():
        assert len(days) == 8
        assert all(date.fromisoformat(f"{year}-{day}").weekday() == 2 for day in days)


def test_a_wild_history_is_no_reason_to_guess() -> None:
    view = make_view(chain=make_chain())
    found = scan_straddle(tight(replace(view, moves=history(days=15))), {}, STALE)
    assert found.verdict == "no edge"
    assert found.score is None


def test_beyond_the_smile_a_chance_is_not_known() -> None:
    view = tight(make_view(chain=make_chain(reach=3)))
    found = scan_straddle(view, {}, STALE)
    assert np.isnan(found.beyond)
    assert np.isnan(found.touch)
