"""Which symbols move and trade most, counted from the feed's own bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from common.clock import Clock
from common.contracts import AssetClass
from common.errors import TradingError
from common.money import Price, cent
from common.quotes import Bar
from common.session import Session, new_york
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, data
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source
from paper_exchange.wire.errors import not_found
from paper_exchange.wire.scalars import instant, number

Json = dict[str, Any]

TOP_DEFAULT: Final = 10
MOVERS_MAX: Final = 50
ACTIVES_MAX: Final = 100

_WHOLE_DAY: Final = 390  # minutes of a bar that holds a session
_PERCENT: Final = Decimal("0.01")
_RANKS: Mapping[str, Callable[[tuple[str, Bar]], int]] = {
    "volume": lambda item: item[1].volume,
    "trades": lambda item: item[1].trades,
}


class Screener:
    """The screener paths of the data host."""

    def __init__(self, source: Source, calendar: Calendar, clock: Clock) -> None:
        self._source = source
        self._calendar = calendar
        self._clock = clock
        listed = source.assets()
        self._stocks = [asset.symbol for asset in listed if asset.asset_class is AssetClass.EQUITY]
        self._coins = [asset.symbol for asset in listed if asset.asset_class is AssetClass.CRYPTO]

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            data("/v1beta1/screener/stocks/most-actives", self.most_actives),
            data("/v1beta1/screener/{market:str}/movers", self.movers),
        )

    async def most_actives(self, call: Call) -> Reply:
        """Answer GET /v1beta1/screener/stocks/most-actives?by=volume|trades&top=."""
        by = call.query.choice("by", tuple(_RANKS), "volume")
        top = call.query.integer("top", TOP_DEFAULT, low=1, high=ACTIVES_MAX)
        now = self._clock.now()
        found = sorted(self._days(now), key=_RANKS[by], reverse=True)[:top]
        return reply(
            {
                "last_updated": instant(now),
                "most_actives": [
                    {"symbol": symbol, "trade_count": bar.trades, "volume": bar.volume}
                    for symbol, bar in found
                ],
            }
        )

    async def movers(self, call: Call) -> Reply:
        """Answer GET /v1beta1/screener/{stocks|crypto}/movers?top=."""
        market = call.path["market"]
        if market not in ("stocks", "crypto"):
            raise not_found("endpoint not found.")
        top = call.query.integer("top", TOP_DEFAULT, low=1, high=MOVERS_MAX)
        now = self._clock.now()
        moved = sorted(
            self._coin_moves(now) if market == "crypto" else self._stock_moves(now),
            key=lambda mover: -mover["percent_change"],
        )
        return reply(
            {
                "gainers": [mover for mover in moved if mover["change"] > 0][:top],
                "last_updated": instant(now),
                "losers": [mover for mover in reversed(moved) if mover["change"] < 0][:top],
                "market_type": market,
            }
        )

    def _session(self, now: datetime) -> Session:
        """Return the session that is on, or the last one: it counts until the next open."""
        return self._calendar.all[max(self._calendar.started(now) - 1, 1)]

    def _days(self, now: datetime) -> list[tuple[str, Bar]]:
        start = new_york(self._session(now).day, time.min)
        found = ((name, self._source.bars(name, start, now, _WHOLE_DAY)) for name in self._stocks)
        return [(symbol, bars[-1]) for symbol, bars in found if bars]

    def _stock_moves(self, now: datetime) -> list[Json]:
        before = self._calendar.previous_session(self._session(now).day).day
        return [
            _mover(symbol, self._source.spot(symbol, now), close)
            for symbol in self._stocks
            if (close := self._close(symbol, before)) is not None
        ]

    def _close(self, symbol: str, day: date) -> Price | None:
        try:
            return self._source.official_close(symbol, day)
        except TradingError:  # it did not trade that day
            return None

    def _coin_moves(self, now: datetime) -> list[Json]:
        midnight = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
        return [
            _mover(symbol, last.price, first.price)
            for symbol in self._coins
            if (first := self._source.trade(symbol, midnight)) is not None
            and (last := self._source.trade(symbol, now)) is not None
        ]


def _mover(symbol: str, price: Price, before: Price) -> Json:
    change = price - before
    return {
        "change": number(cent(change)),
        "percent_change": number((change / before * 100).quantize(_PERCENT)),
        "price": number(price),
        "symbol": symbol,
    }
