"""A chain of quotes to greeks with provenance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pricing import black76
from common.pricing.chain import ChainFit, ChainStatus, SideQuotes, VolSource, fit_chain
from common.pricing.hygiene import ForwardSource, QuoteFlag
from common.pricing.normal import Floats

SPOT = 600.0
STRIKES = np.arange(580.0, 621.0)
SMILE = 0.009 * np.sqrt(1 + 60 * np.abs(np.log(STRIKES / SPOT)))
MINUTES = 180.0


def quoted(is_call: bool, *, width: float = 0.01, forward: float = SPOT) -> SideQuotes:
    """Quote a side around its value to a tenth of a cent, never crossing zero."""
    value = black76.price(forward, STRIKES, SMILE, is_call)
    return SideQuotes(
        bid=np.maximum(value - width / 2, 0.0), ask=value + width / 2, age_seconds=0.5
    )


CALLS, PUTS = quoted(True), quoted(False)


def fit(
    calls: SideQuotes = CALLS,
    puts: SideQuotes = PUTS,
    *,
    spot: float = SPOT,
    minutes: float = MINUTES,
) -> ChainFit:
    return fit_chain(STRIKES, calls, puts, spot=spot, minutes=minutes)


def at(strike: float) -> int:
    return int(np.flatnonzero(strike == STRIKES)[0])


def spoilt(side: SideQuotes, strike: float, *, bid: float, ask: float) -> SideQuotes:
    bids, asks = np.array(side.bid), np.array(side.ask)
    bids[at(strike)], asks[at(strike)] = bid, ask
    return replace(side, bid=bids, ask=asks)


def aged(side: SideQuotes, strike: float, *, move: float) -> SideQuotes:
    ages: Floats = np.full(STRIKES.shape, 0.5)
    ages[at(strike)] = 60.0
    return replace(side, age_seconds=ages, spot_move=move)


def test_a_clean_chain_gives_back_what_made_it() -> None:
    got = fit()
    near = np.abs(STRIKES - SPOT) <= 10
    assert got.status is ChainStatus.OK
    assert got.forward.source is ForwardSource.PARITY
    assert got.forward.value == pytest.approx(SPOT, abs=1e-9)
    np.testing.assert_allclose(got.total_vol[near], SMILE[near], rtol=1e-9)
    assert (got.source[near] == VolSource.QUOTED).all()
    for side, is_call in ((got.calls, True), (got.puts, False)):
        delta = black76.delta(SPOT, STRIKES, SMILE, is_call)
        np.testing.assert_allclose(side.delta[near], delta[near], atol=1e-9)
        assert (side.delta_lo[near] <= side.delta[near]).all()
        assert (side.delta[near] <= side.delta_hi[near]).all()
    np.testing.assert_allclose(got.calls.delta - got.puts.delta, 1.0, atol=1e-12)


def test_bars_come_from_bid_and_ask_of_the_side_out_of_the_money() -> None:
    got = fit(quoted(True, width=0.02), quoted(False, width=0.02))
    i = at(603.0)
    value = float(black76.price(SPOT, 603.0, SMILE[i], True))
    assert got.calls.iv_bid[i] < got.calls.iv[i] < got.calls.iv_ask[i]
    assert got.calls.iv[i] == got.puts.iv[i]
    s_ask = got.calls.iv_ask[i] / got.calls.iv[i] * SMILE[i]
    assert float(black76.price(SPOT, 603.0, s_ask, True)) == pytest.approx(value + 0.01, abs=1e-9)
    assert got.calls.delta_hi[i] == pytest.approx(float(black76.delta(SPOT, 603.0, s_ask, True)))


@pytest.mark.parametrize(
    ("bid", "ask", "flag"),
    [
        (1.2, 1.1, QuoteFlag.CROSSED),
        (np.nan, np.nan, QuoteFlag.NO_QUOTE),
        (0.0, 2.0, QuoteFlag.NO_MARKET),
    ],
)
def test_an_unusable_quote_inside_is_interpolated_and_says_so(
    bid: float, ask: float, flag: QuoteFlag
) -> None:
    got = fit(spoilt(CALLS, 603.0, bid=bid, ask=ask))
    i = at(603.0)
    assert got.calls.flag[i] == flag
    assert np.isnan(got.calls.price[i])
    assert got.source[i] == VolSource.INTERPOLATED
    assert got.total_vol[i] == pytest.approx(0.5 * (SMILE[i - 1] + SMILE[i + 1]), rel=1e-9)
    assert got.calls.delta[i] > 0
    assert np.isnan([got.calls.delta_lo[i], got.calls.iv_bid[i]]).all()


def test_an_unusable_quote_at_the_edge_is_not_extrapolated() -> None:
    got = fit(spoilt(CALLS, 620.0, bid=np.nan, ask=np.nan))
    assert got.source[-1] == VolSource.NONE
    for side in (got.calls, got.puts):
        assert np.isnan([side.iv[-1], side.delta[-1], side.gamma[-1], side.vega[-1]]).all()
    assert got.source[-2] == VolSource.QUOTED


def test_an_itm_quote_below_intrinsic_changes_no_number() -> None:
    got, plain = fit(spoilt(CALLS, 590.0, bid=9.8, ask=9.82)), fit()
    assert got.calls.flag[at(590.0)] == QuoteFlag.PARITY
    np.testing.assert_array_equal(got.calls.delta, plain.calls.delta)


def test_a_stale_quote_is_replaced_but_a_far_old_one_is_kept() -> None:
    near = fit(aged(CALLS, 602.0, move=0.1))
    assert near.calls.flag[at(602.0)] == QuoteFlag.STALE
    assert near.source[at(602.0)] == VolSource.INTERPOLATED
    far = fit(aged(CALLS, 620.0, move=0.1))
    assert far.calls.flag[at(620.0)] != QuoteFlag.STALE
    assert far.source[at(620.0)] != VolSource.NONE


def test_an_old_far_put_is_judged_by_its_own_delta() -> None:
    got = fit(puts=aged(PUTS, 580.0, move=0.1))
    assert got.puts.flag[0] != QuoteFlag.STALE
    assert fit(puts=aged(PUTS, 598.0, move=0.1)).puts.flag[at(598.0)] == QuoteFlag.STALE


@pytest.mark.parametrize("old", ["calls", "puts"])
def test_one_side_left_behind_by_spot_does_not_move_the_forward(old: str) -> None:
    behind = {"calls": CALLS, "puts": PUTS}
    behind[old] = replace(behind[old], age_seconds=60.0, spot_move=0.3)
    got = fit(behind["calls"], behind["puts"], spot=SPOT + 0.3)
    assert got.forward.source is ForwardSource.SPOT_FEW_PAIRS
    assert got.forward.value == SPOT + 0.3


def test_all_quotes_of_unknown_age_say_nothing() -> None:
    nobody = replace(CALLS, age_seconds=np.nan), replace(PUTS, age_seconds=np.nan)
    got = fit(*nobody)
    assert got.status is ChainStatus.NO_QUOTES
    assert got.forward.source is ForwardSource.SPOT_FEW_PAIRS
    assert np.isnan(got.calls.delta).all()


def test_a_half_cent_wing_ranks_by_delta_with_a_bar_down_to_zero() -> None:
    got = fit(spoilt(CALLS, 620.0, bid=0.0, ask=0.01))
    assert got.calls.flag[-1] == QuoteFlag.ZERO_BID
    assert got.source[-1] == VolSource.ZERO_BID
    assert 0.0 == got.calls.delta_lo[-1] < got.calls.delta[-1] < got.calls.delta_hi[-1]
    assert np.isnan(got.calls.iv_bid[-1])
    assert got.puts.delta_lo[-1] == -1.0


@pytest.mark.parametrize("minutes", [0.0, -15.0, np.nan])
def test_after_the_close_everything_is_nan_with_the_reason(minutes: float) -> None:
    got = fit(minutes=minutes)
    assert got.status is ChainStatus.EXPIRED
    assert (got.source == VolSource.NONE).all()
    for side in (got.calls, got.puts):
        assert np.isnan([side.iv, side.delta, side.gamma, side.theta, side.vega]).all()


def test_the_last_minute_uses_a_minute() -> None:
    late, minute = fit(minutes=0.1), fit(minutes=1.0)
    np.testing.assert_array_equal(late.calls.iv, minute.calls.iv)
    np.testing.assert_array_equal(late.calls.theta, minute.calls.theta)
    assert (late.calls.theta[~np.isnan(late.calls.theta)] <= 0).all()


def test_without_spot_everything_is_nan_with_the_reason() -> None:
    got = fit(spot=np.nan)
    assert got.status is ChainStatus.NO_SPOT
    assert np.isnan(got.puts.delta).all()


def test_no_strikes_is_no_error() -> None:
    none = SideQuotes(bid=[], ask=[], age_seconds=[])
    got = fit_chain([], none, none, spot=SPOT, minutes=MINUTES)
    assert got.status is ChainStatus.NO_QUOTES
    assert got.calls.delta.shape == (0,)


@pytest.mark.parametrize("strikes", [[600.0, 600.0], [601.0, 600.0], [0.0, 1.0], [np.nan, 1.0]])
def test_strikes_that_do_not_ascend_are_a_bug(strikes: list[float]) -> None:
    side = SideQuotes(bid=1.0, ask=1.1, age_seconds=0.0)
    with pytest.raises(ValueError, match="strikes"):
        fit_chain(strikes, side, side, spot=SPOT, minutes=MINUTES)


def test_quotes_that_do_not_match_the_strikes_are_a_bug() -> None:
    side = SideQuotes(bid=[1.0], ask=1.1, age_seconds=0.0)
    with pytest.raises(ValueError, match="2 quotes"):
        fit_chain([600.0, 601.0], side, side, spot=SPOT, minutes=MINUTES)


def test_greeks_follow_the_forward_not_a_spot_that_lags() -> None:
    got = fit(quoted(True, forward=600.5), quoted(False, forward=600.5), spot=600.0)
    assert got.forward.value == pytest.approx(600.5, abs=1e-9)
    i = at(600.0)
    assert got.calls.delta[i] == pytest.approx(
        float(black76.delta(600.5, 600.0, SMILE[i], True)), abs=1e-9
    )


cents = st.one_of(
    st.integers(-5, 4000).map(lambda c: c / 100), st.sampled_from([np.nan, 0.0, 0.01, np.inf])
)
ages = st.sampled_from([0.0, 9.0, 60.0, np.nan])


@given(
    st.lists(st.tuples(cents, cents, cents, cents, ages), min_size=1, max_size=12),
    st.sampled_from([605.0, 600.0, 599.7, np.nan]),
    st.sampled_from([390.0, 5.0, 0.3, 0.0]),
)
def test_any_quotes_give_numbers_within_bounds_or_nan_with_a_reason(
    rows: list[tuple[float, float, float, float, float]], spot: float, minutes: float
) -> None:
    call_bid, call_ask, put_bid, put_ask, age = np.array(rows).T
    strikes = 600.0 + np.arange(len(rows))
    got = fit_chain(
        strikes,
        SideQuotes(bid=call_bid, ask=call_ask, age_seconds=age, spot_move=0.02),
        SideQuotes(bid=put_bid, ask=put_ask, age_seconds=age),
        spot=spot,
        minutes=minutes,
    )
    unknown = got.source == VolSource.NONE
    for side, low in ((got.calls, 0.0), (got.puts, -1.0)):
        usable = side.flag <= QuoteFlag.ZERO_BID
        np.testing.assert_array_equal(usable, ~np.isnan(side.price))
        for column in (side.iv, side.delta, side.gamma, side.theta, side.vega):
            np.testing.assert_array_equal(np.isnan(column), unknown)
        known = side.delta[~unknown]
        assert ((known >= low) & (known <= low + 1.0)).all()
        barred = ~np.isnan(side.delta_lo)
        assert (side.delta_lo[barred] <= side.delta[barred]).all()
        assert (side.delta[barred] <= side.delta_hi[barred]).all()
        assert (side.iv[~unknown] > 0).all()
    assert (got.status is ChainStatus.OK) == (not unknown.all())
