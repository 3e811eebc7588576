"""Market data of stocks and coins: latest, history and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from common.clock import Clock
from common.contracts import AssetClass, asset_class
from paper_exchange.api.bars import Bars
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.history import Fetch, Load, Wanted, loader, page
from paper_exchange.api.routes import Path, data
from paper_exchange.api.timeframes import Timeframe
from paper_exchange.engine.refusals import Refused
from paper_exchange.feed.source import Latest, Series, Source
from paper_exchange.wire import market_data as wire
from paper_exchange.wire.errors import BadParameter, not_found
from paper_exchange.wire.query import Query

Json = dict[str, Any]

SYMBOLS_MAX: Final = 1000

_FEEDS: Final = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")
_DELAY: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data: its name, and how it is looked up and written.

    history and load are None for bars, which need a timeframe first.
    """

    singular: str
    latest: Callable[[str, datetime], Any]
    history: Fetch | None
    load: Load | None
    write: Callable[[str, Any], Json]

    @property
    def plural(self) -> str:
        """The name of many."""
        return f"{self.singular}s"


class Stocks:
    """The paths of one asset class whose symbols are assets: stocks, or coins.

    sip: whether the plan includes the consolidated feed before it is 15 minutes old. Every
    feed a client may name shows the same market.
    """

    def __init__(self, source: Source, clock: Clock, of: AssetClass, *, sip: bool = True) -> None:
        self._sip = sip
        self._source = source
        self._clock = clock
        self._class = of
        self._assets = {asset.symbol: asset for asset in source.assets() if asset.asset_class is of}
        self._bars = Bars(source, clock)
        coins = of is AssetClass.CRYPTO
        self._kinds = {
            "quotes": Kind(
                "quote",
                source.quote,
                source.quote_history,
                loader(source, Series.QUOTES),
                self._quote,
            ),
            "trades": Kind(
                "trade", source.trade, source.trades, loader(source, Series.TRADES), self._trade
            ),
            "bars": Kind("bar", self._bars.minute, None, None, lambda _, bar: wire.bar(bar)),
        }
        self._coins = coins

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        if self._coins:
            return (
                data("/v1beta3/crypto/us/latest/orderbooks", self.orderbooks),
                data("/v1beta3/crypto/us/latest/{kind:str}", self.latest),
                data("/v1beta3/crypto/us/snapshots", self.snapshots),
                data("/v1beta3/crypto/us/{kind:str}", self.history),
            )
        return (
            data("/v2/stocks/snapshots", self.snapshots),
            data("/v2/stocks/{kind:str}/latest", self.latest),
            data("/v2/stocks/{symbol:str}/snapshot", self.snapshot_of_one),
            data("/v2/stocks/{symbol:str}/{kind:str}/latest", self.latest_of_one),
            data("/v2/stocks/{symbol:str}/{kind:str}", self.history_of_one),
            data("/v2/stocks/{kind:str}", self.history),
        )

    async def latest(self, call: Call) -> Reply:
        """Answer GET .../{kind}/latest?symbols=."""
        kind = self._kind(call)
        self._feed(call.query, self._clock.now())
        symbols = await self._ready(self._symbols(call.query))
        now = self._clock.now()
        found = {
            symbol: kind.write(symbol, item)
            for symbol in symbols
            if (item := kind.latest(symbol, now)) is not None
        }
        return reply({kind.plural: found})

    async def orderbooks(self, call: Call) -> Reply:
        """Answer GET .../latest/orderbooks?symbols=: one level, which is all there is."""
        now = self._clock.now()
        found = {
            symbol: wire.orderbook(quote)
            for symbol in self._symbols(call.query)
            if symbol in self._assets and (quote := self._source.quote(symbol, now)) is not None
        }
        return reply({"orderbooks": found})

    async def latest_of_one(self, call: Call) -> Reply:
        """Answer GET .../{symbol}/{kind}/latest."""
        kind, symbol = self._kind(call), call.path["symbol"].upper()
        self._feed(call.query, self._clock.now())
        listed = await self._ready((symbol,))
        item = kind.latest(symbol, self._clock.now()) if listed else None
        if item is None:
            raise not_found(f"no {kind.singular} found for {symbol}")
        return reply({kind.singular: kind.write(symbol, item), "symbol": symbol})

    async def history(self, call: Call) -> Reply:
        """Answer GET .../{kind}?symbols=&start=&end=."""
        kind = self._kind(call)
        found, token = await self._page(call, kind, self._symbols(call.query))
        return reply({kind.plural: found, "next_page_token": token})

    async def history_of_one(self, call: Call) -> Reply:
        """Answer GET .../{symbol}/{kind}?start=&end=."""
        kind, symbol = self._kind(call), call.path["symbol"].upper()
        if symbol not in self._assets:
            raise not_found(f"no {kind.singular} found for {symbol}")
        found, token = await self._page(call, kind, (symbol,))
        return reply(
            {kind.plural: found.get(symbol, []), "next_page_token": token, "symbol": symbol}
        )

    async def snapshots(self, call: Call) -> Reply:
        """Answer GET .../snapshots?symbols=, a bare map for stocks."""
        self._feed(call.query, self._clock.now())
        symbols = await self._ready(self._symbols(call.query))
        found = {symbol: self._snapshot(symbol) for symbol in symbols}
        return reply({"snapshots": found} if self._coins else found)

    async def snapshot_of_one(self, call: Call) -> Reply:
        """Answer GET .../{symbol}/snapshot."""
        self._feed(call.query, self._clock.now())
        symbol = call.path["symbol"].upper()
        if not await self._ready((symbol,)):
            raise not_found(f"no snapshot found for {symbol}")
        return reply({**self._snapshot(symbol), "symbol": symbol})

    async def _page(
        self, call: Call, kind: Kind, symbols: tuple[str, ...]
    ) -> tuple[dict[str, list[Json]], str | None]:
        fetch, load = kind.history, kind.load
        if fetch is None or load is None:
            timeframe = Timeframe.parse(call.query.required("timeframe"))
            fetch, load = self._bars.fetch(timeframe), self._bars.load(timeframe)
        listed = tuple(symbol for symbol in symbols if symbol in self._assets)
        wanted = Wanted.of(call.query, listed, self._clock)
        self._feed(call.query, wanted.end)
        found, token = await page(wanted, fetch, load)
        return {
            symbol: [kind.write(symbol, item) for item in items] for symbol, items in found.items()
        }, token

    async def _ready(self, symbols: Sequence[str]) -> list[str]:
        """Return those of some symbols that are listed, once their latest is at hand."""
        listed = [symbol for symbol in symbols if symbol in self._assets]
        await self._source.prepare(Latest(listed))
        return listed

    def _snapshot(self, symbol: str) -> Json:
        now = self._clock.now()
        quote, trade = self._source.quote(symbol, now), self._source.trade(symbol, now)
        return self._bars.of_snapshot(symbol, now) | wire.snapshot(
            latestQuote=None if quote is None else self._quote(symbol, quote),
            latestTrade=None if trade is None else self._trade(symbol, trade),
        )

    def _feed(self, query: Query, end: datetime) -> None:
        """Refuse a feed that does not exist, and the plan's limit where end is recent."""
        recent = end > self._clock.now() - _DELAY
        if query.choice("feed", _FEEDS, _FEEDS[0]) == "sip" and recent and not self._sip:
            raise Refused(403, 40310000, "subscription does not permit querying recent SIP data")

    def _kind(self, call: Call) -> Kind:
        kind = self._kinds.get(call.path["kind"])
        if kind is None:
            raise not_found("endpoint not found.")
        return kind

    def _symbols(self, query: Query) -> tuple[str, ...]:
        """Return the symbols asked for; malformed ones fail the call, as at Alpaca."""
        symbols = query.symbols()
        if not symbols:
            raise BadParameter("symbols is required")
        if len(symbols) > SYMBOLS_MAX:
            raise BadParameter(f"too many symbols: at most {SYMBOLS_MAX}")
        for symbol in symbols:
            if not _is(symbol, self._class):
                raise BadParameter(f"invalid symbol: {symbol:.40}")
        return symbols

    def _quote(self, symbol: str, quote: Any) -> Json:
        if self._coins:
            return wire.crypto_quote(quote)
        return wire.stock_quote(quote, self._assets[symbol].exchange)

    def _trade(self, symbol: str, trade: Any) -> Json:
        if self._coins:
            return wire.crypto_trade(trade)
        return wire.stock_trade(trade, self._assets[symbol].exchange)


def _is(symbol: str, wanted: AssetClass) -> bool:
    try:
        return asset_class(symbol) is wanted
    except ValueError:
        return False
