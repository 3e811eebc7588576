"""Everything that trades in one asset: its own quotes and prints, and its options'."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from common.contracts import OptionContract
from paper_exchange.feed.assets import Listing
from paper_exchange.feed.synthetic_listing import OptionListing
from paper_exchange.feed.synthetic_market import Market
from paper_exchange.feed.synthetic_options import Book, Maker, Quotes
from paper_exchange.feed.synthetic_path import TICK_US
from paper_exchange.feed.synthetic_random import Ints
from paper_exchange.feed.synthetic_stocks import StockMaker
from paper_exchange.feed.synthetic_tape import MINUTE_US, Bars, OptionTape, Prints, StockTape

_MICROSECOND: Final = timedelta(microseconds=1)
_BARS_CACHED: Final = 400  # days over, of one bar length: a year of daily bars
_CONTRACTS_CACHED: Final = 4096


class Pit:
    """One asset's market. Instants are microseconds since the open of a day index."""

    def __init__(self, market: Market, listing: Listing) -> None:
        self.market, self.listing = market, listing
        self.maker = StockMaker(market, listing)
        self.tape = self._tape()
        self.options = self._listed()
        self.option_maker = Maker(market, listing)
        self.option_tape = OptionTape(market, listing, self.option_maker)
        self._alone = lru_cache(maxsize=_CONTRACTS_CACHED)(self._book)
        self._whole_day = lru_cache(maxsize=_BARS_CACHED)(self._whole_day_bars)

    def _tape(self) -> StockTape:
        return StockTape(self.market, self.listing, self.maker)

    def _listed(self) -> OptionListing:
        return OptionListing(self.market, self.listing)

    def trades_on(self, index: int) -> bool:
        """Return whether the asset trades on a day of its calendar."""
        return index >= 0

    def book(self, contracts: tuple[OptionContract, ...], expiry: int) -> Book:
        """Return the columns of some contracts of one expiry; the same again for one alone."""
        return (
            self._alone(contracts, expiry) if len(contracts) == 1 else self._book(contracts, expiry)
        )

    def end(self, index: int, book: Book | None) -> int:
        """Return the last microsecond of a day in which the asset, or a book of it, trades."""
        if book is None:
            return self.market.minutes(self.listing, index) * MINUTE_US - 1
        session = self.market.calendar.all[index]
        return (session.option_close(self.listing.symbol) - session.open) // _MICROSECOND - 1

    def microseconds(self, index: int, at: datetime) -> int:
        """Return an instant as microseconds since a day's open; negative before it."""
        return (at - self.market.opens(self.listing, index)) // _MICROSECOND

    def standing(self, index: int, at: int, book: Book | None) -> Quotes:
        """Return the quotes standing at an instant: the asset's, or a whole book's."""
        tick, late = divmod(min(at, self.end(index, book)), TICK_US)
        if book is None:
            return self.maker.standing(index, tick, late)
        rows = np.arange(len(book.keys))
        ticks = np.full(len(rows), tick)
        return self.option_maker.standing(book, rows, index, ticks, np.full(len(rows), late))

    def made(self, index: int, since: int, until: int, book: Book | None) -> tuple[Ints, Quotes]:
        """Return the quotes made in (since, until] with their rows in the book."""
        until = min(until, self.end(index, book))
        since = min(since, until)
        if book is not None:
            return self.option_maker.made(book, index, since, until)
        quotes = self.maker.made(index, since, until)
        return np.zeros(len(quotes.made), np.int64), quotes

    def prints(self, index: int, since: int, until: int, book: Book | None) -> Prints:
        """Return the prints of [since, until): the asset's, or a one-contract book's."""
        if book is None:
            return self.tape.prints(index).between(since, until)
        return self.option_tape.prints(book, index, since, until)

    def bars(self, index: int, begin: int, over: int, minutes: int, book: Book | None) -> Bars:
        """Return the bars of so many minutes from what was printed in [begin, over)."""
        if book is None and begin == 0 and over > self.end(index, None):
            return self._whole_day(index, minutes)
        return Bars.of(self.prints(index, begin, over, book), minutes)

    def latest_print(self, index: int, at: int, book: Book | None) -> Prints:
        """Return the last print of a day up to an instant, in a row of one, or none."""
        if book is not None:
            return self.option_tape.latest(book, index, at + 1)
        prints = self.tape.prints(index)
        before = int(np.searchsorted(prints.made, at + 1))
        return prints.rows(slice(max(before - 1, 0), before))

    def _whole_day_bars(self, index: int, minutes: int) -> Bars:
        return Bars.of(self.tape.prints(index), minutes)

    def _book(self, contracts: Sequence[OptionContract], expiry: int) -> Book:
        return Book.of(self.market.seed, self.listing, expiry, contracts)
