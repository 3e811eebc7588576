"""Quotes of options: when each contract is quoted, at what prices, and for how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from common.contracts import OptionContract
from common.pricing import black76
from paper_exchange.feed.assets import Expiries, Listing
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_path import TICK_US, TICKS
from paper_exchange.feed.synthetic_profile import FULL_DAY, smile_ratio
from paper_exchange.feed.synthetic_random import Bools, Floats, Ints, Words, bits, key, normal
from paper_exchange.feed.synthetic_vol import Surface

# Ticks between quotes by distance from the money in total vols: a contract whose price
# hardly moves is quoted seldom. In the money one follows the spot, so it stays frequent.
_PACE_AT: Final = (1.5, 2.5, 3.5, 5.0)
_PACE_OUT: Final = np.asarray((1, 4, 16, 96, 480))
_PACE_IN: Final = np.asarray((1, 2, 2, 2, 4))

# Dollars of spread that being in the money adds, by percent of a $670 underlying.
_DEEP_AT: Final = (0.0, 1.0, 2.3, 4.5, 10.0, 20.0)
_DEEP: Final = (0.0, 0.10, 0.30, 0.57, 1.20, 2.20)
_DEEP_SPOT: Final = 670.0
_SPREAD: Final = 0.01  # of the out-of-the-money price
_OPENING: Final = ((0.0, 4.0, 12.0), (2.5, 2.5, 1.0))  # minutes since the open: factor
_CLOSING: Final = ((0.0, 15.0, 20.0), (2.5, 2.5, 1.0))  # minutes to the close: factor, deep only
_SINGLE_NAME: Final = 3.0  # wider, and thinner, than the broad ETFs
_FIVE_CENTS_FROM: Final = 300  # cents; see common.contracts.option_tick

# Median size at the touch by distance from the money, in total vols, negative = in it.
_SIZE_AT: Final = (-6.0, -1.5, 0.0, 1.0, 2.5, 5.0)
_SIZE: Final = (14.0, 22.0, 60.0, 150.0, 420.0, 900.0)
_SIZE_SPREAD: Final = 0.8
_EPSILON: Final = 1e-7  # cents: what floats make of a whole number


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Contracts of one underlying and expiry, as columns."""

    listing: Listing
    expiry: int  # session index
    symbols: tuple[str, ...]
    strikes: Floats
    calls: Bools
    keys: Words

    @classmethod
    def of(
        cls, seed: int, listing: Listing, expiry: int, contracts: Sequence[OptionContract]
    ) -> Book:
        """Build the columns of some contracts of one expiry."""
        return cls(
            listing=listing,
            expiry=expiry,
            symbols=tuple(contract.symbol for contract in contracts),
            strikes=np.asarray([float(contract.strike) for contract in contracts]),
            calls=np.asarray([contract.is_call for contract in contracts]),
            keys=np.asarray([key(seed, contract.symbol) for contract in contracts], np.uint64),
        )


@dataclass(frozen=True, slots=True)
class Quotes:
    """Quotes as columns: microseconds since the open, cents, contracts."""

    made: Ints
    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints


class Maker:
    """The market maker of one underlying's options.

    Each contract is quoted once in every block of so many ticks, at a tick of that block
    drawn by hash; blocks are counted from an epoch of a minute, whose phase is its own. The
    pace is set by where the contract stands when its epoch begins.
    """

    def __init__(self, market: Market, listing: Listing) -> None:
        self._market, self._listing = market, listing
        self._surface = Surface(market, listing)

    def standing(
        self, book: Book, rows: Ints, index: int, ticks: Ints, microseconds: Ints
    ) -> Quotes:
        """Return the quotes standing at some instants of a day; rows and ticks broadcast."""
        epoch, pace, into = self._epochs(book, rows, index, ticks)
        block = into // pace
        keys = book.keys[rows]
        tick, late = _drawn(keys, epoch, block, pace)
        early = (epoch + tick > ticks) | ((epoch + tick == ticks) & (late > microseconds))
        before, before_late = _drawn(keys, epoch, np.maximum(block - 1, 0), pace)
        made = epoch + np.where(early, before, tick)
        return self._quotes(book, rows, index, made, np.where(early, before_late, late))

    def made(self, book: Book, index: int, since: int, until: int) -> tuple[Ints, Quotes]:
        """Return the quotes made in (since, until], microseconds of a day, and their rows."""
        ticks = np.arange(max(since // TICK_US, 0), until // TICK_US + 1)[:, None]
        rows = np.arange(len(book.keys))[None, :]
        epoch, pace, into = self._epochs(book, rows, index, ticks)
        tick, late = _drawn(book.keys[rows], epoch, into // pace, pace)
        at = (epoch + tick) * TICK_US + late
        hit, row = np.nonzero((tick == into) & (at > since) & (at <= until))
        return row, self._quotes(book, row, index, ticks[hit, 0], late[hit, row])

    def distances(self, book: Book, index: int, minutes: Ints) -> Floats:
        """Return how far out of the money a book stands as minutes begin, in total vols.

        A row a minute; negative is in the money. Minutes outside the day count as its ends.
        """
        path = self._market.path(self._listing, index)
        starts = np.clip(minutes, 0, path.minutes)[:, None]
        level = np.exp(path.bounds[starts])
        ahead = book.expiry - index
        money, _ = self._surface.at_the_money(index, ahead, starts * TICKS - 1, level)
        z = np.log(book.strikes / level) / money
        return np.asarray(np.where(book.calls, z, -z))

    def _epochs(self, book: Book, rows: Ints, index: int, ticks: Ints) -> tuple[Ints, Ints, Ints]:
        """Return each contract's epoch at a tick, its pace then, and ticks into it."""
        phase = (book.keys[rows] % np.uint64(TICKS)).astype(np.int64)
        minute = (ticks - phase) // TICKS
        epoch = np.maximum(minute * TICKS + phase, 0)
        first, last = int(minute.min()), int(minute.max())
        z = self.distances(book, index, np.arange(first, last + 1))
        step = np.searchsorted(_PACE_AT, np.abs(z))
        paces = np.where(z >= 0, _PACE_OUT[step], _PACE_IN[step])
        return epoch, paces[minute - first, rows], ticks - epoch

    def _quotes(self, book: Book, rows: Ints, index: int, ticks: Ints, late: Ints) -> Quotes:
        strikes, calls = book.strikes[rows], book.calls[rows]
        path = self._market.path(self._listing, index)
        spot = path.levels(ticks)
        money, shape = self._surface.at_the_money(index, book.expiry - index, ticks, spot)
        z = np.log(strikes / spot) / money
        value = black76.price(spot, strikes, money * smile_ratio(z, shape), calls)
        inner = np.where(calls, spot - strikes, strikes - spot)
        half = 50.0 * self._spread(value, inner, spot, ticks, path.minutes)
        bid, ask = self._rounded(100.0 * value, np.maximum(half - 0.5, 0.0))
        sizes = self._sizes(book.keys[rows], ticks, np.where(calls, z, -z))
        return Quotes(
            made=ticks * TICK_US + late,
            bid=bid,
            ask=ask,
            bid_size=np.where(bid > 0, sizes[0], 0),
            ask_size=sizes[1],
        )

    def _spread(
        self, value: Floats, inner: Floats, spot: Floats, ticks: Ints, minutes: int
    ) -> Floats:
        """Return the spread in dollars before rounding, which widens it by a cent."""
        minute = ticks / TICKS * (FULL_DAY / minutes)
        outer = _SPREAD * (value - np.maximum(inner, 0.0))
        deep = np.interp(100.0 * inner / spot, _DEEP_AT, _DEEP) * (spot / _DEEP_SPOT)
        deep = deep * np.interp(FULL_DAY - minute, *_CLOSING)
        width = 1.0 if self._listing.expiries is Expiries.DAILY else _SINGLE_NAME
        return np.asarray(width * (outer + deep) * np.interp(minute, *_OPENING))

    def _rounded(self, cents: Floats, half: Floats) -> tuple[Ints, Ints]:
        """Round outward to the tick: no bid is above what it is worth, no ask below."""
        bid = np.floor(np.maximum(cents - half, 0.0) + _EPSILON).astype(np.int64)
        ask = np.ceil(cents + half - _EPSILON).astype(np.int64)
        if self._listing.expiries is not Expiries.DAILY:
            bid = np.where(bid >= _FIVE_CENTS_FROM, bid // 5 * 5, bid)
            ask = np.where(ask >= _FIVE_CENTS_FROM, -(-ask // 5) * 5, ask)
            step = np.where(bid >= _FIVE_CENTS_FROM, 5, 1)
            return bid, np.maximum(ask, bid + step)
        return bid, np.maximum(ask, bid + 1)

    def _sizes(self, keys: Words, ticks: Ints, away: Floats) -> tuple[Ints, Ints]:
        thin = 1.0 if self._listing.expiries is Expiries.DAILY else 1.0 / _SINGLE_NAME
        median = np.interp(away, _SIZE_AT, _SIZE) * thin
        bid, ask = (
            np.maximum(median * np.exp(_SIZE_SPREAD * normal(keys, 2 * ticks + side)), 1.0)
            for side in (1_000_000_000, 1_000_000_001)
        )
        return bid.astype(np.int64), ask.astype(np.int64)


def _drawn(keys: Words, epoch: Ints, block: Ints, pace: Ints) -> tuple[Ints, Ints]:
    """Return the tick of an epoch a block is quoted at, and microseconds into that tick.

    The first block of an epoch is quoted as it begins, so there always is a quote.
    """
    word = bits(keys, epoch + block * pace)
    later = block > 0
    tick = block * pace + np.where(later, (word % pace.astype(np.uint64)).astype(np.int64), 0)
    late = np.where(later, ((word >> np.uint64(32)) % np.uint64(TICK_US)).astype(np.int64), 0)
    return tick, late
