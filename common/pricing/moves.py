"""How far the underlying went in a window of the clock, day after day, from its minute bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np

from common.pricing.normal import Floats

SESSION_MINUTES: Final = 390
DECAY: Final = 0.94  # a day's weight against the next one's, RiskMetrics (1996)
_MEMORY: Final = 75  # days; what is older weighs under 1 %
_WARM_UP: Final = 20  # days a volatility is taken from at least


@dataclass(frozen=True, kw_only=True, eq=False)
class MoveHistory:
    """Full sessions by rising day. prices[d, m]: dollars m minutes after the open, m = 0 to 390.

    NaN where a minute is not known. Half days are left out: their clock is another.
    """

    days: tuple[date, ...]
    prices: Floats

    def standardised(self, start: float, left: float, horizon: float) -> Floats:
        """Return one move per day, in units of the volatility known on that day's morning.

        start: minutes after the open; left: to the close, of today; horizon: minutes, at most
        left. A day's log return over the horizon is divided by the expected volatility of
        start to start + left, an exponential mean over the days before: dividing by what came
        after would take out the jumps that are looked for. Days without either are left out.

        Source: filtered historical simulation, Barone-Adesi, Giannopoulos and Vosper (1999).
        """
        first = int(min(max(round(start), 0), SESSION_MINUTES - 1))
        last = min(first + max(round(left), 1), SESSION_MINUTES)
        end = min(first + max(round(min(horizon, left)), 1), last)
        with np.errstate(all="ignore"):
            moves = np.log(self.prices[:, end] / self.prices[:, first])
            moves = moves / np.sqrt(_expected(self._variance(first, last)))
        return np.asarray(moves[np.isfinite(moves)])

    def realised(self, start: float, left: float) -> Floats:
        """Return each day's realised total volatility from start on, NaN where not known."""
        first = int(min(max(round(start), 0), SESSION_MINUTES - 1))
        last = min(first + max(round(left), 1), SESSION_MINUTES)
        return np.sqrt(self._variance(first, last))

    @cached_property
    def _summed(self) -> Floats:
        """Squared one-minute returns summed from the open; the same shape as prices."""
        with np.errstate(all="ignore"):
            squares = np.diff(np.log(self.prices), axis=1) ** 2
        return np.concatenate([np.zeros((len(self.days), 1)), np.cumsum(squares, axis=1)], axis=1)

    def _variance(self, first: int, last: int) -> Floats:
        return np.asarray(self._summed[:, last] - self._summed[:, first])


def _expected(variance: Floats) -> Floats:
    """Return each day's expectation from the days before, NaN while there are too few."""
    known = np.isfinite(variance)
    weights = DECAY ** np.arange(_MEMORY)
    size = variance.size
    past = np.convolve(np.where(known, variance, 0.0), weights)[:size]
    mass = np.convolve(known.astype(np.float64), weights)[:size]
    expected = np.full(size, np.nan)
    with np.errstate(all="ignore"):
        expected[1:] = (past / mass)[:-1]
    seen = np.concatenate([[0], np.cumsum(known)[:-1]]) if size else np.zeros(0)
    return np.where(seen >= _WARM_UP, expected, np.nan)
