"""What trades in one asset of a recording: recorded quotes as they were, the rest drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np

from common.contracts import OptionContract
from paper_exchange.feed.assets import Listing
from paper_exchange.feed.recording import RecordedBars, RecordedDay
from paper_exchange.feed.replay_market import RecordedMarket, RecordedPath
from paper_exchange.feed.synthetic_listing import OptionListing
from paper_exchange.feed.synthetic_options import Book, Quotes
from paper_exchange.feed.synthetic_path import EIGHTHS, SECONDS, TICK_US
from paper_exchange.feed.synthetic_pit import Pit
from paper_exchange.feed.synthetic_random import Ints, bits, uniform
from paper_exchange.feed.synthetic_stocks import QUOTED_BY, StockMaker
from paper_exchange.feed.synthetic_tape import Prints, StockTape

_MICROSECOND: Final = timedelta(microseconds=1)
_CORNERS: Final = 4  # open, high, low, close
_NEVER: Final = np.zeros(1, np.int64)
_UNQUOTED: Final = Quotes(_NEVER, _NEVER, _NEVER, _NEVER, _NEVER)


class RecordedTape(StockTape):
    """Prints that sum to the recorded bars: each minute's four prices and its volume."""

    def __init__(self, market: RecordedMarket, listing: Listing, maker: StockMaker) -> None:
        super().__init__(market, listing, maker)
        self._recorded = market

    def close(self, index: int) -> int:
        """Return the last recorded minute's close in cents, by which options settle."""
        bars = self._recorded.recorded(self._listing, index)
        if bars is None:
            raise LookupError(f"{self._listing.symbol} has no day {index}")
        return int(bars.close[-1])

    def _prints(self, index: int) -> Prints:
        bars = self._recorded.recorded(self._listing, index)
        path = self._market.path(self._listing, index)
        if bars is None or not isinstance(path, RecordedPath):
            raise LookupError(f"{self._listing.symbol} has no day {index}")
        there = _printed(bars, path.extremes[bars.minute])
        seconds = bars.minute[:, None] * SECONDS + np.arange(SECONDS)
        cents = np.rint(100.0 * path.seconds(bars.minute)).astype(np.int64)
        day = self._market.day(self._listing, index).toordinal()
        word = bits(self._key, day * 100_000 + seconds)
        late = QUOTED_BY + ((word >> np.uint64(32)) % np.uint64(TICK_US - QUOTED_BY)).astype(
            np.int64
        )
        made = ((seconds + 1) * EIGHTHS - 1) * TICK_US + late
        size = self._sizes(day * 100_000 + seconds, there, bars.volume)
        return Prints(made=made[size > 0], cents=cents[size > 0], size=size[size > 0])

    def _sizes(self, counter: Ints, there: np.typing.NDArray[np.bool_], volume: Ints) -> Ints:
        """Share each minute's volume among its prints, a share at least to each.

        A minute of fewer shares than different prices still prints each of them.
        """
        weight = np.where(there, -np.log(uniform(self._key, counter * 2 + 1)), 0.0)
        rest = np.maximum(volume - there.sum(axis=1), 0)[:, None]
        target = np.cumsum(weight, axis=1) / weight.sum(axis=1)[:, None] * rest
        target[:, -1:] = rest
        return np.asarray(np.diff(np.floor(target).astype(np.int64), axis=1, prepend=0) + there)


class RecordedListing(OptionListing):
    """The recorded contracts of a day; without a recorded chain, strikes around the money.

    Only contracts that expire on a recorded day are listed: the others could not be settled.
    """

    def __init__(self, market: RecordedMarket, listing: Listing) -> None:
        super().__init__(market, listing)
        self._recorded = market

    def contracts(self, index: int) -> tuple[OptionContract, ...]:
        """Return all contracts listed on a day, by expiry, strike and right."""
        chain = self._chain(index)
        if chain is None:
            return super().contracts(index)
        return tuple(c for c in chain if c.expiry in self._recorded.recording.days)

    def expiry(self, index: int, contract: OptionContract) -> int | None:
        """Return the session a contract expires in, None when it is not listed on a day."""
        if self._chain(index) is None:
            return super().expiry(index, contract)
        listed = contract in self.contracts(index)
        return self._recorded.calendar.index(contract.expiry) if listed else None

    def open_interest(self, contract: OptionContract, index: int) -> int | None:
        """Return the calibrated open interest; None with a recorded chain, which tells none."""
        return super().open_interest(contract, index) if self._chain(index) is None else None

    def _chain(self, index: int) -> tuple[OptionContract, ...] | None:
        day = day_of(self._recorded, self._listing, index)
        return None if day is None else day.contracts.get(self._listing.symbol)

    def _expiries(self, index: int) -> tuple[int, ...]:
        if not self._listing.strikes:
            return ()
        recorded = self._recorded.recording.days
        return tuple(at for at in super()._expiries(index) if self._days[at] in recorded)


class RecordedPit(Pit):
    """One recorded asset's market."""

    def __init__(self, market: RecordedMarket, listing: Listing) -> None:
        self._recorded = market
        super().__init__(market, listing)

    def _tape(self) -> StockTape:
        return RecordedTape(self._recorded, self.listing, self.maker)

    def _listed(self) -> OptionListing:
        return RecordedListing(self._recorded, self.listing)

    def trades_on(self, index: int) -> bool:
        """Return whether a day was recorded."""
        return self._recorded.recorded(self.listing, index) is not None

    def standing(self, index: int, at: int, book: Book | None) -> Quotes:
        """Return the quotes standing at an instant; in a halt those from before it."""
        at = min(at, self.end(index, book))
        for start, end in self._halted(index):
            if start <= at < end:
                at = start - 1
        recorded = self._quotes(index, book)
        if recorded is None:
            return super().standing(index, at, book)
        return _joined([_last(quotes, at) for quotes in recorded])

    def made(self, index: int, since: int, until: int, book: Book | None) -> tuple[Ints, Quotes]:
        """Return the quotes made in (since, until] with their rows in the book."""
        until = min(until, self.end(index, book))
        recorded = self._quotes(index, book)
        if recorded is None:
            rows, quotes = super().made(index, since, until, book)
        else:
            cuts = [
                slice(*np.searchsorted(quotes.made, (since, until), side="right").tolist())
                for quotes in recorded
            ]
            parts = [_cut(quotes, cut) for quotes, cut in zip(recorded, cuts, strict=True)]
            rows = np.repeat(np.arange(len(parts)), [len(part.made) for part in parts])
            quotes = _joined(parts)
        for start, end in self._halted(index):
            live = (quotes.made < start) | (quotes.made >= end)
            rows, quotes = rows[live], _cut(quotes, live)
        return rows, quotes

    def prints(self, index: int, since: int, until: int, book: Book | None) -> Prints:
        """Return the prints of [since, until); contracts of a recorded chain have none."""
        if book is not None and self._quotes(index, book) is not None:
            return Prints(_NEVER[:0], _NEVER[:0], _NEVER[:0])
        return super().prints(index, since, until, book)

    def latest_print(self, index: int, at: int, book: Book | None) -> Prints:
        """Return the last print of a day up to an instant, in a row of one, or none."""
        if book is not None and self._quotes(index, book) is not None:
            return self.prints(index, 0, at, book)
        return super().latest_print(index, at, book)

    def _quotes(self, index: int, book: Book | None) -> list[Quotes] | None:
        """Return the recorded quotes of the asset or of each contract of a book."""
        day = day_of(self._recorded, self.listing, index)
        if day is None:
            return None
        if book is None:
            own = day.quotes.get(self.listing.symbol)
            return None if own is None else [own]
        if self.listing.symbol not in day.contracts:
            return None
        return [day.quotes[symbol] for symbol in book.symbols]

    def _halted(self, index: int) -> list[tuple[int, int]]:
        """Return the halts of a day in microseconds since its open."""
        day = day_of(self._recorded, self.listing, index)
        if day is None:
            return []
        opens = day.session.open
        return [
            ((halt.start - opens) // _MICROSECOND, (halt.end - opens) // _MICROSECOND)
            for halt in day.halts
            if halt.symbol == self.listing.symbol
        ]


def day_of(market: RecordedMarket, listing: Listing, index: int) -> RecordedDay | None:
    """Return what was recorded of a day by its index."""
    if not 0 <= index < len(market.calendar.all):
        return None
    return market.recording.days.get(market.day(listing, index))


def _printed(bars: RecordedBars, extremes: Ints) -> np.typing.NDArray[np.bool_]:
    """Return in which seconds of each minute there is a print.

    In all, in four when the shares are fewer, and when those are too few for four in as many
    as its prices need.
    """
    spread = (bars.high > np.maximum(bars.open, bars.close)) | (bars.volume >= _CORNERS)
    sunk = (bars.low < np.minimum(bars.open, bars.close)) | (bars.volume >= _CORNERS)
    there = np.zeros((len(bars.minute), SECONDS), np.bool_)
    there[:, 0] = True
    there[:, -1] = spread | sunk | (bars.open != bars.close)
    np.put_along_axis(there, extremes, np.stack((spread, sunk), axis=1), axis=1)
    return np.asarray(there | (bars.volume >= SECONDS)[:, None])


def _last(quotes: Quotes, at: int) -> Quotes:
    """Return the last quote made by an instant; before the first one nobody quotes."""
    row = int(np.searchsorted(quotes.made, at, side="right")) - 1
    return _cut(quotes, slice(row, row + 1)) if row >= 0 else _UNQUOTED


def _cut(quotes: Quotes, rows: slice | np.typing.NDArray[np.bool_]) -> Quotes:
    return Quotes(
        quotes.made[rows],
        quotes.bid[rows],
        quotes.ask[rows],
        quotes.bid_size[rows],
        quotes.ask_size[rows],
    )


def _joined(parts: list[Quotes]) -> Quotes:
    return Quotes(
        np.concatenate([part.made for part in parts]),
        np.concatenate([part.bid for part in parts]),
        np.concatenate([part.ask for part in parts]),
        np.concatenate([part.bid_size for part in parts]),
        np.concatenate([part.ask_size for part in parts]),
    )
