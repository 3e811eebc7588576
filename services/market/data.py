"""Everything about the market that tools may look up, beyond the desk's own chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from common.clock import Clock, MarketClock, WallClock
from common.contracts import AssetClass, asset_class
from services.broker.library import Library
from services.broker.published import Depth, Found, Level, Touch
from services.broker.reader import BrokerReader
from services.broker.watchlists import WatchlistKeeper
from services.market.calendar import SessionCalendar, ToldTime
from services.market.crypto import CoinData
from services.market.news import NewsWire
from services.market.options import OptionData
from services.market.reference import ReferenceData
from services.market.stocks import StockData
from services.market.watchlists import Watchlists


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketData:
    """One service a subject; clock: the market's time, as answers are as of."""

    clock: Clock
    stocks: StockData
    options: OptionData
    coins: CoinData
    reference: ReferenceData
    news: NewsWire
    watchlists: Watchlists

    @classmethod
    def of(
        cls,
        library: Library,
        watchlists: WatchlistKeeper,
        reader: BrokerReader,
        calendar: SessionCalendar,
        *,
        clock: MarketClock,
        wall: WallClock,
    ) -> MarketData:
        """Make each once. None has a time before the broker told it."""
        told = ToldTime(clock)
        return cls(
            clock=told,
            stocks=StockData(library, told),
            options=OptionData(library, told, calendar),
            coins=CoinData(library, told),
            reference=ReferenceData(library, reader, told, wall),
            news=NewsWire(library),
            watchlists=Watchlists(watchlists),
        )

    async def depth(self, symbol: str, levels: int) -> Found[Depth]:
        """Return a book: a coin's as deep as its venue tells, of all else the best bid and ask.

        No rows: the source has no quote. Raises as Library does.
        """
        kind = asset_class(symbol)
        if kind is AssetClass.CRYPTO:
            found = await self.coins.depths([symbol])
            return replace(found, rows=tuple(_cut(book, levels) for book in found.rows))
        quoted = await (self.options if kind is AssetClass.OPTION else self.stocks).quotes([symbol])
        tops = tuple(_top(touch) for touch in quoted.rows)
        return Found(rows=tops, source=quoted.source, unreadable=quoted.unreadable)

    def now(self) -> datetime:
        """Return the market's time; raise MarketDataMissing before the broker told it."""
        return self.clock.now()


def _cut(book: Depth, levels: int) -> Depth:
    return replace(book, bids=book.bids[:levels], asks=book.asks[:levels])


def _top(touch: Touch) -> Depth:
    return Depth(
        symbol=touch.symbol,
        bids=_level(touch.bid, touch.bid_size),
        asks=_level(touch.ask, touch.ask_size),
        at=touch.at,
    )


def _level(price: Decimal | None, size: Decimal) -> tuple[Level, ...]:
    return () if price is None else (Level(price=price, size=size),)
