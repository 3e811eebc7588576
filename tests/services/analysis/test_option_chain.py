"""The chain's analysis against sums done by hand, with no pricing code of the product's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import erf, exp, log, pi, sqrt

import pytest

from common.contracts import Right
from common.quotes import ChainSnapshot
from services.analysis.context import market_context
from services.analysis.option_chain import analyse_chain
from tests.builders import contract, make_chain, make_quote, make_view, requoted, total_vol

CHAIN = make_chain()
CALLS = {strike: contract(strike, Right.CALL).symbol for strike in range(640, 701)}
PUTS = {strike: contract(strike, Right.PUT).symbol for strike in range(640, 701)}
YEAR = 98_280.0  # minutes of trading


def call_delta(strike: float) -> float:
    vol = total_vol(strike, 670.0, CHAIN.minutes)
    return 0.5 * (1 + erf((log(670.0 / strike) / vol + vol / 2) / sqrt(2)))


def gamma(spot: float, strike: float, vol: float) -> float:
    d1 = log(spot / strike) / vol + vol / 2
    return exp(-d1 * d1 / 2) / sqrt(2 * pi) / (spot * vol)


def strike_of(delta: float) -> float:
    """Bisect the builder's own smile for the strike of a call's delta."""
    low, high = 640.0, 700.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if call_delta(middle) > delta else (low, middle)
    return low


def test_the_smile_is_told_strike_by_strike_around_the_forward() -> None:
    found = analyse_chain(CHAIN, {CALLS[672]: 40}, around=3)
    assert [int(line.strike) for line in found.strikes] == list(range(667, 674))
    for line in found.strikes:
        strike = float(line.strike)
        annual = total_vol(strike, 670.0, CHAIN.minutes) * sqrt(YEAR / CHAIN.minutes)
        assert line.iv == pytest.approx(annual, rel=1e-9)
        assert line.call_delta == pytest.approx(call_delta(strike), abs=1e-9)
        assert line.call_mid is not None
        assert line.put_mid is not None
        assert float(line.call_mid - line.put_mid) == pytest.approx(670 - strike, abs=0.06)
    held = {int(line.strike): line.call_interest for line in found.strikes}
    assert held[672] == 40
    assert held[671] is None  # untold is not zero


def test_the_skew_is_read_at_25_delta_of_the_fitted_smile() -> None:
    skew = analyse_chain(CHAIN, {}).skew
    assert skew is not None
    factor = sqrt(YEAR / CHAIN.minutes)
    call, put = strike_of(0.25), strike_of(0.75)
    assert skew.call_strike == pytest.approx(call, abs=0.05)
    assert skew.put_strike == pytest.approx(put, abs=0.05)
    vols = [total_vol(at, 670.0, CHAIN.minutes) * factor for at in (call, 670.0, put)]
    assert skew.risk_reversal == pytest.approx(vols[0] - vols[2], abs=1e-4)
    assert skew.butterfly == pytest.approx((vols[0] + vols[2]) / 2 - vols[1], abs=1e-4)
    assert skew.risk_reversal < 0 < skew.butterfly


def test_the_expected_move_is_told_by_the_market_and_by_the_smile() -> None:
    expected = analyse_chain(CHAIN, {}).expected
    assert expected is not None
    call, put = (CHAIN.row(contract(670, right)).quote for right in Right)
    assert call is not None
    assert put is not None
    assert expected.straddle_strike == 670
    assert expected.straddle == call.mid + put.mid
    vol = total_vol(670.0, 670.0, CHAIN.minutes)
    assert expected.smile.straddle == pytest.approx(2 * 670.0 * erf(vol / 2 / sqrt(2)), rel=1e-9)
    assert expected.band is not None
    low, high = expected.band
    assert low < 670 < high
    # A normal close would lie within one sigma; the smile's own wings move both ends a little.
    assert (high - low) / 2 == pytest.approx(670 * vol, rel=0.05)


def test_a_straddle_without_both_quotes_is_unknown_and_the_smile_still_tells() -> None:
    one_sided = requoted(CHAIN, {contract(670, Right.PUT): {"quote": make_quote(0, "2.10")}})
    expected = analyse_chain(one_sided, {}).expected
    assert expected is not None
    assert expected.straddle is None
    assert expected.smile.straddle > 0


def test_open_interest_gamma_and_walls_are_sums_with_dealers_long_calls() -> None:
    interest = {CALLS[675]: 900, CALLS[672]: 100, PUTS[665]: 700, PUTS[668]: 50}
    found = analyse_chain(CHAIN, interest)
    assert (found.call_wall, found.put_wall) == (Decimal(675), Decimal(665))
    by_strike = {int(one.strike): one.gamma_per_percent for one in found.strikes}
    total = 0.0
    for strike, contracts, sign in ((675, 900, 1), (672, 100, 1), (665, 700, -1), (668, 50, -1)):
        vol = total_vol(strike, 670.0, CHAIN.minutes)
        part = sign * gamma(670.0, strike, vol) * contracts * 100 * 670.0**2 / 100
        assert by_strike[strike] == pytest.approx(part, rel=1e-9)
        total += part
    assert found.interest is not None
    assert found.interest.gamma_per_percent == pytest.approx(total, rel=1e-9)
    assert (found.interest.calls, found.interest.puts) == (1_000, 750)
    context = market_context(make_view(), interest).open_interest
    assert context is not None
    assert context.max_pain == found.interest.max_pain
    assert found.unpriced == 0


def test_the_gamma_flips_where_the_signed_sum_is_zero() -> None:
    interest = {CALLS[675]: 900, PUTS[665]: 900}
    flip = analyse_chain(CHAIN, interest).gamma_flip
    assert flip is not None
    calls = gamma(flip, 675, total_vol(675, 670.0, CHAIN.minutes))
    puts = gamma(flip, 665, total_vol(665, 670.0, CHAIN.minutes))
    assert calls == pytest.approx(puts, rel=0.01)
    assert 665 < flip < 675
    only_calls = analyse_chain(CHAIN, {CALLS[675]: 900})
    assert only_calls.gamma_flip is None
    assert any(told.startswith("gamma flip: ") for told in only_calls.unknown)


def test_untold_open_interest_is_unknown_with_its_reason() -> None:
    found = analyse_chain(CHAIN, {})
    assert found.interest is None
    assert (found.call_wall, found.put_wall, found.gamma_flip) == (None, None, None)
    assert "open interest, max pain and gamma: the broker told no open interest" in found.unknown
    assert all(one.call_interest is None for one in found.strikes)


def test_open_interest_without_greeks_is_counted_as_left_out() -> None:
    blind = requoted(CHAIN, {contract(675, Right.CALL): {"greeks": None}})
    found = analyse_chain(blind, {CALLS[675]: 900, PUTS[665]: 10})
    assert found.unpriced == 1
    assert found.interest is not None
    assert found.interest.gamma_per_percent < 0
    assert found.call_wall is None


@pytest.mark.parametrize(("strikes", "vols"), [((), ()), ((670.0,), (0.004,))])
def test_a_chain_without_a_smile_invents_none(
    strikes: tuple[float, ...], vols: tuple[float, ...]
) -> None:
    bare: ChainSnapshot = replace(CHAIN, strikes=strikes, total_vols=vols)
    found = analyse_chain(bare, {CALLS[675]: 900, PUTS[665]: 900})
    assert (found.skew, found.expected, found.gamma_flip) == (None, None, None)
    assert all(line.iv is line.call_delta is None for line in found.strikes)
    assert found.unknown[0].startswith("smile, skew and expected move: fewer than two")


def test_a_smile_too_short_for_25_delta_says_so() -> None:
    short = replace(
        CHAIN,
        strikes=(669.0, 670.0, 671.0),
        total_vols=tuple(total_vol(k, 670.0, CHAIN.minutes) for k in (669.0, 670.0, 671.0)),
    )
    found = analyse_chain(short, {})
    assert found.skew is not None
    assert found.skew.risk_reversal != found.skew.risk_reversal
    assert found.unknown[0].startswith("skew: the quoted strikes do not reach")
    assert found.expected is not None
    assert found.expected.band is None
