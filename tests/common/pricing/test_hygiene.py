"""The table of quote rules, a case each, and the parity forward."""

from __future__ import annotations

import numpy as np
import pytest

from common.pricing import black76
from common.pricing.hygiene import (
    CleanQuotes,
    ForwardSource,
    HygieneRules,
    QuoteFlag,
    clean,
    forward,
    mark_parity,
    mark_stale,
)

NAN = float("nan")


def judge(bid: float, ask: float) -> tuple[QuoteFlag, float]:
    """Judge one call two dollars out of the money."""
    quotes = clean([bid], [ask], [602.0], is_call=True, spot=600.0)
    return QuoteFlag(quotes.flag[0]), float(quotes.price[0])


@pytest.mark.parametrize(
    ("bid", "ask", "flag", "price"),
    [
        (1.00, 1.02, QuoteFlag.OK, 1.01),
        (1.00, 1.00, QuoteFlag.LOCKED, 1.00),
        (0.10, 0.15, QuoteFlag.OK, 0.125),  # 5 cents is not wide yet
        (0.10, 0.16, QuoteFlag.WIDE, 0.13),
        (2.00, 2.56, QuoteFlag.OK, 2.28),  # 25% of mid allows 57 cents
        (2.00, 2.70, QuoteFlag.WIDE, 2.35),
        (0.00, 0.01, QuoteFlag.ZERO_BID, 0.005),
        (0.00, 0.05, QuoteFlag.ZERO_BID, 0.025),
        (0.00, 0.06, QuoteFlag.NO_MARKET, NAN),
        (0.00, 4.80, QuoteFlag.NO_MARKET, NAN),
        (1.05, 1.00, QuoteFlag.CROSSED, NAN),
        (0.00, 0.00, QuoteFlag.NO_QUOTE, NAN),
        (1.00, 0.00, QuoteFlag.NO_QUOTE, NAN),
        (-1.0, 1.00, QuoteFlag.NO_QUOTE, NAN),
        (NAN, 1.00, QuoteFlag.NO_QUOTE, NAN),
        (1.00, NAN, QuoteFlag.NO_QUOTE, NAN),
        (1.00, np.inf, QuoteFlag.NO_QUOTE, NAN),
    ],
)
def test_one_quote(bid: float, ask: float, flag: QuoteFlag, price: float) -> None:
    got, usable = judge(bid, ask)
    assert got is flag
    assert usable == pytest.approx(price, abs=1e-12, nan_ok=True)
    assert flag.usable == (price == price)


def test_two_zero_bids_in_a_row_end_the_wing_on_either_side() -> None:
    strike = np.arange(596.0, 605.0)
    bid = np.array([0.01, 0.0, 0.0, 0.2, 1.0, 0.2, 0.0, 0.0, 0.01])
    ask = bid + 0.01
    calls = clean(bid, ask, strike, is_call=True, spot=600.0)
    assert calls.flag[-3:].tolist() == [
        QuoteFlag.ZERO_BID,
        QuoteFlag.ZERO_BID,
        QuoteFlag.BEYOND_WING,
    ]
    puts = clean(bid, ask, strike, is_call=False, spot=600.0)
    assert puts.flag[:3].tolist() == [
        QuoteFlag.BEYOND_WING,
        QuoteFlag.ZERO_BID,
        QuoteFlag.ZERO_BID,
    ]
    assert QuoteFlag.BEYOND_WING not in calls.flag[:-1]
    assert np.isnan(puts.price[0])


def test_one_zero_bid_alone_does_not_end_the_wing() -> None:
    bid = np.array([0.3, 0.0, 0.1, 0.0, 0.1])
    quotes = clean(bid, bid + 0.01, np.arange(600.0, 605.0), is_call=True, spot=600.0)
    assert QuoteFlag.BEYOND_WING not in quotes.flag


def test_below_intrinsic_gives_way_to_the_other_side() -> None:
    strike = np.array([590.0, 595.0, 605.0])
    calls = clean([9.90, 5.00, 0.05], [9.96, 5.04, 0.07], strike, is_call=True, spot=600.0)
    judged = mark_parity(calls, strike, is_call=True, forward_price=600.0)
    assert judged.flag.tolist() == [QuoteFlag.PARITY, QuoteFlag.OK, QuoteFlag.OK]
    assert np.isnan(judged.price[0])
    puts = clean([0.05, 0.10, 4.90], [0.07, 0.12, 4.96], strike, is_call=False, spot=600.0)
    judged = mark_parity(puts, strike, is_call=False, forward_price=600.0)
    assert judged.flag.tolist() == [QuoteFlag.OK, QuoteFlag.OK, QuoteFlag.PARITY]


@pytest.mark.parametrize(
    ("age", "delta", "move", "flag"),
    [
        (9.0, 0.5, 3.0, QuoteFlag.OK),  # young
        (11.0, 0.5, 0.5, QuoteFlag.STALE),  # 25 cents behind a 1 cent half-spread
        (11.0, 0.5, 0.01, QuoteFlag.OK),  # the underlying stood still
        (300.0, 0.001, 3.0, QuoteFlag.OK),  # a far wing may be minutes old
        (300.0, -0.5, -0.5, QuoteFlag.STALE),  # signs do not matter
        (11.0, 0.001, NAN, QuoteFlag.STALE),  # nobody knows how far spot went
        (11.0, NAN, 0.5, QuoteFlag.STALE),
        (NAN, 0.5, 0.5, QuoteFlag.STALE),  # nobody knows how old it is
    ],
)
def test_old_quotes(age: float, delta: float, move: float, flag: QuoteFlag) -> None:
    quotes = clean([1.00], [1.02], [602.0], is_call=True, spot=600.0)
    judged = mark_stale(quotes, np.array([0.01]), age, delta, move)
    assert judged.flag[0] == flag
    assert np.isnan(judged.price[0]) == (flag is QuoteFlag.STALE)


def test_a_quote_already_refused_keeps_its_first_reason() -> None:
    quotes = clean([1.05], [1.00], [602.0], is_call=True, spot=600.0)
    assert mark_stale(quotes, np.array([0.01]), 99.0, 0.5, NAN).flag[0] == QuoteFlag.CROSSED


def test_bounds_are_settings() -> None:
    rules = HygieneRules(zero_bid_ask_most=0.10)
    quotes = clean([0.0], [0.10], [602.0], is_call=True, spot=600.0, rules=rules)
    assert quotes.flag[0] == QuoteFlag.ZERO_BID


def pair(true_forward: float, strike: np.ndarray, s: float) -> tuple[CleanQuotes, CleanQuotes]:
    """Quote both sides a cent wide around their value, in whole cents."""
    sides = []
    for is_call in (True, False):
        bid = np.floor(black76.price(true_forward, strike, s, is_call) * 100) / 100
        sides.append(clean(bid, bid + 0.01, strike, is_call=is_call, spot=600.0))
    return sides[0], sides[1]


@pytest.mark.parametrize("true_forward", [599.63, 600.0, 600.17])
@pytest.mark.parametrize("s", [0.0005, 0.004])
def test_forward_is_found_to_a_cent_in_penny_quotes(true_forward: float, s: float) -> None:
    """Also minutes before the close, when a spot that lags would call the calls worthless."""
    strike = np.arange(590.0, 611.0)
    calls, puts = pair(true_forward, strike, s)
    found = forward(strike, calls, puts, 600.0)
    assert found.source is ForwardSource.PARITY
    assert found.pairs >= 3
    assert found.value == pytest.approx(true_forward, abs=0.0101)


def test_a_forward_too_far_from_spot_is_refused() -> None:
    strike = np.arange(590.0, 611.0)
    found = forward(strike, *pair(601.0, strike, 0.004), 600.0)  # 16.7 bp
    assert (found.value, found.source) == (600.0, ForwardSource.SPOT_REJECTED)
    assert found.gap == pytest.approx(0.00167, abs=3e-5)


def test_too_few_clean_pairs_fall_back_to_spot() -> None:
    strike = np.array([599.0, 600.0])
    found = forward(strike, *pair(600.1, strike, 0.004), 600.0)
    assert (found.value, found.source) == (600.0, ForwardSource.SPOT_FEW_PAIRS)


@pytest.mark.parametrize("spot", [NAN, 0.0, -1.0, np.inf])
def test_no_spot_is_no_forward(spot: float) -> None:
    strike = np.arange(590.0, 611.0)
    found = forward(strike, *pair(600.0, strike, 0.004), spot)
    assert found.source is ForwardSource.UNKNOWN
    assert np.isnan(found.value)


def test_a_single_bad_pair_does_not_move_the_median() -> None:
    strike = np.arange(590.0, 611.0)
    calls, puts = pair(600.0, strike, 0.004)
    calls.price[10] += 3.0
    found = forward(strike, calls, puts, 600.0)
    assert found.value == pytest.approx(600.0, abs=0.0101)
