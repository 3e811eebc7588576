"""The days of one asset: how volatile each is, where it opens and where it closes.

Log volatility is a first-order autoregression over days, which gives the measured spread and
persistence; the log price is a random walk pulled weakly towards the listing's level, so
that prices stay of a familiar size for years. Both start on the calendar's first day, so
a day depends on the seed, the asset and its own date only.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Final

import numpy as np

from paper_exchange.feed.assets import Listing
from paper_exchange.feed.synthetic_profile import FULL_DAY
from paper_exchange.feed.synthetic_random import Floats, Ints, key, normal

_VOL_PERSISTENCE: Final = 0.73  # day-to-day autocorrelation of log volatility
_VOL_SPREAD: Final = 0.40  # standard deviation of log volatility over days
_VOL_MARKET: Final = 0.8  # correlation of an asset's log volatility with the market's
_REVERSION: Final = 0.01  # part of the log distance to its level given back every night
_GAP_TAIL: Final = 0.45  # log-normal spread of the gaps' own volatility
_HALF_DAY: Final = 0.375  # sigma of a session grows with this power of its length
_IMPLIED: Final = 0.955  # median sigma implied at 09:35 over median realised one
_IMPLIED_SLOPE: Final = 0.9  # d ln implied / d ln realised, over days
_IMPLIED_CURVE: Final = 0.4  # a fat right tail: fear is dearer than calm is cheap
_CALM: Final = -1.1  # where that parabola would turn up again
_LONG_RUN: Final = 1.08  # median expected variance of a far day over today's median
_FORGETTING: Final = 0.90  # how much of today's excess variance is expected a day later

MARKET: Final = "market"


class Days:
    """All days of one asset, as arrays over their index in its calendar.

    log_open, log_close: of dollars. sigma: expected size of the day's log move in trading
    hours. implied: total volatility implied for the session, as of 09:35. night: expected size of
    the log gap before it.
    """

    def __init__(self, seed: int, listing: Listing, ordinals: Ints, minutes: Ints) -> None:
        z = _Draws(seed, listing, ordinals)
        year = 365 if listing.round_the_clock else 252
        full = minutes.max(initial=FULL_DAY)
        mood = _autoregression(z("vol", _VOL_MARKET) * _VOL_SPREAD, _VOL_PERSISTENCE)
        length = (minutes / full) ** _HALF_DAY
        median = listing.vol / sqrt(year)
        self.sigma = median * np.exp(mood) * length
        self.implied = implied(median, mood) * length
        self.night = listing.gap * np.exp(mood)
        tail = np.exp(_GAP_TAIL * z("gap-tail", 0.5))
        gaps = self.night * tail * z("gap", listing.market)
        moves = self.sigma * z("move", listing.market)
        self.log_open, self.log_close = _walk(log(listing.level), gaps, moves)
        self._expect(listing, median)

    def _expect(self, listing: Listing, median: float) -> None:
        """Set what far days are expected to be like."""
        self._long_run = (median * _LONG_RUN) ** 2
        self._night_share = (listing.gap / median) ** 2

    def forward_variance(self, index: int, sessions: int) -> float:
        """Return the variance expected on a day of the sessions after it, nights included."""
        excess = float(self.implied[index]) ** 2 - self._long_run
        decay = _FORGETTING ** np.arange(1, sessions + 1)
        total = (self._long_run + excess * decay).sum() * (1.0 + self._night_share)
        return float(max(total, 0.25 * self._long_run * sessions))

    @property
    def moves(self) -> Floats:
        """The log move of each day, open to close."""
        return np.asarray(self.log_close - self.log_open)


def implied(median: float, mood: Floats) -> Floats:
    """Return the total volatility implied at 09:35 for days of a mood, ln(sigma / median)."""
    calm = np.maximum(mood, _CALM)
    return np.asarray(median * _IMPLIED * np.exp(_IMPLIED_SLOPE * calm + _IMPLIED_CURVE * calm**2))


class _Draws:
    """One normal number a day for each purpose, shared in part with the whole market."""

    def __init__(self, seed: int, listing: Listing, ordinals: Ints) -> None:
        self._seed, self._symbol, self._ordinals = seed, listing.symbol, ordinals

    def __call__(self, purpose: str, market: float) -> Floats:
        common = normal(key(self._seed, MARKET, purpose), self._ordinals)
        own = normal(key(self._seed, self._symbol, purpose), self._ordinals)
        return np.asarray(market * common + sqrt(1 - market**2) * own)


def _autoregression(noise: Floats, persistence: float) -> Floats:
    scale = sqrt(1 - persistence**2)
    out, value = [], 0.0
    for step in noise.tolist():
        value = persistence * value + scale * step
        out.append(value)
    return np.asarray(out)


def _walk(level: float, gaps: Floats, moves: Floats) -> tuple[Floats, Floats]:
    opens, closes, away = [], [], 0.0
    for gap, move in zip(gaps.tolist(), moves.tolist(), strict=True):
        away += gap - _REVERSION * away
        opens.append(level + away)
        away += move
        closes.append(level + away)
    return np.asarray(opens), np.asarray(closes)
