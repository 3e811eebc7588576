"""The smile between strikes and the distribution it implies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pricing import black76
from common.pricing.smile import Smile

FORWARD = 600.0
STRIKES = np.arange(560.0, 641.0)
FLAT = Smile.through(FORWARD, STRIKES, np.full(STRIKES.shape, 0.006))


def skewed(shift: float = 0.0) -> Smile:
    """Return a smile as same-day chains have it: steeper below."""
    k = np.log(STRIKES / FORWARD)
    return Smile.through(FORWARD, STRIKES, 0.007 - 0.03 * k + 0.6 * k * k + shift)


def test_the_smile_passes_through_its_strikes_and_never_overshoots() -> None:
    values = np.array([0.010, 0.008, 0.0081, 0.007, 0.007, 0.009])
    smile = Smile.through(FORWARD, np.array([590.0, 595, 596, 600, 601, 610]), values)
    np.testing.assert_allclose(smile.total_vol(smile.strikes), values, rtol=1e-15)
    for left, right in pairwise(range(6)):
        between = smile.total_vol(np.linspace(smile.strikes[left], smile.strikes[right], 50))
        low, high = sorted((values[left], values[right]))
        assert (between >= low - 1e-15).all()
        assert (between <= high + 1e-15).all()


def test_nothing_is_known_outside_the_outermost_strikes() -> None:
    outside = np.array([559.99, 640.01, np.nan])
    assert np.isnan(FLAT.total_vol(outside)).all()
    assert np.isnan(FLAT.prob_above(outside)).all()
    assert np.isnan(FLAT.distribution().prob_above(outside)).all()
    assert np.isnan(FLAT.price(outside, True)).all()


def test_strikes_without_a_volatility_are_left_out() -> None:
    smile = Smile.through(FORWARD, [590.0, 600.0, 610.0], [np.nan, 0.005, 0.006])
    assert smile.strikes.tolist() == [600.0, 610.0]


def test_on_a_flat_smile_digitals_are_n_of_d2() -> None:
    at = np.array([585.3, 598.0, 600.0, 602.4, 611.0])
    exact = black76.prob_above(FORWARD, at, 0.006)
    np.testing.assert_allclose(FLAT.prob_above(at), exact, atol=1e-15)
    np.testing.assert_allclose(FLAT.distribution().prob_above(at), exact, atol=3e-5)
    assert FLAT.distribution().violation == pytest.approx(0.0, abs=1e-15)


@given(st.floats(565.0, 635.0))
def test_digitals_are_the_slope_of_call_prices_skew_included(strike: float) -> None:
    smile, bump = skewed(), 1e-3
    low, high = (float(smile.price(strike + e, True)) for e in (-bump, bump))
    digital = float(smile.prob_above(strike))
    assert digital == pytest.approx((low - high) / (2 * bump), abs=2e-5)
    assert abs(digital - float(smile.distribution().prob_above(strike))) < 1e-4


def test_skew_moves_probability_away_from_the_flat_formula() -> None:
    flat = float(black76.prob_above(FORWARD, 600.0, skewed().total_vol(600.0)))
    assert float(skewed().prob_above(600.0)) > flat + 0.01


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.2))
def test_probabilities_fall_with_price_however_noisy_the_quotes(seed: int, noise: float) -> None:
    jitter = 1 + noise * np.random.default_rng(seed).standard_normal(STRIKES.size)
    smile = Smile.through(FORWARD, STRIKES, np.maximum(skewed().total_vols * jitter, 1e-4))
    spread = smile.distribution()
    above = spread.prob_above(np.linspace(560.0, 640.0, 3001))
    assert (np.diff(above) <= 0).all()
    assert above[0] <= 1.0
    assert above[-1] >= 0.0


def test_noise_that_breaks_arbitrage_is_reported() -> None:
    kinked = skewed().total_vols.copy()
    kinked[50] *= 1.5
    smile = Smile.through(FORWARD, STRIKES, kinked)
    assert smile.distribution().violation > 0.05
    assert skewed().distribution().violation < 1e-6


def test_bounds_of_the_price_are_certain() -> None:
    spread = FLAT.distribution()
    assert spread.prob_above([0.0, -1.0, np.inf]).tolist() == [1.0, 1.0, 0.0]
    assert spread.prob_between(0.0, np.inf) == 1.0
    assert spread.prob_between(610.0, 590.0) == 0.0


def test_quantiles_invert_probabilities() -> None:
    spread = skewed().distribution()
    for p in (0.05, 0.16, 0.5, 0.84, 0.95):
        assert float(spread.prob_above(spread.quantile(p))) == pytest.approx(1 - p, abs=1e-9)
    assert np.isnan(spread.quantile(1.5))


def test_touching_is_twice_as_likely_as_ending_beyond() -> None:
    """The condor table of the notes: shorts 4, 5 and 6 dollars away."""
    spread = FLAT.distribution()
    for away, expected in ((4.0, 0.53), (5.0, 0.33), (6.0, 0.19)):
        either = spread.prob_touch(FORWARD - away) + spread.prob_touch(FORWARD + away)
        assert either == pytest.approx(expected, abs=0.015)
    assert spread.prob_touch(FORWARD) == pytest.approx(1.0, abs=0.01)
    assert np.isnan(spread.prob_touch(700.0))


def test_expected_move_bands_hold_what_they_are_named_for() -> None:
    move, spread = FLAT.expected_move(), FLAT.distribution()
    straddle = sum(float(FLAT.price(FORWARD, side)) for side in (True, False))
    assert move.straddle == pytest.approx(straddle, abs=1e-10)
    assert move.one_sigma == pytest.approx(FORWARD * 0.006, rel=1e-5)
    for band, expected in ((move.one_sigma, 0.6827), (move.half_band, 0.502)):
        inside = spread.prob_between(FORWARD - band, FORWARD + band)
        assert inside == pytest.approx(expected, abs=1e-3)


def test_one_strike_or_none_answers_only_what_it_can() -> None:
    one = Smile.through(FORWARD, [600.0], [0.006])
    assert one.total_vol([599.0, 600.0]).tolist()[1] == 0.006
    assert np.isnan(one.total_vol(599.0))
    none = Smile.through(FORWARD, [600.0], [np.nan])
    assert np.isnan(none.total_vol(600.0))
    assert np.isnan(none.distribution().prob_above(600.0))
    assert np.isnan(none.expected_move().straddle)
    assert np.isnan(none.distribution().quantile(0.5))


@pytest.mark.parametrize("strikes", [[600.0, 600.0], [601.0, 600.0]])
def test_strikes_that_do_not_ascend_are_a_bug(strikes: list[float]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Smile.through(FORWARD, strikes, [0.01, 0.01])


def test_lists_of_two_lengths_are_a_bug() -> None:
    with pytest.raises(ValueError, match="one length"):
        Smile.through(FORWARD, [600.0, 601.0], [0.01])
