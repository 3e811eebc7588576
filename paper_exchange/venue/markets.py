"""The engine's view of the market, cut to what one command needs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from common.contracts import AssetClass, OptionContract
from common.errors import MarketDataMissing
from common.quotes import Quote
from paper_exchange.engine.market import Listing, Market, Rules
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.state import AccountState
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.clock import ExchangeClock
from paper_exchange.feed.source import Latest, Source

PREPARED_WITHIN: Final = 2.5  # seconds an order waits for a market that is asked over a network


class Markets:
    """Builds Market values from a source, a calendar and a clock."""

    def __init__(
        self, source: Source, calendar: Calendar, clock: ExchangeClock, rules: Rules
    ) -> None:
        self._source, self._calendar, self._clock, self._rules = source, calendar, clock, rules
        self._assets = {
            asset.symbol: Listing(
                symbol=asset.symbol,
                asset_class=asset.asset_class,
                underlying=asset.symbol,
                shortable=asset.shortable and asset.asset_class is AssetClass.EQUITY,
                fractionable=asset.fractionable,
            )
            for asset in source.assets()
        }
        self._optionable = {asset.symbol for asset in source.assets() if asset.has_options}
        self._day = clock.session.day
        self._contracts: dict[str, frozenset[OptionContract]] = {}

    @property
    def rules(self) -> Rules:
        """The exchange's settings."""
        return self._rules

    @property
    def underlyings(self) -> frozenset[str]:
        """The symbols that options are listed on."""
        return frozenset(self._optionable)

    async def prepare(self, symbols: Iterable[str]) -> None:
        """Have the latest of some symbols at hand, as far as it can be had.

        What cannot be had, or not soon, has no quote: orders in it do not fill.
        """
        with suppress(MarketDataMissing, TimeoutError):
            async with asyncio.timeout(PREPARED_WITHIN):
                await self._source.prepare(Latest(tuple(symbols)))

    def at(self, now: datetime, traded: Iterable[str], quoted: Iterable[str]) -> Market:
        """Return the market of some symbols to trade, and of others to quote."""
        traded = tuple(traded)
        listings = {symbol: self.listing(symbol) for symbol in traded}
        known = {symbol: listing for symbol, listing in listings.items() if listing is not None}
        symbols = tuple({**known, **dict.fromkeys(quoted)})
        session = self._clock.session
        return Market(
            session=session,
            following=self._calendar.next_session(session.day),
            quotes=self._standing(symbols, now, frozenset(known)),
            listings=known,
            rules=self._rules,
            halted=frozenset(symbol for symbol in known if self._source.halted(symbol, now)),
        )

    def quotes(self, symbols: Sequence[str], now: datetime) -> dict[str, Quote | None]:
        """Return the quotes that may be traded on; what is not known to stand is none."""
        return self._standing(symbols, now, frozenset(symbols))

    def for_order(self, state: AccountState, symbols: Iterable[str], now: datetime) -> Market:
        """Return what trading symbols needs: their quotes, and those of the shares held."""
        shares = [symbol for symbol in state.positions if contract_of(symbol) is None]
        return self.at(now, symbols, shares)

    def for_account(self, state: AccountState, now: datetime) -> Market:
        """Return what marking an account needs: quotes of all it holds."""
        return self.at(now, (), state.positions)

    def listing(self, symbol: str) -> Listing | None:
        """Return what a symbol names on the day in hand, None when it is not listed."""
        if (asset := self._assets.get(symbol)) is not None:
            return asset
        contract = _contract(symbol)
        if contract is None or contract.underlying not in self._optionable:
            return None
        if contract not in self._listed(contract.underlying):
            return None
        return Listing(
            symbol=symbol,
            asset_class=AssetClass.OPTION,
            underlying=contract.underlying,
            contract=contract,
        )

    def _standing(
        self, symbols: Sequence[str], now: datetime, traded: frozenset[str]
    ) -> dict[str, Quote | None]:
        """Return quotes, of what is traded only those that are known to stand."""
        fresh = self._source.fresh
        return {
            symbol: None if quote and symbol in traded and not fresh(symbol, quote, now) else quote
            for symbol, quote in zip(symbols, self._source.quotes(symbols, now), strict=True)
        }

    def _listed(self, underlying: str) -> frozenset[OptionContract]:
        if self._day != self._clock.session.day:
            self._day = self._clock.session.day
            self._contracts.clear()
        if not self._contracts.get(underlying):  # they may become known while the day runs
            self._contracts[underlying] = frozenset(self._source.contracts(underlying, self._day))
        return self._contracts[underlying]


def _contract(symbol: str) -> OptionContract | None:
    try:
        return contract_of(symbol)
    except ValueError:
        return None
