"""Quotes of a few legs as the chain has them now, or a refusal: nothing is decided on old ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from common.contracts import OptionContract
from common.errors import MarketError
from common.money import Price
from common.quotes import Quote
from services.market.chain import ChainService
from services.market.spot import SpotFeed


class LiveQuotes:
    """Reads the newest quotes held, asks nobody. One nobody bids at is a quote: worth nothing."""

    def __init__(self, chain: ChainService, spot: SpotFeed, age_max: timedelta) -> None:
        self._chain = chain
        self._spot = spot
        self._age_max = age_max

    def spot(self) -> Price | None:
        """Return the underlying's mid, None while it is not fresh."""
        try:
            return self._spot.held(self._age_max).mid
        except MarketError:
            return None

    def of(self, contracts: Iterable[OptionContract]) -> Mapping[str, Quote]:
        """Return the quotes by symbol, every one of them fresh, asked and uncrossed.

        While the underlying stands still for longer than a market does, nothing is fresh: a
        feed may repeat itself. Raises MarketDataMissing, NoSuchContract, QuoteUnusable or
        StaleQuote.
        """
        self._spot.held(self._age_max)
        return {
            contract.symbol: self._chain.leg(contract, age_max=self._age_max, unbid=True)
            for contract in contracts
        }
