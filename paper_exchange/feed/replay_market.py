"""Days and prices of a recording, in the shape the synthetic market has its own in.

A minute is recorded as open, high, low and close only. Inside it the price is drawn: from the
open through high and low, in an order drawn by hash, to the close, each stretch a Brownian
bridge that never leaves the recorded range.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np

from common.contracts import AssetClass
from paper_exchange.feed.assets import LISTINGS, Expiries, Listing
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.recording import RecordedBars, Recording
from paper_exchange.feed.source import Asset
from paper_exchange.feed.synthetic_days import Days, implied
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_path import SECONDS, Path
from paper_exchange.feed.synthetic_profile import FULL_DAY
from paper_exchange.feed.synthetic_random import Floats, Ints, bits, normal

_PARKINSON: Final = 1.665  # expected range of a Brownian motion over its standard deviation
_LEAST_SD: Final = 2e-6
_YEAR: Final = 252
_HALF_DAY: Final = 0.375  # sigma of a session grows with this power of its length
_KNOWN: Final[Mapping[str, Listing]] = {listing.symbol: listing for listing in LISTINGS}


def listing_of(symbol: str, recording: Recording) -> Listing:
    """Return how a recorded symbol trades: as the synthetic market's, or as a plain stock."""
    chain = any(symbol in day.contracts for day in recording.days.values())
    attributes = ("has_options",) if chain else ()
    return _KNOWN.get(symbol) or Listing(
        asset=Asset(
            symbol=symbol,
            name=symbol,
            exchange="NASDAQ",
            asset_class=AssetClass.EQUITY,
            attributes=attributes,
        ),
        level=100,
        vol=0.3,
        gap=0.01,
        market=0.5,
        volume=1_000_000,
        spread=1,
        touch=200,
        expiries=Expiries.WEEKLY,  # those of a recorded chain: it has no strikes of its own
    )


class RecordedMarket(Market):
    """The market of a recording; the seed draws only what was not recorded."""

    def __init__(self, seed: int, calendar: Calendar, recording: Recording) -> None:
        super().__init__(
            seed, calendar, [listing_of(symbol, recording) for symbol in recording.symbols]
        )
        self.recording = recording

    def recorded(self, listing: Listing, index: int) -> RecordedBars | None:
        """Return the minutes of one day, None when they were not recorded."""
        if not 0 <= index < len(self.calendar.all):
            return None
        day = self.recording.days.get(self.day(listing, index))
        return None if day is None else day.bars.get(listing.symbol)

    def _days(self, listing: Listing) -> Days:
        return RecordedDays(self, listing)

    def _path(self, listing: Listing, index: int) -> Path:
        bars = self.recorded(listing, index)
        if bars is None:
            raise LookupError(f"{listing.symbol} was not recorded on {self.day(listing, index)}")
        day, minutes = self.day(listing, index), self.minutes(listing, index)
        return RecordedPath(self.seed, listing.symbol, day, minutes, bars)


class RecordedDays(Days):
    """The recorded days of one asset; a day not recorded stands at the last price before it."""

    def __init__(self, market: RecordedMarket, listing: Listing) -> None:
        """Measure what was recorded; the parent's constructor, which draws, is not wanted."""
        count = len(market.calendar.all)
        self.log_open, self.log_close = np.full(count, np.nan), np.full(count, np.nan)
        median = listing.vol / _YEAR**0.5
        mood = np.zeros(count)
        length = np.ones(count)
        for day in market.recording.days:
            index = market.index(listing, day)
            bars = market.recorded(listing, index)
            if bars is None:
                continue
            closes = np.log(bars.close / 100.0)
            self.log_open[index], self.log_close[index] = np.log(bars.open[0] / 100.0), closes[-1]
            length[index] = (market.minutes(listing, index) / FULL_DAY) ** _HALF_DAY
            moves = np.diff(closes, prepend=self.log_open[index])
            sigma = max(float(np.sqrt((moves**2).sum())), 0.1 * median)
            mood[index] = np.log(sigma / (median * length[index]))
        self.log_close = _filled(self.log_close, self.log_open)
        self.log_open = np.where(np.isnan(self.log_open), self.log_close, self.log_open)
        self.sigma = median * np.exp(mood) * length
        self.implied = implied(median, mood) * length
        self.night = listing.gap * np.exp(mood)
        self._expect(listing, median)


class RecordedPath(Path):
    """One recorded day of one asset: every recorded open, high, low and close is touched.

    The last price of a second is its price; a minute nobody traded in stands still.
    """

    def __init__(self, seed: int, symbol: str, day: date, minutes: int, bars: RecordedBars) -> None:
        """Draw the seconds; the parent's constructor, which draws minutes, is not wanted."""
        self._draw_by(seed, symbol, day.toordinal(), minutes)
        self.first = int(bars.open[0]) / 100.0
        last = np.full(minutes, np.nan)
        last[bars.minute] = bars.close / 100.0
        ends = _filled(last, np.full(minutes, self.first))
        starts = np.concatenate(([self.first], ends[:-1]))
        self.bounds = np.log(np.concatenate((starts[:1], ends)))
        self._low, self._high = np.minimum(starts, ends), np.maximum(starts, ends)
        self._low[bars.minute] = np.minimum(bars.low / 100.0, starts[bars.minute])
        self._high[bars.minute] = np.maximum(bars.high / 100.0, starts[bars.minute])
        self.sd = np.maximum(np.log(self._high / self._low) / _PARKINSON, _LEAST_SD)
        self.extremes = self._drawn_extremes(minutes)
        self._seconds = np.repeat(ends[:, None], SECONDS, axis=1)
        self._seconds[bars.minute] = self._bridged(bars)

    def _drawn_extremes(self, minutes: int) -> Ints:
        """Return the seconds at which each minute touches its high and its low, never the same."""
        word = bits(self._keys["minute"], np.arange(minutes))
        high = 1 + (word % np.uint64(SECONDS - 2)).astype(np.int64)
        apart = 1 + ((word >> np.uint64(32)) % np.uint64(SECONDS - 3)).astype(np.int64)
        return np.stack((high, 1 + (high - 1 + apart) % (SECONDS - 2)), axis=1)

    def _bridged(self, bars: RecordedBars) -> Floats:
        """Return the price at the end of each second of the recorded minutes, in dollars."""
        seconds = np.arange(SECONDS)
        rows = np.arange(len(bars.minute))
        counter = bars.minute[:, None] * SECONDS + seconds
        walk = np.cumsum(normal(self._keys["second"], counter), axis=1) / SECONDS**0.5
        walk *= (self.sd[bars.minute] * bars.close / 100.0)[:, None]
        out = np.empty_like(walk)
        corners = np.stack((bars.open, bars.high, bars.low, bars.close), axis=1) / 100.0
        at = np.zeros((len(rows), 4), np.int64)
        at[:, 1:3], at[:, 3] = self.extremes[bars.minute], SECONDS - 1
        order = np.argsort(at, axis=1)
        at = np.take_along_axis(at, order, axis=1)
        corners = np.take_along_axis(corners, order, axis=1)
        for row in rows:
            own = walk[row]
            out[row] = own + np.interp(seconds, at[row], corners[row] - own[at[row]])
        out = np.clip(out, (bars.low / 100.0)[:, None], (bars.high / 100.0)[:, None])
        np.put_along_axis(out, at, corners, axis=1)
        return np.asarray(out)

    def _log_seconds(self, minutes: Ints) -> Floats:
        return np.asarray(np.log(self._seconds[minutes]))

    def _ticks(self, minutes: Ints) -> Floats:
        low, high = self._low[minutes, None], self._high[minutes, None]
        return np.asarray(np.clip(super()._ticks(minutes), low, high))


def _filled(values: Floats, before: Floats) -> Floats:
    """Fill what is missing with the last value before it, or the first known of before."""
    known = ~np.isnan(values)
    at = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    first = float(before[~np.isnan(before)][0])
    return np.asarray(np.where(at >= 0, values[np.maximum(at, 0)], first))
