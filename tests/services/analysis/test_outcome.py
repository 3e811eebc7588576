"""Probabilities against a Monte Carlo on the same smile; the preview's ladder and profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from common.contracts import Right
from common.orders import OrderIntent, PositionIntent
from common.pricing.smile import Smile
from services.analysis.outcome import SIGMAS, VOLS
from services.risk.analysis import TradeAnalysis, analyse
from services.strategies.iron_condor import IronCondor
from tests.builders import SESSION, contract, make_chain, make_intent, make_view

VIEW = make_view(chain=make_chain(reach=60))  # far enough that no path leaves the smile
CONDOR = IronCondor(width=4, qty=3).propose(VIEW).intent
CALL = make_intent((contract(673, Right.CALL), PositionIntent.BUY_TO_OPEN), limit="0.96")
PATHS = 400_000
LEAVE = SESSION.close - timedelta(minutes=35)


def closes() -> NDArray[np.float64]:
    """Return closes drawn from the smile, by the slope of its call prices and nothing else."""
    chain = VIEW.chain
    smile = Smile.through(chain.forward, chain.strikes, chain.total_vols)
    grid = np.arange(chain.strikes[0] + 0.01, chain.strikes[-1], 0.01)
    calls = smile.price(grid, True)
    above = np.clip(-np.gradient(calls, grid), 0.0, 1.0)
    below = np.maximum.accumulate(1.0 - above)
    drawn = np.random.default_rng(5).uniform(size=PATHS)
    return np.asarray(np.interp(drawn, below, grid))


def profits(
    intent: OrderIntent, trade: TradeAnalysis, ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    worth = np.zeros(ends.size)
    for leg in intent.legs:
        strike = float(leg.contract.strike)
        inside = ends - strike if leg.contract.is_call else strike - ends
        worth += leg.signed_ratio * np.maximum(inside, 0.0)
    return (worth - float(intent.limit)) * 100 * intent.qty - float(trade.fees)


@pytest.mark.parametrize("intent", [CONDOR, CALL])
def test_probabilities_and_value_are_those_of_a_monte_carlo(intent: OrderIntent) -> None:
    trade = analyse(intent, VIEW)
    assert trade.outcome is not None
    odds = trade.outcome.odds
    made = profits(intent, trade, closes())
    error = 4 * 0.5 / np.sqrt(PATHS) + 0.001  # four deviations, and a cent of the grid
    assert odds.profit == pytest.approx(np.mean(made > 0), abs=error)
    assert trade.max_loss is not None
    worst = np.mean(made <= -float(trade.max_loss) + 0.005)
    assert odds.max_loss == pytest.approx(worst, abs=error)
    if trade.max_profit is not None:
        best = np.mean(made >= float(trade.max_profit) - 0.005)
        assert odds.max_profit == pytest.approx(best, abs=error)
    spread = float(made.std()) / np.sqrt(PATHS)
    assert trade.outcome.value_after_costs == pytest.approx(float(made.mean()), abs=5 * spread + 1)


def test_value_before_costs_is_about_nothing_and_after_them_minus_the_costs() -> None:
    trade = analyse(CONDOR, VIEW)
    assert trade.outcome is not None
    assert trade.slippage is not None
    before, after = trade.outcome.value_before_costs, trade.outcome.value_after_costs
    assert before is not None
    costs = float(trade.slippage + trade.fees)
    assert after == pytest.approx(before - costs)
    assert abs(before) < costs  # mids are rounded to the cent, the smile is not
    assert after < 0


def test_each_short_strike_is_touched_twice_as_often_as_passed() -> None:
    trade = analyse(CONDOR, VIEW)
    assert trade.outcome is not None
    ends = closes()
    low, high = trade.outcome.touches
    assert low.probability == pytest.approx(2 * np.mean(ends < float(low.price)), abs=0.01)
    assert high.probability == pytest.approx(2 * np.mean(ends > float(high.price)), abs=0.01)
    bought = analyse(CALL, VIEW).outcome
    assert bought is not None
    assert [touch.price for touch in bought.touches] == pytest.approx([Decimal("673.96")], abs=1)


def test_the_ladder_ends_in_the_payoff_and_counts_fees() -> None:
    trade = analyse(CONDOR, VIEW, flat_by=LEAVE)
    assert trade.ladder is not None
    ladder = trade.ladder
    assert ladder.times == (VIEW.now, VIEW.now + timedelta(minutes=30), LEAVE, SESSION.close)
    assert ladder.grid.pnl.shape == (4, len(VOLS), len(SIGMAS))
    ends = profits(CONDOR, trade, ladder.grid.spots)
    for level in range(len(VOLS)):
        assert ladder.grid.pnl[-1, level] == pytest.approx(ends)
    assert trade.max_loss is not None
    assert ladder.grid.pnl.min() >= -float(trade.max_loss) - 1e-6


def test_a_profile_has_every_corner_of_the_payoff() -> None:
    trade = analyse(CONDOR, VIEW)
    assert trade.profile is not None
    shown = set(trade.profile.spots.tolist())
    assert {float(leg.contract.strike) for leg in CONDOR.legs} <= shown
    assert trade.max_profit is not None
    assert trade.max_loss is not None
    assert trade.profile.close.max() == pytest.approx(float(trade.max_profit))
    assert trade.profile.close.min() == pytest.approx(-float(trade.max_loss))
    assert trade.profile.close == pytest.approx(profits(CONDOR, trade, trade.profile.spots))


def test_without_a_smile_nothing_is_claimed() -> None:
    blind = replace(VIEW, chain=replace(VIEW.chain, strikes=(), total_vols=()))
    trade = analyse(CONDOR, blind)
    assert (trade.outcome, trade.ladder, trade.profile) == (None, None, None)
