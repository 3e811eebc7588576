"""The price of one asset through one day, refined on demand: minutes, seconds, eighths.

Each level is a Brownian bridge pinned to the one above, so a second never contradicts its
minute nor a minute its day, and only what is looked at is drawn.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from typing import Final

import numpy as np

from paper_exchange.feed.synthetic_days import MARKET
from paper_exchange.feed.synthetic_random import Floats, Ints, bridge, key, normal, uniform

SECONDS: Final = 60  # in a minute
EIGHTHS: Final = 8  # ticks in a second
TICKS: Final = SECONDS * EIGHTHS  # in a minute
TICK_US: Final = 1_000_000 // EIGHTHS

# Log-normal spreads of the volatility inside a day: of half hours, five minutes and minutes.
_CLUSTERS: Final = ((30, 0.25), (5, 0.20), (1, 0.24))
_NEWS_CHANCE: Final = 0.25  # of a day to have a minute of news
_NEWS_AT: Final = (30, 30, 270, 60)  # minutes from the open: 10:00 twice, 14:00, 10:30
_NEWS_TAIL: Final = 9.0  # least factor on the variance of that minute; Pareto above
_CACHED: Final = 24  # minutes of ticks kept
_MANY: Final = 8  # minutes from which a block is drawn at once, not kept


class Path:
    """The log price of one asset over one day.

    bounds: log price at each minute's start and at the last one's end. sd: expected size of
    each minute's log move. A tick is an eighth of a second; its price is the one at its end.
    """

    def __init__(
        self,
        seed: int,
        symbol: str,
        ordinal: int,
        *,
        market: float,
        log_open: float,
        move: float,
        sigma: float,
        shares: Floats,
    ) -> None:
        self._draw_by(seed, symbol, ordinal, len(shares))
        common = key(seed, MARKET, ordinal, "minute")
        weights = _clustered(shares, key(seed, MARKET, ordinal, "cluster"))
        self.sd = sigma * np.sqrt(weights)
        index = np.arange(self.minutes)
        z = market * normal(common, index) + sqrt(1 - market**2) * normal(
            self._keys["minute"], index
        )
        steps = bridge(self.sd * z, move, weights)
        self.bounds = log_open + np.concatenate(([0.0], np.cumsum(steps)))
        self.bounds[-1] = log_open + move

    def _draw_by(self, seed: int, symbol: str, ordinal: int, minutes: int) -> None:
        self.minutes = minutes
        self._keys = {
            name: key(seed, symbol, ordinal, name) for name in ("minute", "second", "eighth")
        }
        self._kept = lru_cache(maxsize=_CACHED)(self._minute_ticks)

    @property
    def last_tick(self) -> int:
        """The index of the day's last tick."""
        return self.minutes * TICKS - 1

    def levels(self, ticks: Ints) -> Floats:
        """Return the price in dollars at each tick; past the close it stands still."""
        ticks = np.clip(ticks, 0, self.last_tick)
        if ticks.size == 0:
            return np.zeros(ticks.shape)
        minutes, row = np.unique(ticks // TICKS, return_inverse=True)
        if len(minutes) > _MANY:
            block = self._ticks(minutes)
        else:
            block = np.stack([self._kept(minute) for minute in minutes.tolist()])
        return np.asarray(block[row.reshape(ticks.shape), ticks % TICKS])

    def seconds(self, minutes: Ints) -> Floats:
        """Return the price at the end of each second, a row of 60 a minute, in dollars."""
        return np.asarray(np.exp(self._log_seconds(minutes)))

    def _minute_ticks(self, minute: int) -> Floats:
        return self._ticks(np.asarray([minute])).ravel()

    def _ticks(self, minutes: Ints) -> Floats:
        """Return prices at every tick of some minutes, a row each."""
        ends = self._log_seconds(minutes)
        starts = np.concatenate((self.bounds[minutes][:, None], ends[:, :-1]), axis=1)
        counter = minutes[:, None] * TICKS + np.arange(TICKS)
        noise = normal(self._keys["eighth"], counter) * (self.sd[minutes][:, None] / sqrt(TICKS))
        steps = bridge(noise.reshape(-1, SECONDS, EIGHTHS), ends - starts, 1.0 / EIGHTHS)
        logs = starts[:, :, None] + np.cumsum(steps, axis=2)
        logs[:, :, -1] = ends  # exactly, so that seconds and ticks agree to the last bit
        return np.asarray(np.exp(logs).reshape(len(minutes), TICKS))

    def _log_seconds(self, minutes: Ints) -> Floats:
        counter = minutes[:, None] * SECONDS + np.arange(SECONDS)
        noise = normal(self._keys["second"], counter) * (self.sd[minutes][:, None] / sqrt(SECONDS))
        starts, ends = self.bounds[minutes], self.bounds[minutes + 1]
        logs = starts[:, None] + np.cumsum(bridge(noise, ends - starts, 1.0 / SECONDS), axis=1)
        logs[:, -1] = ends
        return np.asarray(logs)


def _clustered(shares: Floats, cluster_key: int) -> Floats:
    """Return each minute's part of the day's variance: the shares, with bursts and news."""
    index = np.arange(len(shares))
    weights = shares.copy()
    for length, spread in _CLUSTERS:
        weights *= np.exp(2 * spread * normal(cluster_key, index // length + 10_000 * length))
    chance, which, tail = uniform(cluster_key, np.arange(3) - 3).tolist()
    if chance < _NEWS_CHANCE:
        minute = _NEWS_AT[int(which * len(_NEWS_AT))]
        if minute < len(weights):
            weights[minute] *= _NEWS_TAIL * min(tail**-0.6, 16.0)
    return np.asarray(weights / weights.sum())
