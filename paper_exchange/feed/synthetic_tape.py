"""Prints and bars. Bars are summed from the prints, so the two never disagree."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

import numpy as np

from paper_exchange.feed.assets import Listing
from paper_exchange.feed.synthetic_days import MARKET
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_options import Book, Maker
from paper_exchange.feed.synthetic_path import EIGHTHS, SECONDS, TICK_US, TICKS, Path
from paper_exchange.feed.synthetic_profile import volume_shares
from paper_exchange.feed.synthetic_random import (
    Bools,
    Floats,
    Ints,
    bits,
    key,
    normal,
    one_normal,
    uniform,
)
from paper_exchange.feed.synthetic_stocks import QUOTED_BY, StockMaker

MINUTE_US: Final = 60_000_000
_DAYS_CACHED: Final = 4
_OPTIONS_CACHED: Final = 1024

_VOLUME_DAY: Final = 0.36  # log-normal spreads of volume: of days, five minutes, minutes
_VOLUME_FIVE: Final = 0.35
_VOLUME_MINUTE: Final = 0.42
_VOLUME_MOVE: Final = 0.28  # how it answers to the size of the minute's move
_VOLUME_MEAN: Final = 0.85  # brings the mean of the noise back to 1

_SLOT_TICKS: Final = 5 * EIGHTHS  # an option may print once in five seconds
_SLOTS: Final = TICKS // _SLOT_TICKS  # in a minute
_LOT: Final = 6.5  # contracts a print, median
_ACTIVITY: Final = 2.3e-3  # same-day contracts at the money per share of the underlying
_REACH: Final = 0.9  # total vols over which activity falls to a third


@dataclass(frozen=True, slots=True)
class Prints:
    """Prints as columns by time: microseconds since the open, cents, shares or contracts."""

    made: Ints
    cents: Ints
    size: Ints

    def between(self, since: int, until: int) -> Prints:
        """Return the prints of [since, until)."""
        return self.rows(slice(*np.searchsorted(self.made, (since, until)).tolist()))

    def rows(self, cut: slice) -> Prints:
        """Return some of the rows."""
        return Prints(self.made[cut], self.cents[cut], self.size[cut])


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars as columns by time: minute begun at, cents, volume, millionths of a dollar, prints."""

    minute: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    vwap: Ints
    count: Ints

    @classmethod
    def of(cls, prints: Prints, minutes: int) -> Bars:
        """Sum prints into bars of so many minutes; bars without a print are left out."""
        group = prints.made // (minutes * MINUTE_US)
        minute, first, count = np.unique(group, return_index=True, return_counts=True)
        if not len(minute):
            nothing = np.zeros(0, np.int64)
            return cls(*(nothing,) * 8)
        volume = np.add.reduceat(prints.size, first)
        return cls(
            minute=minute * minutes,
            open=prints.cents[first],
            high=np.maximum.reduceat(prints.cents, first),
            low=np.minimum.reduceat(prints.cents, first),
            close=prints.cents[first + count - 1],
            volume=volume,
            vwap=np.add.reduceat(prints.cents * prints.size, first) * 10_000 // volume,
            count=count,
        )

    def columns(self) -> tuple[Ints, ...]:
        """Return the columns in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self))


class StockTape:
    """The prints of a stock or a coin: one a second, at the bid or the ask then standing."""

    def __init__(self, market: Market, listing: Listing, maker: StockMaker) -> None:
        self._market, self._listing, self._maker = market, listing, maker
        self._key = key(market.seed, listing.symbol, "print")
        self.prints = lru_cache(maxsize=_DAYS_CACHED)(self._prints)

    def close(self, index: int) -> int:
        """Return the day's last print in cents, by which options settle."""
        path = self._market.path(self._listing, index)
        second = path.minutes * SECONDS - 1
        return int(self._prices(index, np.exp(path.bounds[-1:]), np.asarray([second]))[0])

    def _prices(self, index: int, levels: Floats, seconds: Ints) -> Ints:
        bid, ask = self._maker.touch(levels)
        day = self._market.day(self._listing, index).toordinal()
        word = bits(self._key, day * 100_000 + seconds)
        return np.asarray(np.where(word & np.uint64(1), ask, bid))

    def _prints(self, index: int) -> Prints:
        path = self._market.path(self._listing, index)
        minutes = np.arange(path.minutes)
        seconds = np.arange(path.minutes * SECONDS)
        day = self._market.day(self._listing, index).toordinal()
        word = bits(self._key, day * 100_000 + seconds)
        late = QUOTED_BY + ((word >> np.uint64(32)) % np.uint64(TICK_US - QUOTED_BY)).astype(
            np.int64
        )
        share = -np.log(uniform(self._key, (day * 100_000 + seconds) * 2 + 1)).reshape(-1, SECONDS)
        volume = self._volume(path, index)
        target = np.cumsum(share, axis=1) / share.sum(axis=1)[:, None] * volume[:, None]
        size = np.diff(np.floor(target).astype(np.int64), axis=1, prepend=0) + 1
        return Prints(
            made=((seconds + 1) * EIGHTHS - 1) * TICK_US + late,
            cents=self._prices(index, path.seconds(minutes).ravel(), seconds),
            size=size.ravel(),
        )

    def _volume(self, path: Path, index: int) -> Floats:
        """Return each minute's volume: profile, the day's size, noise, and the move's."""
        seed, symbol = self._market.seed, self._listing.symbol
        day = self._market.day(self._listing, index).toordinal()
        minute = np.arange(path.minutes)
        if self._listing.round_the_clock:
            shares = np.full(path.minutes, 1.0 / path.minutes)
        else:
            shares = volume_shares(path.minutes)
        days = self._market.days(self._listing)
        mood = 0.5 * np.log(days.sigma[index] / np.median(days.sigma))
        common = one_normal(key(seed, MARKET, "volume", day))
        noise = key(seed, symbol, day, "volume")
        move = np.abs(np.diff(path.bounds)) / path.sd
        log_noise = (
            _VOLUME_DAY * 0.8 * common
            + mood
            + _VOLUME_FIVE * normal(noise, minute // 5 + 10_000)
            + _VOLUME_MINUTE * normal(noise, minute)
            + _VOLUME_MOVE * (move - 0.8)
        )
        return np.asarray(self._listing.volume * _VOLUME_MEAN * shares * np.exp(log_noise))


class OptionTape:
    """The prints of one underlying's options: at most one in five seconds, often none.

    A print is at the bid or the ask then standing. Books are of one contract here.
    """

    def __init__(self, market: Market, listing: Listing, maker: Maker) -> None:
        self._market, self._listing, self._maker = market, listing, maker
        self._slots = lru_cache(maxsize=_OPTIONS_CACHED)(self._day_slots)
        self._priced = lru_cache(maxsize=_OPTIONS_CACHED)(self._print)

    def prints(self, book: Book, index: int, since: int, until: int) -> Prints:
        """Return the prints of [since, until)."""
        slots = self._slots(book, index)
        cut = slice(*np.searchsorted(slots.made, (since, until)).tolist())
        return self._printed(book, index, slots.rows(cut))

    def latest(self, book: Book, index: int, until: int) -> Prints:
        """Return the last print of a day before an instant, or none, in columns."""
        row = int(np.searchsorted(self._slots(book, index).made, until)) - 1
        return self._priced(book, index, row)

    def _print(self, book: Book, index: int, row: int) -> Prints:
        """Return the print of a row of slots; none for row -1."""
        slots = self._slots(book, index).rows(slice(max(row, 0), row + 1))
        return self._printed(book, index, slots)

    def _day_slots(self, book: Book, index: int) -> _Slots:
        """Return the slots of a day that have a print."""
        minutes = self._market.minutes(self._listing, index)
        slot = np.arange(minutes * _SLOTS)
        noise = key(int(book.keys[0]), index, "print")
        rate = np.repeat(self._rate(book, index, np.arange(minutes)), _SLOTS)
        there = uniform(noise, slot + 1_000_000) < rate / (rate + _LOT)
        slot, rate = slot[there], rate[there]
        word = bits(noise, slot)
        ticks = slot * _SLOT_TICKS + (word % np.uint64(_SLOT_TICKS)).astype(np.int64)
        late = ((word >> np.uint64(32)) % np.uint64(TICK_US)).astype(np.int64)
        size = -np.log(uniform(noise, slot + 3_000_000)) * (rate + _LOT - 1.0)
        return _Slots(
            made=ticks * TICK_US + late,
            size=1 + size.astype(np.int64),
            sold=uniform(noise, slot + 2_000_000) < 0.5,
        )

    def _printed(self, book: Book, index: int, slots: _Slots) -> Prints:
        """Price the prints of some slots."""
        if not len(slots.made):
            return Prints(slots.made, slots.made, slots.size)
        rows = np.zeros(len(slots.made), np.int64)
        ticks, late = np.divmod(slots.made, TICK_US)
        quotes = self._maker.standing(book, rows, index, ticks, late)
        at_bid = slots.sold & (quotes.bid > 0)
        return Prints(slots.made, np.where(at_bid, quotes.bid, quotes.ask), slots.size)

    def _rate(self, book: Book, index: int, minutes: Ints) -> Floats:
        """Return the contracts expected in each slot of some minutes."""
        away = self._maker.distances(book, index, minutes)[:, 0]
        day = _ACTIVITY * self._listing.volume / (1 + 2 * (book.expiry - index))
        near = np.exp(-np.abs(away) / _REACH) * np.where(away < 0, 0.4, 1.0)
        shares = volume_shares(self._market.minutes(self._listing, index))[minutes]
        return np.asarray(day * near * shares / _SLOTS)


@dataclass(frozen=True, slots=True)
class _Slots:
    """Prints before they are priced: microseconds since the open, contracts, at the bid or not."""

    made: Ints
    size: Ints
    sold: Bools

    def rows(self, cut: slice) -> _Slots:
        return _Slots(self.made[cut], self.size[cut], self.sold[cut])
