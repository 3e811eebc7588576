"""Golden numbers, identities and derivatives of the closed form."""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pricing import black76, clocks, normal

STRIKES = np.array([594.0, 597.0, 600.0, 603.0, 606.0])
forwards = st.floats(20.0, 900.0)
moneyness = st.floats(-0.1, 0.1)
total_vols = st.floats(5e-4, 0.4)


def test_cdf_matches_the_library_function_in_both_tails() -> None:
    z = np.linspace(-12.0, 12.0, 2401)
    exact = np.array([0.5 * erfc(-x / sqrt(2)) for x in z])
    np.testing.assert_allclose(normal.cdf(z), exact, rtol=1e-13, atol=0)
    assert np.max(np.abs(normal.cdf(z) - exact)) < 3e-16


def test_cdf_of_the_extremes_and_of_nothing() -> None:
    got = normal.cdf([-np.inf, -50.0, 0.0, 50.0, np.inf, np.nan])
    np.testing.assert_array_equal(got, [0.0, got[1], 0.5, 1.0, 1.0, np.nan])
    assert 0.0 <= got[1] < 1e-300


@pytest.mark.parametrize("reach", [0.001, 0.02, 0.1, 0.249, 0.6])
def test_half_the_difference_of_two_mills_ratios_is_exact_however_near(reach: float) -> None:
    h = np.array([0.0, 0.3, 1.0, 3.0, 8.0]) + reach  # h - t >= 0: the plain ratio is defined
    t = np.full(h.shape, reach)
    apart = (normal.mills(h - t) - normal.mills(h + t)) / (2 * t)
    cancelled = 1e-15 * normal.mills(h - t) / reach  # what the plain difference loses
    np.testing.assert_array_less(np.abs(normal.mills_odd(h, t, reach) - apart), cancelled + 1e-14)


def test_delta_gamma_theta_vega_of_a_two_hour_chain() -> None:
    """S=600, 120 minutes left, s=0.0045, as tabulated in the research notes."""
    s = 0.0045
    delta = [float(black76.delta(600, k, s, k >= 600)) for k in STRIKES]
    assert [round(d, 4) for d in delta] == [-0.0127, -0.1322, 0.5009, 0.1343, 0.0136]
    assert float(black76.gamma(600, 600, s)) == pytest.approx(0.1478, abs=5e-5)
    assert float(black76.theta(600, 600, s, 120)) == pytest.approx(-0.00449, abs=5e-6)
    assert float(black76.vega(600, 600, s, 120)) == pytest.approx(0.0836, abs=5e-5)
    assert float(clocks.iv_trading(s, 120)) == pytest.approx(0.1288, abs=5e-5)
    assert float(clocks.iv_calendar(s, 120)) == pytest.approx(0.2978, abs=5e-5)


def test_clocks_differ_by_a_constant_and_floor_at_one_minute() -> None:
    minutes = np.array([390.0, 60.0, 1.0, 0.2])
    ratio = clocks.iv_calendar(0.01, minutes) / clocks.iv_trading(0.01, minutes)
    np.testing.assert_allclose(ratio, 2.3126, atol=1e-4)
    assert clocks.iv_trading(0.01, 0.2) == clocks.iv_trading(0.01, 1.0)
    assert np.isnan(clocks.iv_trading(0.01, [0.0, -5.0, np.nan])).all()
    iv = clocks.iv_trading(0.01, minutes)
    np.testing.assert_allclose(clocks.total_vol_trading(iv, minutes), 0.01, rtol=1e-15)


@given(forwards, moneyness, total_vols)
def test_parity_bounds_and_probability(f: float, m: float, s: float) -> None:
    k = f * float(np.exp(m))
    call, put = (float(black76.price(f, k, s, side)) for side in (True, False))
    assert call - put == pytest.approx(f - k, abs=1e-12 * f)
    assert max(f - k, 0.0) <= call < f
    assert max(k - f, 0.0) <= put < k
    call_delta, put_delta = (float(black76.delta(f, k, s, side)) for side in (True, False))
    assert call_delta - put_delta == pytest.approx(1.0, abs=1e-15)
    total = float(black76.prob_above(f, k, s) + black76.prob_below(f, k, s))
    assert total == pytest.approx(1.0, abs=1e-15)


@given(forwards, st.floats(-0.02, 0.02), st.floats(0.003, 0.1))
def test_greeks_are_the_derivatives_of_the_price(f: float, m: float, s: float) -> None:
    k, minutes = f * float(np.exp(m)), 90.0
    bump = 1e-4 * f * s
    up, down = (float(black76.price(f + e, k, s, True)) for e in (bump, -bump))
    delta_up, delta_down = (float(black76.delta(f + e, k, s, True)) for e in (bump, -bump))
    assert float(black76.delta(f, k, s, True)) == pytest.approx((up - down) / (2 * bump), abs=1e-6)
    gamma = (delta_up - delta_down) / (2 * bump)
    assert float(black76.gamma(f, k, s)) == pytest.approx(gamma, rel=1e-4, abs=1e-9)
    later, sooner = (
        float(black76.price(f, k, s * sqrt(1 + e / minutes), True)) for e in (-0.01, 0.01)
    )
    theta = (later - sooner) / 0.02
    assert float(black76.theta(f, k, s, minutes)) == pytest.approx(theta, rel=1e-4, abs=1e-10)
    iv = float(clocks.iv_trading(s, minutes))
    high, low = (
        float(black76.price(f, k, clocks.total_vol_trading(iv + e, minutes), True))
        for e in (1e-5, -1e-5)
    )
    vega = (high - low) / 2e-5 * 0.01
    assert float(black76.vega(f, k, s, minutes)) == pytest.approx(vega, rel=1e-4, abs=1e-10)


@pytest.mark.parametrize(
    ("f", "k", "s"),
    [(np.nan, 600, 0.01), (600, 0, 0.01), (600, 600, 0), (600, 600, -1), (-1, 600, 0.01)],
)
def test_what_has_no_meaning_is_nan(f: float, k: float, s: float) -> None:
    results = [
        black76.price(f, k, s, True),
        black76.delta(f, k, s, False),
        black76.gamma(f, k, s),
        black76.theta(f, k, s, 10),
        black76.vega(f, k, s, 10),
        black76.prob_above(f, k, s),
    ]
    assert np.isnan(results).all()


def test_everything_broadcasts() -> None:
    grid = black76.price(600.0, STRIKES, np.array([[0.004], [0.008]]), STRIKES > 600)
    assert grid.shape == (2, 5)
    assert grid[1, 2] == black76.price(600.0, 600.0, 0.008, False)
