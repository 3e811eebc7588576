"""Tails against brute force: every path revalued leg by leg, sorted, and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil, exp, sqrt

import numpy as np
import pytest

from common.pricing.moves import DECAY, MoveHistory
from common.pricing.smile import Smile
from services.analysis.backtest import WINDOW, backtest, kupiec
from services.analysis.scenarios import HeldLeg, Valuer, one_sigma
from services.analysis.var import (
    TO_CLOSE,
    VOL_OF_VOL,
    book_risk,
    historical_moves,
    historical_tail,
    smile_moves,
    tail,
)
from tests.builders import make_chain
from tests.services.analysis.books import CONDOR, MIXED, history, worth

CHAIN = make_chain()
PAST = history()


def brute_moves(past: MoveHistory, start: int, left: int, ahead: int) -> list[float]:
    """Return each day's standardised move by loops over its minutes."""
    variances = [
        sum(np.log(day[m + 1] / day[m]) ** 2 for m in range(start, start + left))
        for day in past.prices
    ]
    moves = []
    for d, day in enumerate(past.prices):
        if d < 20:
            continue
        before = variances[max(d - 75, 0) : d][::-1]
        weights = [DECAY**age for age in range(len(before))]
        expected = sum(w * v for w, v in zip(weights, before, strict=True)) / sum(weights)
        moves.append(np.log(day[start + ahead] / day[start]) / sqrt(expected))
    return moves


@pytest.mark.parametrize("legs", [CONDOR, MIXED])
@pytest.mark.parametrize("ahead", [5, 30])
def test_the_historical_tail_is_the_brute_force_one(legs: tuple[HeldLeg, ...], ahead: int) -> None:
    start, left = 35, 355  # 10:05 of a full day
    sigma = one_sigma(CHAIN)
    now = worth(legs, CHAIN, 1.0, CHAIN.minutes, 1.0)
    losses = sorted(
        (
            now - worth(legs, CHAIN, exp(move * sigma), CHAIN.minutes - ahead, 1.0)
            for move in brute_moves(PAST, start, left, ahead)
        ),
        reverse=True,
    )
    n = len(losses)
    found = book_risk(legs, CHAIN, PAST, ahead).historical
    assert found is not None
    assert found.moves == n == 480
    assert found.var_95 == pytest.approx(max(losses[ceil(n * 0.05) - 1], 0), abs=1e-5)
    assert found.var_99 == pytest.approx(max(losses[ceil(n * 0.01) - 1], 0), abs=1e-5)
    worst = losses[: int(n * 0.025)]  # 12 cases, whole
    assert found.es_975 == pytest.approx(sum(worst) / len(worst), abs=1e-5)


def test_the_smiles_tail_is_that_of_a_monte_carlo_on_the_same_smile() -> None:
    ahead = 120.0
    rng = np.random.default_rng(11)
    smile = Smile.through(CHAIN.forward, CHAIN.strikes, CHAIN.total_vols)
    size = 60_000
    close = np.log(smile.distribution().quantile(rng.uniform(size=size)) / CHAIN.forward)
    close = close[np.isfinite(close)]
    moves = close * sqrt(ahead / CHAIN.minutes)
    vols = np.exp(VOL_OF_VOL * sqrt(ahead / 60) * rng.normal(size=moves.size))
    pnl = Valuer.of(CONDOR, CHAIN).pnl(np.exp(moves), CHAIN.minutes - ahead, vols)
    losses = np.sort(-pnl)[::-1]
    found = book_risk(CONDOR, CHAIN, None, ahead).smile
    assert found is not None
    assert found.var_95 == pytest.approx(losses[int(losses.size * 0.05)], rel=0.03)
    assert found.var_99 == pytest.approx(losses[int(losses.size * 0.01)], rel=0.03)
    assert found.es_975 == pytest.approx(losses[: int(losses.size * 0.025)].mean(), rel=0.03)


def test_the_smiles_moves_have_its_own_probabilities() -> None:
    moves, weights = smile_moves(CHAIN, CHAIN.minutes)
    assert weights.sum() == pytest.approx(1.0)
    spread = Smile.through(CHAIN.forward, CHAIN.strikes, CHAIN.total_vols).distribution()
    for price in (660.0, 667.0, 670.0, 674.0):
        above = weights[moves > np.log(price / CHAIN.forward)].sum()
        assert above == pytest.approx(float(spread.prob_above(price)), abs=0.02)


def test_the_worse_of_two_tails_counts_and_the_worst_cell_lies_beyond() -> None:
    found = book_risk(CONDOR, CHAIN, PAST, 30.0)
    assert found.smile is not None
    assert found.historical is not None
    assert found.var_99 == max(found.smile.var_99, found.historical.var_99)
    assert found.es_975 == max(found.smile.es_975, found.historical.es_975)
    assert found.var_95 is not None
    assert found.var_99 is not None
    assert found.es_975 is not None
    assert found.worst_cell is not None
    assert found.var_95 <= found.var_99
    assert found.es_975 <= -found.worst_cell.pnl + 1e-6


def test_near_the_close_var_of_a_short_book_falls_and_shortfall_tells_the_tail() -> None:
    late = make_chain(now=CHAIN.at + timedelta(minutes=345))
    far = tuple(replace(leg, price=None) for leg in CONDOR)
    found = book_risk(far, late, PAST, TO_CLOSE)
    assert found.var_95 == 0.0
    assert found.es_975 is not None
    assert found.worst_cell is not None
    assert -found.worst_cell.pnl > 50 * max(found.es_975, 1.0)


def test_an_empty_book_risks_nothing_and_one_without_a_price_is_not_known() -> None:
    empty = book_risk((), CHAIN, PAST, 30.0)
    assert (empty.var_95, empty.var_99, empty.es_975) == (0.0, 0.0, 0.0)
    blind = book_risk(CONDOR, replace(CHAIN, strikes=()), PAST, 30.0)
    assert (blind.var_95, blind.var_99, blind.es_975, blind.worst_cell) == (None,) * 4
    assert blind.unknown == ("the chain has no smile to value a book on",)


def test_too_few_days_are_said_and_the_smile_stands_alone() -> None:
    found = book_risk(CONDOR, CHAIN, history(days=200), 30.0)
    assert found.historical is None
    assert found.smile is not None
    assert found.var_99 == found.smile.var_99
    assert found.short == "180 days of history, 250 are needed"


def test_days_with_a_missing_minute_are_left_out() -> None:
    prices = PAST.prices.copy()
    prices[100, 35] = np.nan
    moves = MoveHistory(days=PAST.days, prices=prices).standardised(35, 355, 30)
    assert moves.size == 479


def test_a_tail_takes_a_case_in_part() -> None:
    found = tail(np.array([100.0, 10.0, 0.0]), np.array([0.01, 0.03, 0.96]), "by hand")
    assert (found.var_99, found.var_95) == (100.0, 0.0)
    assert found.es_975 == pytest.approx((100 * 0.01 + 10 * 0.015) / 0.025)


def test_kupiec_against_published_values() -> None:
    """Kupiec (1995), table: at 99 % over 255 days fewer than 7 failures pass at 5 %."""
    assert kupiec(255, 6, 0.99) > 0.05 > kupiec(255, 7, 0.99)
    assert kupiec(255, 6, 0.95) < 0.05 < kupiec(255, 7, 0.95)
    assert kupiec(255, 20, 0.95) > 0.05 > kupiec(255, 21, 0.95)
    assert kupiec(1000, 10, 0.99) == 1.0


def test_the_backtest_counts_by_brute_force() -> None:
    valuer = Valuer.of(MIXED, CHAIN)
    moves = historical_moves(CHAIN, PAST, 30.0)
    losses = [-float(valuer.pnl(exp(move), CHAIN.minutes - 30, 1.0)) for move in moves]
    for found in backtest(valuer, moves, 30.0):
        passed = 0
        for day in range(WINDOW, len(losses)):
            window = sorted(losses[day - WINDOW : day], reverse=True)
            passed += losses[day] > max(window[ceil(WINDOW * (1 - found.level) - 1e-9) - 1], 0)
        assert found.count == passed
        assert found.days == len(losses) - WINDOW == 230
        assert found.p_value == kupiec(found.days, found.count, found.level)


def test_a_level_that_is_wrong_is_rejected() -> None:
    """Moves twice as large from some day on pass their VaR far more often than they should."""
    moves = historical_moves(CHAIN, PAST, 30.0).copy()
    moves[WINDOW:] *= 2.5
    calm, wild = (
        backtest(Valuer.of(MIXED, CHAIN), m, 30.0)[1]
        for m in (historical_moves(CHAIN, PAST, 30.0), moves)
    )
    assert calm.p_value > 0.05 > wild.p_value
    assert wild.count > calm.count
    assert backtest(Valuer.of(MIXED, CHAIN), moves[:300], 30.0) == ()


def test_history_and_today_agree_on_what_is_likely() -> None:
    """Where past days were as wild as the smile implies, their VaR comes out alike."""
    valuer = Valuer.of((HeldLeg(contract=None, qty=100),), CHAIN)
    ahead = CHAIN.minutes
    calm = historical_moves(CHAIN, history(days=1000, fat=False), ahead)
    past = historical_tail(valuer, calm, ahead)
    sigma = one_sigma(CHAIN) * 67_000
    assert past.var_95 == pytest.approx(1.645 * sigma, rel=0.15)
