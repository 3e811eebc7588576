"""Market data of options: latest quotes and trades, snapshots and whole chains.

There is no history of option quotes at Alpaca, and none here. Greeks are absent wherever a
quote has only one side and, unless they are enhanced, on expiry day as at Alpaca.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from common.clock import Clock
from common.contracts import OptionContract
from common.quotes import Quote
from common.session import trading_day
from paper_exchange.api.bars import Bars
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.history import Fetch, Load, Wanted, loader, page
from paper_exchange.api.routes import Path, data
from paper_exchange.api.timeframes import Timeframe
from paper_exchange.engine.refusals import Refused
from paper_exchange.feed.source import Latest, Listed, Series, Source
from paper_exchange.wire import market_data as wire
from paper_exchange.wire.contracts import ContractFilter
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query, page_position, page_token

Json = dict[str, Any]

SYMBOLS_MAX: Final = 100
PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1000


class Options:
    """The option paths of the data host."""

    def __init__(self, source: Source, clock: Clock, *, opra: bool, enhanced: bool) -> None:
        self._source = source
        self._clock = clock
        self._opra = opra
        self._enhanced = enhanced
        self._bars = Bars(source, clock)

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            data("/v1beta1/options/bars", self.bars),
            data("/v1beta1/options/trades", self.trades),
            data("/v1beta1/options/quotes/latest", self.latest_quotes),
            data("/v1beta1/options/trades/latest", self.latest_trades),
            data("/v1beta1/options/snapshots", self.snapshots),
            data("/v1beta1/options/snapshots/{underlying:str}", self.chain),
            data("/v1beta1/options/meta/exchanges", self.exchanges),
        )

    async def bars(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/bars?symbols=&timeframe=."""
        timeframe = Timeframe.parse(call.query.required("timeframe"))
        found, token = await self._page(
            call, self._bars.fetch(timeframe), self._bars.load(timeframe)
        )
        shown = {symbol: [wire.bar(bar) for bar in bars] for symbol, bars in found.items()}
        return reply({"bars": shown, "next_page_token": token})

    async def trades(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/trades?symbols=."""
        found, token = await self._page(
            call, self._source.trades, loader(self._source, Series.TRADES)
        )
        shown = {symbol: [wire.option_trade(one) for one in of] for symbol, of in found.items()}
        return reply({"next_page_token": token, "trades": shown})

    async def latest_quotes(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/quotes/latest?symbols=."""
        contracts = await self._ready(self._contracts(call.query))
        now = self._clock.now()
        quotes = self._source.quotes([contract.symbol for contract in contracts], now)
        return reply(
            {
                "quotes": {
                    contract.symbol: wire.option_quote(quote)
                    for contract, quote in zip(contracts, quotes, strict=True)
                    if quote is not None
                }
            }
        )

    async def latest_trades(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/trades/latest?symbols=."""
        contracts = await self._ready(self._contracts(call.query))
        now = self._clock.now()
        found = {
            contract.symbol: wire.option_trade(trade)
            for contract in contracts
            if (trade := self._source.trade(contract.symbol, now)) is not None
        }
        return reply({"trades": found})

    async def snapshots(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/snapshots?symbols=."""
        contracts = sorted(self._contracts(call.query), key=_symbol)
        found = await self._snapshots(contracts, call.query)
        now = self._clock.now()
        for symbol, shown in found.items():
            found[symbol] = self._bars.of_snapshot(symbol, now) | shown
            await asyncio.sleep(0)  # a day's prints take a while
        return reply({"next_page_token": None, "snapshots": found})

    async def chain(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/snapshots/{underlying} with filters and pages."""
        query = call.query
        self._feed(query)
        underlying = call.path["underlying"].upper()
        limit = query.integer("limit", PAGE_DEFAULT, low=1, high=PAGE_MAX)
        wanted = ContractFilter.of(query)
        after = page_position(query) or ""
        await self._source.prepare(Listed([underlying]))
        today = trading_day(self._clock.now())
        contracts = sorted(
            (
                contract
                for contract in self._source.contracts(underlying, today)
                if wanted.admits(contract) and contract.symbol > after
            ),
            key=_symbol,
        )
        shown = contracts[:limit]
        token = page_token(shown[-1].symbol) if len(contracts) > limit else None
        return reply({"next_page_token": token, "snapshots": await self._snapshots(shown, query)})

    async def exchanges(self, call: Call) -> Reply:
        """Answer GET /v1beta1/options/meta/exchanges."""
        return reply({"C": "Cboe Options Exchange"})

    async def _page(
        self, call: Call, fetch: Fetch, load: Load
    ) -> tuple[dict[str, list[Any]], str | None]:
        symbols = [contract.symbol for contract in self._contracts(call.query)]
        return await page(Wanted.of(call.query, symbols, self._clock), fetch, load)

    async def _ready(self, contracts: Sequence[OptionContract]) -> Sequence[OptionContract]:
        """Return contracts once their latest is at hand."""
        await self._source.prepare(Latest([contract.symbol for contract in contracts]))
        return contracts

    async def _snapshots(
        self, contracts: Sequence[OptionContract], query: Query
    ) -> dict[str, Json]:
        since = query.instant("updated_since")
        await self._ready(contracts)
        now = self._clock.now()
        quotes = self._source.quotes([contract.symbol for contract in contracts], now)
        shown = {}
        for contract, quote in zip(contracts, quotes, strict=True):
            if quote is not None and (since is None or quote.at >= since):
                shown[contract.symbol] = self._snapshot(contract, quote, now)
                await asyncio.sleep(0)  # a thousand greeks take a while; orders go in between
        return shown

    def _snapshot(self, contract: OptionContract, quote: Quote, now: datetime) -> Json:
        trade = self._source.trade(contract.symbol, now)
        shown = wire.snapshot(
            latestQuote=wire.option_quote(quote),
            latestTrade=None if trade is None else wire.option_trade(trade),
        )
        if (self._enhanced or wire.has_greeks(contract, now)) and quote.two_sided:
            found = self._source.greeks(contract.symbol, now)
            if found is not None:
                iv, greeks = found
                spot = self._source.spot(contract.underlying, now)
                shown["greeks"] = wire.greeks(contract, quote.mid, spot, greeks, now)
                shown["impliedVolatility"] = round(iv, 4)
        return shown

    def _contracts(self, query: Query) -> list[OptionContract]:
        """Return the contracts asked for; one malformed symbol fails the call, as at Alpaca."""
        self._feed(query)
        symbols = query.symbols()
        if not symbols:
            raise BadParameter("symbols is required")
        if len(symbols) > SYMBOLS_MAX:
            raise BadParameter(f"too many symbols: at most {SYMBOLS_MAX}")
        return [_contract(symbol) for symbol in symbols]

    def _feed(self, query: Query) -> None:
        feeds = ("indicative", "opra")
        if query.choice("feed", feeds, feeds[0]) == "opra" and not self._opra:
            raise Refused(403, 40310000, "OPRA agreement is not signed")


def _contract(symbol: str) -> OptionContract:
    try:
        return OptionContract.from_occ(symbol)
    except ValueError:
        raise BadParameter(f"invalid symbol: {symbol:.40}") from None


def _symbol(contract: OptionContract) -> str:
    return contract.symbol
