"""Volatility and greeks from prices: accuracy, range, refusals."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pricing import black76
from common.pricing.clocks import CALENDAR_MINUTES, TRADING_MINUTES
from common.pricing.implied_vol import greeks, implied_total_vol, iv_and_greeks

GRID_STRIKES = np.arange(540.0, 661.0)
SIGMAS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)


@pytest.mark.parametrize("year", [TRADING_MINUTES, CALENDAR_MINUTES])
@pytest.mark.parametrize("minutes", [390, 180, 60, 15, 5, 1])
def test_round_trip_over_the_same_day_grid(minutes: int, year: int) -> None:
    """Every tradable price gives its volatility back to 1e-11 annual."""
    sigma = np.repeat(SIGMAS, GRID_STRIKES.size)
    strike = np.tile(GRID_STRIKES, len(SIGMAS))
    s = sigma * sqrt(minutes / year)
    call = strike >= 600.0
    price = black76.price(600.0, strike, s, call)
    tradable = price >= 0.005
    solved = implied_total_vol(price, 600.0, strike, call)
    assert tradable.sum() > 20
    error = np.abs(solved - s)[tradable] / sqrt(minutes / year)
    assert np.max(error) < 1e-11


@pytest.mark.parametrize("s", [0.3, 0.6, 1.0, 2.0, 4.0])
def test_the_same_code_serves_long_expiries(s: float) -> None:
    strike = np.geomspace(200.0, 1800.0, 60)
    call = strike >= 600.0
    solved = implied_total_vol(black76.price(600.0, strike, s, call), 600.0, strike, call)
    np.testing.assert_allclose(solved, s, rtol=1e-9)


@given(st.floats(20.0, 900.0), st.floats(-0.15, 0.15), st.floats(2e-4, 0.5), st.booleans())
def test_solving_a_price_gives_the_price_back(f: float, m: float, s: float, call: bool) -> None:
    """True for either side of the money: what rounding loses of s, the price does not show."""
    k = f * float(np.exp(m))
    price = float(black76.price(f, k, s, call))
    solved = float(implied_total_vol(price, f, k, call))
    time_value = price - max((f - k) if call else (k - f), 0.0)
    if time_value > 1e-9:
        again = float(black76.price(f, k, solved, call))
        assert again == pytest.approx(price, abs=2e-12 * f)
    elif solved == solved:
        assert solved > 0


def test_volatility_rises_with_price_over_the_whole_range() -> None:
    prices = np.geomspace(1e-8, 500.0, 4001)
    for strike in (600.0, 600.01, 603.0, 640.0):
        solved = implied_total_vol(prices, 600.0, strike, True)
        assert not np.isnan(solved).any()
        assert (np.diff(solved) > 0).all()


def test_call_and_put_of_a_strike_agree() -> None:
    strike = np.arange(596.0, 605.0)
    s = 0.006
    sides = [
        implied_total_vol(black76.price(600.0, strike, s, c), 600.0, strike, c)
        for c in (True, False)
    ]
    np.testing.assert_allclose(sides[0], sides[1], rtol=1e-10)


@pytest.mark.parametrize(
    ("price", "strike", "call"),
    [
        (0.0, 600.0, True),
        (-1.0, 600.0, True),
        (600.0, 600.0, True),
        (700.0, 610.0, True),
        (610.0, 610.0, False),
        (9.99, 590.0, True),
        (10.0, 590.0, True),
        (np.nan, 600.0, True),
        (np.inf, 600.0, True),
        (1.0, np.nan, True),
        (1.0, 0.0, True),
        (1.0, -600.0, False),
    ],
)
def test_a_price_no_volatility_gives_is_nan(price: float, strike: float, call: bool) -> None:
    solved = iv_and_greeks(price, 600.0, strike, call, 120.0)
    for column in (solved.total_vol, solved.iv, solved.delta, solved.gamma, solved.theta):
        assert np.isnan(column)


def test_bad_neighbours_leave_a_good_price_alone() -> None:
    prices = np.array([1.2, np.nan, -1.0, 0.0, 1e9, 1.2])
    solved = implied_total_vol(prices, 600.0, 600.0, True)
    assert list(np.isnan(solved)) == [False, True, True, True, True, False]
    assert solved[0] == solved[5] == implied_total_vol(1.2, 600.0, 600.0, True)


@pytest.mark.parametrize("forward", [np.nan, 0.0, -1.0, np.inf])
def test_without_a_forward_there_is_nothing(forward: float) -> None:
    solved = iv_and_greeks([1.0, 2.0], forward, 600.0, True, 60.0)
    assert np.isnan(solved.total_vol).all()
    assert np.isnan(solved.delta).all()


def test_at_the_money_exactly() -> None:
    for s in (1e-5, 1e-3, 0.05, 0.4):
        price = black76.price(600.0, 600.0, s, True)
        assert float(implied_total_vol(price, 600.0, 600.0, True)) == pytest.approx(s, rel=1e-11)


def test_no_contracts_one_contract_and_any_shape() -> None:
    empty = np.array([])
    assert iv_and_greeks(empty, 600.0, empty, empty, 60.0).delta.shape == (0,)
    assert iv_and_greeks(1.0, 600.0, 600.0, True, 60.0).delta.shape == ()
    table = iv_and_greeks(np.full((2, 3), 2.0), 600.0, [599.0, 600.0, 601.0], [[1], [0]], 60.0)
    assert table.vega.shape == table.delta.shape == (2, 3)
    assert (table.delta[0] > 0).all()
    assert (table.delta[1] < 0).all()


def test_single_precision_input_is_computed_in_double() -> None:
    price = np.array([0.25, 1.5], dtype=np.float32)
    strike = np.array([604.0, 600.0], dtype=np.float32)
    solved = iv_and_greeks(price, np.float32(600.0), strike, np.array([True, True]), 60)
    exact = iv_and_greeks([0.25, 1.5], 600.0, [604.0, 600.0], True, 60.0)
    assert solved.delta.dtype == np.float64
    np.testing.assert_array_equal(solved.delta, exact.delta)


@given(st.floats(-0.05, 0.05), st.floats(1e-3, 0.6), st.booleans(), st.floats(0.1, 390.0))
def test_fused_greeks_are_the_closed_form(m: float, s: float, call: bool, minutes: float) -> None:
    k = 600.0 * float(np.exp(m))
    fused = greeks(s, 600.0, k, call, minutes)
    pairs = [
        (fused.delta, black76.delta(600.0, k, s, call)),
        (fused.gamma, black76.gamma(600.0, k, s)),
        (fused.theta, black76.theta(600.0, k, s, minutes)),
        (fused.vega, black76.vega(600.0, k, s, minutes)),
    ]
    for got, expected in pairs:
        assert float(got) == pytest.approx(float(expected), rel=1e-11, abs=1e-300)


def test_after_expiry_clock_numbers_are_nan_and_shape_numbers_are_not() -> None:
    solved = iv_and_greeks(1.0, 600.0, 600.0, True, 0.0)
    assert np.isnan([solved.iv, solved.iv_calendar, solved.theta, solved.vega]).all()
    assert 0.5 < solved.delta < 0.51


def test_calendar_minutes_of_a_later_expiry() -> None:
    solved = iv_and_greeks(5.0, 600.0, 600.0, True, 5 * 390.0, 6 * 1440.0)
    ratio = float(solved.iv_calendar / solved.iv)
    assert ratio == pytest.approx(sqrt(525_600 / (6 * 1440)) / sqrt(98_280 / (5 * 390)))
