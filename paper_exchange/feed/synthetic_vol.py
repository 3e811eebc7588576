"""Implied volatility: what the money costs now, for today's expiry and later ones."""

from __future__ import annotations

from typing import Final

import numpy as np

from paper_exchange.feed.assets import Listing
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_path import TICKS, Path
from paper_exchange.feed.synthetic_profile import smile_ratio, variance_left
from paper_exchange.feed.synthetic_random import Floats, Ints, key, normal

_HALF_HOURS: Final = 13
_MOOD: Final = 0.060  # size of ln(sigma) noise at each half hour
_SPOT_VOL: Final = -0.24  # d ln IV per 1% of the market's spot
_SPOT_VOL_MOST: Final = 0.8
_SPY_VOL: Final = 0.094
_LEAST: Final = 2e-5  # total volatility at and past the close: all but intrinsic value


class Surface:
    """Total volatility, sigma * sqrt(T), by tick and strike of one underlying."""

    def __init__(self, market: Market, listing: Listing) -> None:
        self._market, self._listing = market, listing

    def at_the_money(
        self, index: int, ahead: int, ticks: Ints, levels: Floats
    ) -> tuple[Floats, Floats]:
        """Return the money's total vol and the time of day the smile is shaped by.

        ahead: sessions from the day index to the expiry. levels: spot at each tick. The
        second result is a fraction of the session, 0 for what does not expire today.
        """
        days = self._market.days(self._listing)
        path = self._market.path(self._listing, index)
        fraction = np.clip((ticks + 1) / (path.minutes * TICKS), 0.0, 1.0)
        mood = np.exp(self._mood(index, fraction) + self._spot_vol(path, levels))
        today = float(days.implied[index]) ** 2 * variance_left(fraction) * mood**2
        if not ahead:
            return np.maximum(np.sqrt(today), _LEAST), fraction
        later = days.forward_variance(index, ahead) * mood
        return np.sqrt(today + later), np.zeros_like(fraction)

    def total_vol(self, index: int, ahead: int, ticks: Ints, log_moneyness: Floats) -> Floats:
        """Return total volatility at ln(K/F) of each pair of tick and strike."""
        levels = self._market.path(self._listing, index).levels(ticks)
        money, shape = self.at_the_money(index, ahead, ticks, levels)
        return np.asarray(money * smile_ratio(log_moneyness / money, shape))

    def _mood(self, index: int, fraction: Floats) -> Floats:
        day = self._market.day(self._listing, index).toordinal()
        knots = normal(
            key(self._market.seed, self._listing.symbol, day, "mood"), np.arange(_HALF_HOURS + 1)
        )
        return np.asarray(
            _MOOD * np.interp(fraction * _HALF_HOURS, np.arange(_HALF_HOURS + 1), knots)
        )

    def _spot_vol(self, path: Path, levels: Floats) -> Floats:
        percent = 100 * (np.log(levels) - path.bounds[0])
        slope = _SPOT_VOL * _SPY_VOL / self._listing.vol
        return np.asarray(np.clip(slope * percent, -_SPOT_VOL_MOST, _SPOT_VOL_MOST))
