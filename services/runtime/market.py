"""Making what knows the market: its hours, its chain, its past, and the views of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from common.clock import MarketClock, WallClock
from common.config import Settings
from services.broker.access import AlpacaAccess
from services.broker.alpaca import Connection
from services.broker.reader import BrokerReader
from services.market.calendar import SessionCalendar
from services.market.chain import ChainService
from services.market.chain_plan import ChainPlan
from services.market.data import MarketData
from services.market.dividends import DividendCalendar
from services.market.history import HistoryPlan, MinuteHistory
from services.market.option_chain_cache import OptionChainCache
from services.market.quote_stream import OptionQuoteStream
from services.market.spot import SpotFeed
from services.market.watch import MarketWatch
from services.runtime.known import Market
from services.runtime.services import UNDERLYING
from services.runtime.studies import Studies

SPOT_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Markets:
    """What they are made from. folder: where the past is kept."""

    settings: Settings
    access: AlpacaAccess
    connection: Connection
    clock: MarketClock
    wall: WallClock
    folder: Path

    @property
    def reader(self) -> BrokerReader:
        """What reads."""
        return self.connection.reader

    def made(self) -> Market:
        """Make each once and hand it what it needs."""
        calendar = SessionCalendar(self.reader, self.clock)
        spot = self._spot(calendar)
        chain = self._chain(spot, calendar)
        history = self._history()
        dividends = DividendCalendar(self.reader, UNDERLYING, self.clock)
        watch = MarketWatch(
            self.reader,
            chain,
            spot,
            calendar,
            history,
            dividends,
            clock=self.clock,
            quote_age_max=self.settings.quote_age_max,
        )
        data = self._data(calendar)
        return Market(
            calendar=calendar,
            spot=spot,
            chain=chain,
            history=history,
            dividends=dividends,
            watch=watch,
            data=data,
            studies=self._studies(data, calendar),
        )

    def _data(self, calendar: SessionCalendar) -> MarketData:
        return MarketData.of(
            self.connection.library,
            self.connection.watchlists,
            self.reader,
            calendar,
            clock=self.clock,
            wall=self.wall,
        )

    def _studies(self, data: MarketData, calendar: SessionCalendar) -> Studies:
        return Studies.of(
            self.settings,
            data,
            self.reader,
            calendar,
            self.access.stock_feed,
            clock=self.clock,
            wall=self.wall,
        )

    def _history(self) -> MinuteHistory:
        plan = HistoryPlan.of(
            UNDERLYING, self.settings.history_days, self.settings.requests_per_minute
        )
        file = self.folder / f"history-{UNDERLYING}.npz"
        return MinuteHistory(self.reader, file, self.clock, plan)

    def _spot(self, calendar: SessionCalendar) -> SpotFeed:
        return SpotFeed(
            self.reader,
            UNDERLYING,
            interval=SPOT_EVERY,
            clock=self.clock,
            wall=self.wall,
            is_open=lambda: calendar.options_trade(UNDERLYING),
        )

    def _chain(self, spot: SpotFeed, calendar: SessionCalendar) -> ChainService:
        settings, access, wall = self.settings, self.access, self.wall
        cache = OptionChainCache(wall)
        stream = OptionQuoteStream(
            access.option_stream_url,
            access.key,
            access.secret,
            feed=access.option_feed,
            cache=cache,
            wall=wall,
            due=lambda: calendar.options_trade(UNDERLYING),
        )
        plan = ChainPlan(
            underlying=UNDERLYING,
            feed=access.option_feed,
            update_interval=settings.spy_chain_update_interval,
            cleanup_interval=settings.cache_cleanup_interval,
            stream_symbols_max=settings.stream_symbols_max,
            auto_expire_time=settings.auto_expire_time,
            requests_per_minute=settings.requests_per_minute,
        )
        return ChainService(
            self.reader,
            stream,
            cache,
            spot,
            calendar,
            clock=self.clock,
            wall=wall,
            plan=plan,
        )
