"""How a trading day is shaped: tables measured on SPY minutes and SPX same-day options.

Sources: 297 full SPY days of 2024-02 to 2025-07 for the shares and 566 days of 2023-11 to
2026-02 for the implied variance and the smile. Time in the day is a fraction of the session,
so a half day is a full one in miniature, as the recorded half days are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from paper_exchange.feed.synthetic_random import Floats

FULL_DAY: Final = 390  # minutes

# Percent of the day in each half hour from 09:30.
_VOLUME: Final = (11.3, 8.5, 7.1, 6.5, 5.5, 5.0, 4.8, 4.9, 4.9, 6.0, 6.2, 7.5, 21.8)
_VARIANCE: Final = (14.0, 12.8, 9.4, 7.4, 6.2, 5.5, 5.2, 5.6, 5.3, 6.3, 6.0, 5.8, 10.6)

# How much more than their neighbours the first and the last minutes have.
_VOLUME_FIRST: Final = (3.4, 1.25, 1.15, 1.1, 1.05)
_VOLUME_LAST: Final = (1.7, 1.5, 1.4, 1.5, 1.7, 2.2, 2.0, 2.2, 3.2, 9.0)
_VARIANCE_FIRST: Final = (3.4, 2.0, 1.7, 1.7, 1.45, 1.3, 1.2, 1.2)
_VARIANCE_LAST: Final = (3.0, 1.3, 1.0, 1.0, 1.6, 1.6, 1.0, 1.0, 1.0, 2.6)

# Minutes from the open, and what is then left of the variance implied at 09:35.
_LEFT_AT: Final = (0.0, 5.0, 30.0, 60.0, 90.0, 150.0, 210.0, 270.0, 330.0, 360.0, 390.0)
_LEFT: Final = (1.03, 1.0, 0.90, 0.752, 0.649, 0.506, 0.386, 0.251, 0.142, 0.0897, 0.0)

# Ratio of total volatility to the money's: 1 + a z + b z^2 + c z^3, z in ATM total vols.
_SMILE_AT: Final = (5.0, 30.0, 60.0, 90.0, 150.0, 210.0, 270.0, 330.0, 360.0)
_SMILE: Final = (
    (-0.118, -0.113, -0.109, -0.104, -0.100, -0.091, -0.074, -0.057, -0.043),
    (0.037, 0.042, 0.048, 0.051, 0.054, 0.055, 0.057, 0.057, 0.050),
    (0.014, 0.013, 0.011, 0.009, 0.008, 0.006, 0.005, 0.004, 0.003),
)
_SMILE_REACH: Final = 2.0  # beyond it the ratio is a straight line
_SMILE_END: Final = 12.0  # and beyond this, level


@lru_cache(maxsize=8)
def volume_shares(minutes: int) -> Floats:
    """Return each minute's share of the day's volume, of a session so many minutes long."""
    return _shares(_VOLUME, _VOLUME_FIRST, _VOLUME_LAST, minutes)


@lru_cache(maxsize=8)
def variance_shares(minutes: int) -> Floats:
    """Return each minute's share of the day's variance, summing to 1."""
    return _shares(_VARIANCE, _VARIANCE_FIRST, _VARIANCE_LAST, minutes)


def variance_left(fraction: ArrayLike) -> Floats:
    """Return what is left of the variance implied at 09:35, at a fraction of the session."""
    return np.asarray(np.interp(np.asarray(fraction) * FULL_DAY, _LEFT_AT, _LEFT))


def smile_ratio(z: ArrayLike, fraction: ArrayLike) -> Floats:
    """Return total volatility at z = ln(K/F) / (ATM total vol), as a ratio to the money's."""
    minute = np.asarray(fraction) * FULL_DAY
    a, b, c = (np.interp(minute, _SMILE_AT, row) for row in _SMILE)
    z = np.clip(z, -_SMILE_END, _SMILE_END)
    inner = np.clip(z, -_SMILE_REACH, _SMILE_REACH)
    slope = a + inner * (2.0 * b + inner * 3.0 * c)
    return np.asarray(1.0 + inner * (a + inner * (b + inner * c)) + (z - inner) * slope)


def _shares(
    table: tuple[float, ...], first: tuple[float, ...], last: tuple[float, ...], minutes: int
) -> Floats:
    """Spread half-hour shares over minutes, keeping each part's sum on a full day."""
    part = np.minimum(np.arange(minutes) * len(table) // minutes, len(table) - 1)
    centre = (np.arange(len(table)) + 0.5) * minutes / len(table)
    shape = np.interp(np.arange(minutes) + 0.5, centre, table)
    shape[: len(first)] *= first
    shape[-len(last) :] *= last
    sums = np.bincount(part, weights=shape)
    shares = shape * (np.asarray(table) / sums)[part]
    shares /= shares.sum()
    shares.setflags(write=False)
    return np.asarray(shares)
