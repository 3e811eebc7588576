"""Black (1976) on a forward with no discounting, in terms of total volatility.

Everything about a same-day option settles on one date, so there is no carry: the forward is the
parity forward and the discount factor is 1. total_vol is sigma * sqrt(T), dimensionless.

Every function broadcasts and takes dollars; NaN where an input is NaN or the forward, strike or
total volatility is not positive. Puts and calls are told apart by is_call, bool or array of bool.

Source: Black (1976) with zero carry; Hull, Options, Futures and Other Derivatives, ch. 18-19.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from common.pricing.clocks import TRADING_MINUTES, floored
from common.pricing.normal import Floats, cdf, pdf


def price(
    forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike, is_call: ArrayLike
) -> Floats:
    """Return the undiscounted price per share, dollars.

    Computed on the out-of-the-money side and carried over by parity, C - P = F - K, so a deep
    in-the-money price loses nothing to cancellation.
    """
    f, k, s = _inputs(forward, strike, total_vol)
    with np.errstate(all="ignore"):
        side = np.where(f <= k, 1.0, -1.0)
        d1 = np.log(f / k) / s + 0.5 * s
        value = side * (f * cdf(side * d1) - k * cdf(side * (d1 - s)))
        intrinsic = np.maximum(np.where(is_call, f - k, k - f), 0.0)
        return np.asarray(np.maximum(value, 0.0) + intrinsic)


def delta(
    forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike, is_call: ArrayLike
) -> Floats:
    """Return d(price)/d(forward), per share: in (0, 1) for calls and (-1, 0) for puts."""
    d1, _, _ = _d1(forward, strike, total_vol)
    side = np.where(is_call, 1.0, -1.0)
    return np.asarray(side * cdf(side * d1))


def gamma(forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike) -> Floats:
    """Return d(delta)/d(forward), per share per $1; the same for calls and puts."""
    d1, f, s = _d1(forward, strike, total_vol)
    with np.errstate(all="ignore"):
        return np.asarray(pdf(d1) / (f * s))


def theta(
    forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike, minutes: ArrayLike
) -> Floats:
    """Return the change of price per minute of variance time passing, dollars per share, <= 0.

    minutes: left to the close, floored at 1. Per minute, because a same-day option's "theta per
    day" exceeds its premium.
    """
    d1, f, s = _d1(forward, strike, total_vol)
    return np.asarray(-0.5 * f * pdf(d1) * s / floored(minutes))


def vega(forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike, minutes: ArrayLike) -> Floats:
    """Return the change of price per 0.01 of trading-clock volatility, dollars per share."""
    d1, f, _ = _d1(forward, strike, total_vol)
    return np.asarray(0.01 * f * pdf(d1) * np.sqrt(floored(minutes) / TRADING_MINUTES))


def prob_above(forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike) -> Floats:
    """Return P(S_T > strike) on a flat smile, N(d2)."""
    d1, _, s = _d1(forward, strike, total_vol)
    return cdf(d1 - s)


def prob_below(forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike) -> Floats:
    """Return P(S_T < strike) on a flat smile, N(-d2), exact in the far tail."""
    d1, _, s = _d1(forward, strike, total_vol)
    return cdf(s - d1)


def _d1(
    forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Return d1 with the forward and the total volatility it came from."""
    f, k, s = _inputs(forward, strike, total_vol)
    with np.errstate(all="ignore"):
        return np.asarray(np.log(f / k) / s + 0.5 * s), f, s


def _inputs(
    forward: ArrayLike, strike: ArrayLike, total_vol: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Return the three as float64 with NaN for whatever is not positive and finite."""
    f, k, s = (np.asarray(x, dtype=np.float64) for x in (forward, strike, total_vol))
    return _positive(f), _positive(k), _positive(s)


def _positive(x: Floats) -> Floats:
    return np.asarray(np.where((x > 0) & (x < np.inf), x, np.nan))
