"""Everything about the market that tools may look up, beyond the desk's own chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from common.clock import Clock, WallClock
from services.broker.library import Library
from services.broker.reader import BrokerReader
from services.broker.watchlists import WatchlistKeeper
from services.market.calendar import SessionCalendar
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
        clock: Clock,
        wall: WallClock,
    ) -> MarketData:
        """Make each once."""
        return cls(
            clock=clock,
            stocks=StockData(library, clock),
            options=OptionData(library, clock, calendar),
            coins=CoinData(library, clock),
            reference=ReferenceData(library, reader, clock, wall),
            news=NewsWire(library),
            watchlists=Watchlists(watchlists),
        )

    def now(self) -> datetime:
        """Return the market's time."""
        return self.clock.now()
