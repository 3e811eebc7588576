"""The smile s(K) through solved strikes, and the distribution of the close it implies.

Between strikes s is a monotone cubic (Fritsch and Butland's slopes): continuous slope, no
overshoot between noisy quotes. Outside the outermost strikes nothing is known and the answer
is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from common.pricing import black76
from common.pricing.normal import Floats, cdf, pdf

_REACH: Final = 7.0  # standard deviations the distribution's fine grid spans
_POINTS: Final = 701  # 0.02 standard deviations apart: interpolation error about 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMove:
    """How far the close may be from the forward, dollars per share.

    straddle: the at-the-money straddle, E|S_T - F|. one_sigma: 1.2533 straddles, a 68.3% band.
    half_band: 0.85 straddles, which is a 50.2% band and often mislabelled one sigma.
    """

    straddle: float
    one_sigma: float
    half_band: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The risk-neutral distribution of the closing price, from the smile's digital calls.

    grid: prices, ascending; above: P(S_T > price) on it, made non-increasing. violation: the
    largest amount the raw digitals failed to be so, 0 on a smile without arbitrage. Where the
    smile is not known, outside the grid, probabilities are NaN.
    """

    forward: float
    grid: Floats
    above: Floats
    violation: float

    def prob_above(self, price: ArrayLike) -> Floats:
        """Return P(S_T > price), shape of price; 1 at or below 0."""
        x = np.asarray(price, dtype=np.float64)
        inside = _interp(x, self.grid, self.above)
        return np.asarray(np.where(x <= 0, 1.0, np.where(x == np.inf, 0.0, inside)))

    def prob_between(self, low: float, high: float) -> float:
        """Return P(low < S_T <= high); low <= 0 and high = inf are certain bounds."""
        return float(self.prob_above(low) - self.prob_above(high)) if high > low else 0.0

    def prob_touch(self, price: float) -> float:
        """Return the chance that the underlying trades at price before the close.

        Twice the chance of ending beyond it, at most 1: the reflection principle, exact for a
        driftless walk and a little high for a real one.
        """
        ends_above = float(self.prob_above(price))
        beyond = ends_above if price >= self.forward else 1.0 - ends_above
        return min(1.0, 2.0 * beyond) if beyond == beyond else beyond

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return the price with P(S_T <= price) = probability; NaN outside what is known."""
        p = np.asarray(probability, dtype=np.float64)
        return _interp(p, 1.0 - self.above, self.grid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smile:
    """Total volatility by strike of one expiry; arrays of one length, strikes ascending.

    slopes are ds/dK at the strikes. Built by through(), which drops what is not known.
    """

    forward: float
    strikes: Floats
    total_vols: Floats
    slopes: Floats

    @classmethod
    def through(cls, forward: float, strikes: ArrayLike, total_vols: ArrayLike) -> Smile:
        """Return the smile through the strikes whose total volatility is a positive number.

        strikes must ascend, without repeats: ValueError otherwise.
        """
        k = np.asarray(strikes, dtype=np.float64)
        s = np.asarray(total_vols, dtype=np.float64)
        if k.shape != s.shape or k.ndim != 1:
            raise ValueError(f"need two lists of one length, was {k.shape} and {s.shape}")
        if not (np.diff(k) > 0).all():
            raise ValueError("strikes must ascend without repeats")
        known = (s > 0) & (s < np.inf)
        k, s = k[known], s[known]
        return cls(forward=forward, strikes=k, total_vols=s, slopes=_slopes(k, s))

    def total_vol(self, strike: ArrayLike) -> Floats:
        """Return s at strikes, NaN outside the outermost ones; shape of strike."""
        return self._evaluate(strike)[0]

    def prob_above(self, strike: ArrayLike) -> Floats:
        """Return the raw digital P(S_T > strike) = -dC/dK, skew included, not made monotone.

        N(d2) - F phi(d1) ds/dK. For probabilities that add up use distribution().
        """
        k = np.asarray(strike, dtype=np.float64)
        s, slope = self._evaluate(k)
        with np.errstate(all="ignore"):
            d1 = np.log(self.forward / k) / s + 0.5 * s
            return np.asarray(cdf(d1 - s) - self.forward * pdf(d1) * slope)

    def price(self, strike: ArrayLike, is_call: ArrayLike) -> Floats:
        """Return model prices per share at strikes, dollars; NaN outside the smile."""
        return black76.price(self.forward, strike, self.total_vol(strike), is_call)

    def distribution(self) -> Distribution:
        """Return the distribution of the close, its digitals made non-increasing.

        Noisy quotes can make digitals rise somewhere; there the midpoint between the running
        minimum and maximum is taken, which changes nothing where they already fall.
        """
        grid = self._grid()
        raw = np.clip(self.prob_above(grid), 0.0, 1.0)
        grid, raw = grid[~np.isnan(raw)], raw[~np.isnan(raw)]
        floor = np.minimum.accumulate(raw)
        ceiling = np.maximum.accumulate(raw[::-1])[::-1]
        violation = float(np.max(ceiling - floor, initial=0.0))
        above = 0.5 * (floor + ceiling)
        return Distribution(forward=self.forward, grid=grid, above=above, violation=violation)

    def expected_move(self) -> ExpectedMove:
        """Return the expected move to the close; NaN when the forward is outside the smile."""
        at_money = float(self.total_vol(self.forward))
        straddle = 2.0 * self.forward * (2.0 * float(cdf(0.5 * at_money)) - 1.0)
        return ExpectedMove(
            straddle=straddle, one_sigma=sqrt(pi / 2) * straddle, half_band=0.85 * straddle
        )

    def _grid(self) -> Floats:
        """Return the strikes and a fine grid around the forward, within the strikes."""
        if self.strikes.size == 0:
            return self.strikes
        widest = float(np.interp(self.forward, self.strikes, self.total_vols))
        fine = self.forward * np.exp(widest * np.linspace(-_REACH, _REACH, _POINTS))
        fine = fine[(fine > self.strikes[0]) & (fine < self.strikes[-1])]
        return np.union1d(self.strikes, fine)

    def _evaluate(self, strike: ArrayLike) -> tuple[Floats, Floats]:
        """Return s and ds/dK by the cubic between the two strikes around each."""
        x = np.asarray(strike, dtype=np.float64)
        k, s, m = self.strikes, self.total_vols, self.slopes
        if k.size < 2:
            known = np.isin(x, k)
            return (
                np.where(known, s[0] if k.size else np.nan, np.nan),
                np.where(known, 0.0, np.nan),
            )
        i = np.clip(np.searchsorted(k, x, side="right") - 1, 0, k.size - 2)
        width = k[i + 1] - k[i]
        u = (x - k[i]) / width
        rise = (s[i + 1] - s[i]) / width
        quadratic = 3.0 * rise - 2.0 * m[i] - m[i + 1]
        cubic = m[i] + m[i + 1] - 2.0 * rise
        value = s[i] + width * u * (m[i] + u * (quadratic + u * cubic))
        slope = m[i] + u * (2.0 * quadratic + 3.0 * u * cubic)
        inside = (x >= k[0]) & (x <= k[-1])
        return np.where(inside, value, np.nan), np.where(inside, slope, np.nan)


def _interp(x: Floats, grid: Floats, values: Floats) -> Floats:
    """Interpolate linearly, NaN outside the grid."""
    if grid.size == 0:
        return np.full(x.shape, np.nan)
    return np.asarray(np.interp(x, grid, values, left=np.nan, right=np.nan))


def _slopes(k: Floats, s: Floats) -> Floats:
    """Return slopes at the knots of a cubic that never overshoots its data.

    Source: Fritsch and Butland (1984), a weighted harmonic mean, 0 at a turning point.
    """
    if k.size < 2:
        return np.zeros(k.shape)
    width = np.diff(k)
    rise = np.diff(s) / width
    slopes = np.empty(k.shape)
    slopes[0], slopes[-1] = rise[0], rise[-1]
    left, right = rise[:-1], rise[1:]
    heavy_right, heavy_left = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    with np.errstate(all="ignore"):
        mean = (heavy_left + heavy_right) / (heavy_right / left + heavy_left / right)
    slopes[1:-1] = np.where(left * right > 0, mean, 0.0)
    return slopes
