"""Whether losses passed their value at risk as often as they should: counted day by day."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, erfc, log, sqrt
from typing import Final

import numpy as np

from common.pricing.normal import Floats
from services.analysis.scenarios import Valuer

WINDOW: Final = 250  # days each day's value at risk is taken from
TESTED_LEAST: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceedances:
    """Days of a level's value at risk that lost more. p_value: Kupiec's; small rejects the level.

    A level is what VaR promises not to pass: 0.99 expects one day in a hundred.
    """

    level: float
    days: int
    expected: float
    count: int
    p_value: float


def backtest(
    valuer: Valuer, moves: Floats, horizon: float, levels: tuple[float, ...] = (0.95, 0.99)
) -> tuple[Exceedances, ...]:
    """Return how often today's book, on today's smile, would have passed its VaR.

    moves: log returns by rising day, scaled to today's volatility. Each day is judged by the 250
    before it alone. Empty while fewer than 60 days can be judged.
    """
    losses = -valuer.pnl(np.exp(moves), valuer.minutes - horizon, 1.0)
    days = losses.size - WINDOW
    if days < TESTED_LEAST:
        return ()
    before = np.sort(np.lib.stride_tricks.sliding_window_view(losses[:-1], WINDOW), axis=1)
    return tuple(_judged(losses[WINDOW:], before, level) for level in levels)


def kupiec(days: int, count: int, level: float) -> float:
    """Return the p-value of the proportion of failures, by its likelihood ratio.

    Source: Kupiec (1995), Techniques for verifying the accuracy of risk measurement models.
    """
    p, share = 1.0 - level, count / days

    def likelihood(probability: float) -> float:
        hit = count * log(probability) if count else 0.0
        return hit + ((days - count) * log(1.0 - probability) if count < days else 0.0)

    return erfc(sqrt(max(likelihood(share) - likelihood(p), 0.0)))


def _judged(losses: Floats, before: Floats, level: float) -> Exceedances:
    """Compare each loss with the VaR of the window before it, its worst losses counted down."""
    rank = ceil(WINDOW * (1.0 - level) - 1e-9)
    value_at_risk = np.maximum(before[:, -rank], 0.0)
    count = int(np.sum(losses > value_at_risk + 1e-9))
    return Exceedances(
        level=level,
        days=losses.size,
        expected=losses.size * (1.0 - level),
        count=count,
        p_value=kupiec(losses.size, count, level),
    )
