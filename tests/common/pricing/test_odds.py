"""Odds of a payoff on a smile: golden rows, integration of the same distribution, limits."""

from __future__ import annotations

from decimal import Decimal
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import Right
from common.pricing.odds import odds
from common.pricing.payoff import Payoff, PayoffLeg
from common.pricing.smile import Smile

CALL, PUT = Right.CALL, Right.PUT
FORWARD = 600.0
STRIKES = np.arange(550.0, 651.0)
LOG_MONEYNESS = np.log(STRIKES / FORWARD)
FLAT = Smile.through(FORWARD, STRIKES, np.full(STRIKES.shape, 0.006))
SKEWED = Smile.through(
    FORWARD, STRIKES, 0.006 - 0.03 * LOG_MONEYNESS + 0.5 * LOG_MONEYNESS * LOG_MONEYNESS
)


def priced(smile: Smile, *legs: tuple[int, Right, int]) -> Payoff:
    """Return the combination bought at the smile's own prices, in hundredths of a cent."""
    return Payoff(
        legs=tuple(
            PayoffLeg(
                qty=qty,
                right=right,
                strike=Decimal(strike),
                price=Decimal(f"{float(smile.price(strike, right is CALL)):.4f}"),
            )
            for qty, right, strike in legs
        )
    )


def condor(smile: Smile, put: int, call: int, width: int) -> Payoff:
    return priced(
        smile, (1, PUT, put - width), (-1, PUT, put), (-1, CALL, call), (1, CALL, call + width)
    )


@pytest.mark.parametrize(
    ("away", "width", "credit", "profit", "max_profit", "max_loss"),
    [
        (2, 2, 0.82, 0.567, 0.421, 0.267),
        (2, 5, 1.23, 0.631, 0.421, 0.052),
        (4, 2, 0.34, 0.772, 0.733, 0.096),
        (5, 2, 0.20, 0.851, 0.835, 0.052),
        (6, 2, 0.11, 0.910, 0.904, 0.026),
    ],
)
def test_the_condor_table_of_the_notes(
    away: int, width: int, credit: float, profit: float, max_profit: float, max_loss: float
) -> None:
    trade = condor(FLAT, 600 - away, 600 + away, width)
    got = odds(trade, FLAT)
    assert -float(trade.net_cost) / 100 == pytest.approx(credit, abs=0.006)
    assert got.profit == pytest.approx(profit, abs=6e-4)
    assert got.max_profit == pytest.approx(max_profit, abs=6e-4)
    assert got.max_loss == pytest.approx(max_loss, abs=6e-4)
    assert got.expected_value == pytest.approx(0.0, abs=0.05)


legs = st.tuples(st.sampled_from([-2, -1, 1, 2]), st.sampled_from(Right), st.integers(585, 615))


@settings(max_examples=40)
@given(st.lists(legs, min_size=1, max_size=4), st.sampled_from([FLAT, SKEWED]))
def test_odds_are_the_integral_of_the_payoff_over_the_same_distribution(
    combination: list[tuple[int, Right, int]], smile: Smile
) -> None:
    """The closes come from the smile's own digitals, a million-quantile sum of nothing else."""
    trade = priced(smile, *combination)
    spread = smile.distribution()
    edges = np.linspace(560.0, 640.0, 80_001)  # milli-dollar cells
    weight = -np.diff(spread.prob_above(edges))
    close = 0.5 * (edges[1:] + edges[:-1])
    profit = np.full(close.shape, -float(trade.net_cost))
    for leg in trade.legs:
        strike = float(leg.strike or 0)
        worth = close - strike if leg.right is CALL else strike - close
        profit += leg.shares * np.maximum(worth, 0.0)
    got = odds(trade, smile, spread)
    if np.isnan(got.profit):  # the smile does not say what happens out there
        low, high = float(spread.grid[0]), float(spread.grid[-1])
        assert any(not low <= float(at) <= high for at in trade.breakevens)
        return
    assert got.profit == pytest.approx(weight[profit > 0].sum(), abs=2e-3)
    assert got.expected_value == pytest.approx((weight * profit).sum(), abs=1.0)
    if trade.best is not None:
        at_best = weight[profit > float(trade.best) - 1e-6].sum()
        assert got.max_profit == pytest.approx(at_best, abs=2e-3)
    if trade.worst is not None:
        at_worst = weight[profit < float(trade.worst) + 1e-6].sum()
        assert got.max_loss == pytest.approx(at_worst, abs=2e-3)


def test_unlimited_and_single_point_extremes_have_no_probability() -> None:
    long_call = odds(priced(FLAT, (1, CALL, 600)), FLAT)
    assert long_call.max_profit == 0.0
    assert long_call.max_loss == pytest.approx(0.501, abs=1e-3)
    butterfly = odds(priced(FLAT, (1, CALL, 598), (-2, CALL, 600), (1, CALL, 602)), FLAT)
    assert butterfly.max_profit == 0.0
    assert 0.0 < butterfly.profit < 1.0


def test_fees_shift_the_expectation_and_the_breakevens() -> None:
    trade = condor(FLAT, 595, 605, 2)
    dear = Payoff(legs=trade.legs, fees=Decimal("5.00"))
    free, charged = odds(trade, FLAT), odds(dear, FLAT)
    assert charged.expected_value == free.expected_value
    assert charged.after_fees == pytest.approx(free.expected_value - 5.0)
    assert charged.profit < free.profit


def test_stock_is_worth_the_forward() -> None:
    shares = Payoff(legs=(PayoffLeg.stock(qty=100, price=Decimal(599)),))
    got = odds(shares, FLAT)
    assert got.expected_value == pytest.approx(100.0)
    assert got.profit == pytest.approx(float(FLAT.prob_above(599.0)), abs=3e-5)


def test_beyond_the_smile_is_nan_never_a_guess() -> None:
    far = Payoff(legs=(PayoffLeg(qty=1, right=CALL, strike=Decimal(700), price=Decimal("0.01")),))
    got = odds(far, FLAT)
    assert isnan(got.profit)
    assert isnan(got.max_loss)
    assert isnan(got.expected_value)


def test_a_far_wing_does_not_hide_what_lies_between_the_breakevens() -> None:
    """Only the outer ends are looked up, and those are inside the smile."""
    wide = Payoff(
        legs=(
            PayoffLeg(qty=1, right=PUT, strike=Decimal(500), price=Decimal("0.01")),
            PayoffLeg(qty=-1, right=PUT, strike=Decimal(595), price=Decimal("0.60")),
        )
    )
    got = odds(wide, FLAT)
    assert got.profit == pytest.approx(float(FLAT.prob_above(594.41)), abs=1e-4)
    assert isnan(got.max_loss)
