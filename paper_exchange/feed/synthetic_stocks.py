"""Quotes of stocks and coins: one in each eighth of a second, at an instant drawn by hash."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from paper_exchange.feed.assets import Listing
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_options import Quotes
from paper_exchange.feed.synthetic_path import TICK_US
from paper_exchange.feed.synthetic_random import Floats, Ints, bits, key, normal

QUOTED_BY: Final = 100_000  # microseconds into a tick; prints of the tick come after
_SIZE_SPREAD: Final = 0.7
_DAY_TICKS: Final = 1_000_000  # more than a day has
_QUOTES_CACHED: Final = 64


class StockMaker:
    """The market maker of one stock or coin."""

    def __init__(self, market: Market, listing: Listing) -> None:
        self._market, self._listing = market, listing
        self._key = key(market.seed, listing.symbol, "quote")
        # A burst of orders asks for one quote again and again; it stands for an eighth of a second.
        self._one = lru_cache(maxsize=_QUOTES_CACHED)(self._quote)

    def touch(self, levels: Floats) -> tuple[Ints, Ints]:
        """Return bid and ask in cents around a price."""
        bid = np.floor(100.0 * levels).astype(np.int64) - (self._listing.spread - 1) // 2
        return bid, bid + self._listing.spread

    def standing(self, index: int, tick: int, microsecond: int) -> Quotes:
        """Return the quote standing at an instant of a day, in a row of one."""
        quotes = self._one(index, tick)
        if tick * TICK_US + microsecond < int(quotes.made[0]):
            return self._one(index, tick - 1)
        return quotes

    def made(self, index: int, since: int, until: int) -> Quotes:
        """Return the quotes made in (since, until], microseconds of a day."""
        ticks = np.arange(max(since // TICK_US, 0), until // TICK_US + 1)
        at = ticks * TICK_US + self._late(index, ticks)
        return self._quotes(index, ticks[(at > since) & (at <= until)])

    def _late(self, index: int, ticks: Ints) -> Ints:
        word = bits(self._key, index * _DAY_TICKS + ticks)
        late = (word % np.uint64(QUOTED_BY)).astype(np.int64)
        return np.asarray(np.where(ticks > 0, late, 0))

    def _quote(self, index: int, tick: int) -> Quotes:
        """Return the quote made in a tick, in a row of one; shared, so read-only."""
        quotes = self._quotes(index, np.asarray([tick]))
        for column in (quotes.made, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size):
            column.setflags(write=False)
        return quotes

    def _quotes(self, index: int, ticks: Ints) -> Quotes:
        bid, ask = self.touch(self._market.path(self._listing, index).levels(ticks))
        counter = 2 * (index * _DAY_TICKS + ticks)
        bid_size, ask_size = (
            np.maximum(
                self._listing.touch * np.exp(_SIZE_SPREAD * normal(self._key, counter + side)), 1.0
            ).astype(np.int64)
            for side in (10**12, 10**12 + 1)
        )
        return Quotes(
            made=ticks * TICK_US + self._late(index, ticks),
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
        )
