"""Total volatility to an annual implied volatility, on the two clocks people quote.

Time is minutes to the close, floored at one: near the end the quotient diverges while the
quotes still carry information. No minutes left, or an unknown number, is NaN, never 0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from common.pricing.normal import Floats

TRADING_MINUTES: Final = 390 * 252  # a year of regular sessions; comparable with VIX1D
CALENDAR_MINUTES: Final = 365 * 24 * 60  # what most vendors show
FLOOR_MINUTES: Final = 1.0


def floored(minutes: ArrayLike) -> Floats:
    """Return minutes, at least 1.0; NaN where they are not positive or not known."""
    left = np.asarray(minutes, dtype=np.float64)
    return np.asarray(np.where(left > 0, np.maximum(left, FLOOR_MINUTES), np.nan))


def iv_trading(total_vol: ArrayLike, minutes: ArrayLike) -> Floats:
    """Return annual volatility on the trading clock; minutes: of regular session left."""
    return np.asarray(
        np.asarray(total_vol, np.float64) * np.sqrt(TRADING_MINUTES / floored(minutes))
    )


def iv_calendar(total_vol: ArrayLike, minutes_calendar: ArrayLike) -> Floats:
    """Return annual volatility on the calendar clock; minutes: nights and weekends included.

    On expiry day both clocks count the same minutes and this is 2.3126 times iv_trading.
    """
    left = floored(minutes_calendar)
    return np.asarray(np.asarray(total_vol, np.float64) * np.sqrt(CALENDAR_MINUTES / left))


def total_vol_trading(iv: ArrayLike, minutes: ArrayLike) -> Floats:
    """Return the total volatility of an annual one on the trading clock."""
    return np.asarray(np.asarray(iv, np.float64) * np.sqrt(floored(minutes) / TRADING_MINUTES))
