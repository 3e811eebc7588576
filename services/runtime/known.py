"""What knows the market, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from services.market.calendar import SessionCalendar
from services.market.chain import ChainService
from services.market.data import MarketData
from services.market.dividends import DividendCalendar
from services.market.history import MinuteHistory
from services.market.spot import SpotFeed
from services.market.watch import MarketWatch
from services.runtime.studies import Studies


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The services that know the market, made once."""

    calendar: SessionCalendar
    spot: SpotFeed
    chain: ChainService
    history: MinuteHistory
    dividends: DividendCalendar
    watch: MarketWatch
    data: MarketData
    studies: Studies
