"""Trades, quotes and bars of one class of asset, now and in the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from common.clock import Clock
from common.contracts import AssetClass
from common.errors import BadArgument, BrokerUnavailable
from common.session import new_york, trading_day
from services.broker.library import Library, Past
from services.broker.published import Found, PriceBar, Print, Snapshot, Touch

CHUNK: Final = 100  # symbols one request may name
PAGES_MAX: Final = 20  # of one whole reading; ten thousand rows each


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A part of the past, a page at a time: from start to end, else the last calendar days.

    limit: rows of all symbols. cursor: of the page before. The rest as in Past.
    """

    days: int = 5
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 200
    cursor: str | None = None
    descending: bool = False
    feed: str | None = None
    currency: str | None = None
    listed_as_of: date | None = None

    def past(self, symbols: Sequence[str], now: datetime) -> Past:
        """Return what to ask for; days count back from midnight, so that pages agree.

        Raises BadArgument when nothing lies between start and end.
        """
        end = now if self.end is None else self.end
        first = trading_day(end) - timedelta(days=self.days)
        start = new_york(first, time.min) if self.start is None else self.start
        if start > min(end, now):
            raise BadArgument("start lies after the end, or after now", remedy="correct start")
        return Past(
            symbols=symbols,
            start=start,
            end=end,
            limit=self.limit,
            cursor=self.cursor,
            descending=self.descending,
            feed=self.feed,
            currency=self.currency,
            listed_as_of=self.listed_as_of,
        )


class Tape:
    """What one class of asset has traded at. Every method raises as Library does."""

    def __init__(self, library: Library, clock: Clock, of: AssetClass) -> None:
        self._library = library
        self._clock = clock
        self._of = of

    async def bars(
        self,
        symbols: Sequence[str],
        wanted: Range,
        timeframe: str = "1Day",
        adjustment: str = "raw",
    ) -> Found[PriceBar]:
        """Return one page of bars, by symbol and time; timeframe as 1Min, 1Hour, 1Day."""
        past = wanted.past(symbols, self._clock.now())
        return await self._library.bars(self._of, past, timeframe, adjustment)

    async def series(
        self,
        symbols: Sequence[str],
        timeframe: str,
        start: datetime,
        end: datetime,
        adjustment: str = "split",
    ) -> dict[str, tuple[PriceBar, ...]]:
        """Return all bars from start through end, by rising time; every symbol has an entry.

        Raises BrokerUnavailable where the broker has no end.
        """
        found: dict[str, list[PriceBar]] = {symbol: [] for symbol in symbols}
        for at in range(0, len(symbols), CHUNK):
            past = Past(symbols=symbols[at : at + CHUNK], start=start, end=end)
            for _ in range(PAGES_MAX):
                page = await self._library.bars(self._of, past, timeframe, adjustment)
                for bar in page.rows:
                    found[bar.symbol].append(bar)
                if page.cursor is None:
                    break
                past = replace(past, cursor=page.cursor)
            else:
                raise BrokerUnavailable(f"{timeframe} bars have no end after {PAGES_MAX} pages")
        return {symbol: tuple(bars) for symbol, bars in found.items()}

    async def trades(self, symbols: Sequence[str], wanted: Range) -> Found[Print]:
        """Return one page of trades, by symbol and time."""
        return await self._library.trades(self._of, wanted.past(symbols, self._clock.now()))

    async def quotes(
        self, symbols: Sequence[str], feed: str | None = None, currency: str | None = None
    ) -> Found[Touch]:
        """Return the latest quotes, of the symbols that have one."""
        return await self._library.latest_quotes(self._of, symbols, feed, currency)

    async def last_trades(
        self, symbols: Sequence[str], feed: str | None = None, currency: str | None = None
    ) -> Found[Print]:
        """Return the latest trades, of the symbols that have one."""
        return await self._library.latest_trades(self._of, symbols, feed, currency)

    async def last_bars(
        self, symbols: Sequence[str], feed: str | None = None, currency: str | None = None
    ) -> Found[PriceBar]:
        """Return the latest minute bars, of the symbols that have one."""
        return await self._library.latest_bars(self._of, symbols, feed, currency)

    async def snapshots(self, symbols: Sequence[str], feed: str | None = None) -> Found[Snapshot]:
        """Return the latest of everything, of the symbols that have any."""
        return await self._library.snapshots(self._of, symbols, feed)
