"""Opening and closing auctions of stocks, and what the codes of market data mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

from common.clock import Clock
from common.contracts import AssetClass
from common.errors import TradingError
from common.money import Price
from common.session import Session, new_york, trading_day
from paper_exchange.api.bars import Bars
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.history import Wanted, page
from paper_exchange.api.routes import Path, data
from paper_exchange.api.timeframes import DAY
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source
from paper_exchange.wire.errors import BadParameter, not_found
from paper_exchange.wire.scalars import instant, number

Json = dict[str, Any]

SYMBOLS_MAX: Final = 1000

_EXCHANGES: Mapping[str, str] = {"V": "IEX"}
_CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "trade": {"@": "Regular Sale", "M": "Market Center Official Close", "O": "Opening Prints"},
    "quote": {"R": "Regular Two Sided Open"},
}
_OPTION_CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "trade": {"I": "AUTO - Regular Electronic Trade"},
    "quote": {" ": "One Sided", "A": "Auto Execution Eligible"},
}
_WHOLE_DAY: Final = 390  # minutes of a bar that holds a session
_TAPES: Final = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Auctions:
    """The auctions of one day: the session's first price and, once it is over, its last."""

    session: Session
    opened: Price
    closed: Price | None

    @property
    def at(self) -> datetime:
        """The start of the day, by which days are paged."""
        return new_york(self.session.day, time.min)

    def shown(self) -> Json:
        """Return it as the data API does; sizes are not known and so not given."""
        closes = self.session.close
        return {
            "c": [] if self.closed is None else [_auction("M", self.closed, closes)],
            "d": self.session.day.isoformat(),
            "o": [_auction("O", self.opened, self.session.open)],
        }


class StockReference:
    """Auctions and meta paths of the data host."""

    def __init__(self, source: Source, calendar: Calendar, clock: Clock) -> None:
        self._source = source
        self._calendar = calendar
        self._clock = clock
        self._stocks = {
            asset.symbol for asset in source.assets() if asset.asset_class is AssetClass.EQUITY
        }

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            data("/v2/stocks/auctions", self.auctions),
            data("/v2/stocks/meta/exchanges", self.exchanges),
            data("/v2/stocks/meta/conditions/{ticktype:str}", self.conditions),
            data("/v2/stocks/{symbol:str}/auctions", self.auctions_of_one),
            data("/v1beta1/options/meta/conditions/{ticktype:str}", self.option_conditions),
        )

    async def auctions(self, call: Call) -> Reply:
        """Answer GET /v2/stocks/auctions?symbols=&start=&end=."""
        symbols = call.query.symbols()
        if not 0 < len(symbols) <= SYMBOLS_MAX:
            raise BadParameter(f"symbols is required: one to {SYMBOLS_MAX} of them")
        found, token = await self._page(call, symbols)
        return reply({"auctions": found, "next_page_token": token})

    async def auctions_of_one(self, call: Call) -> Reply:
        """Answer GET /v2/stocks/{symbol}/auctions."""
        symbol = call.path["symbol"].upper()
        if symbol not in self._stocks:
            raise not_found(f"no auctions found for {symbol:.40}")
        found, token = await self._page(call, (symbol,))
        return reply(
            {"auctions": found.get(symbol, []), "next_page_token": token, "symbol": symbol}
        )

    async def exchanges(self, call: Call) -> Reply:
        """Answer GET /v2/stocks/meta/exchanges: the codes that occur here."""
        return reply(_EXCHANGES)

    async def conditions(self, call: Call) -> Reply:
        """Answer GET /v2/stocks/meta/conditions/{trade|quote}?tape=: the codes that occur here."""
        call.query.required("tape")
        call.query.choice("tape", _TAPES, "")
        return reply(_named(call, _CONDITIONS))

    async def option_conditions(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/meta/conditions/{trade|quote}."""
        return reply(_named(call, _OPTION_CONDITIONS))

    async def _page(
        self, call: Call, symbols: tuple[str, ...]
    ) -> tuple[dict[str, list[Json]], str | None]:
        listed = tuple(symbol for symbol in symbols if symbol in self._stocks)
        wanted = Wanted.of(call.query, listed, self._clock)
        found, token = await page(wanted, self._held, Bars(self._source, self._clock).load(DAY))
        return {
            symbol: [auctions.shown() for auctions in days] for symbol, days in found.items()
        }, token

    def _held(self, symbol: str, start: datetime, end: datetime, limit: int) -> list[Auctions]:
        """Return the auctions of the days that begin in [start, end)."""
        now = self._clock.now()
        found = []
        for session in self._calendar.sessions(trading_day(start), trading_day(end)):
            midnight = new_york(session.day, time.min)
            if start <= midnight < end and session.open <= now:
                auctions = self._of(symbol, session, now)
                found += [] if auctions is None else [auctions]
        return found[:limit]

    def _of(self, symbol: str, session: Session, now: datetime) -> Auctions | None:
        bars = self._source.bars(symbol, session.open, min(session.close, now), _WHOLE_DAY)
        if not bars:
            return None
        return Auctions(session, bars[0].open, self._close(symbol, session, now))

    def _close(self, symbol: str, session: Session, now: datetime) -> Price | None:
        if now < session.close:
            return None
        try:
            return self._source.official_close(symbol, session.day)
        except TradingError:
            return None


def _auction(condition: str, price: Price, at: datetime) -> Json:
    return {"c": condition, "p": number(price), "t": instant(at), "x": "V"}


def _named(call: Call, by_type: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    found = by_type.get(call.path["ticktype"])
    if found is None:
        raise BadParameter("invalid ticktype: must be one of trade, quote")
    return found
