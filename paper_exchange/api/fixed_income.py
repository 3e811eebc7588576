"""Prices and quotes of the Treasury securities that are listed."""

from __future__ import annotations

from typing import Any, Final

from common.clock import Clock
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, data
from paper_exchange.feed.treasuries import BondQuote, Treasuries
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query
from paper_exchange.wire.scalars import instant

Json = dict[str, Any]

_ISIN_LENGTH: Final = 12
_MIN_SIZE: Final = 1_000  # dollars of par
_SIZE: Final = 1_000_000


class FixedIncome:
    """Bonds by ISIN; what is not listed is left out."""

    def __init__(self, treasuries: Treasuries, clock: Clock) -> None:
        self._treasuries, self._clock = treasuries, clock

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            data("/v1beta1/fixed_income/latest/prices", self.prices),
            data("/v1beta1/fixed_income/latest/quotes", self.quotes),
        )

    async def quotes(self, call: Call) -> Reply:
        """Answer GET /v1beta1/fixed_income/latest/quotes?isins=."""
        call.query.integer("trade_size", 1, low=1, high=10**9)
        found = self._found(call.query).items()
        return reply({"quotes": {isin: _quote(quote) for isin, quote in found}})

    async def prices(self, call: Call) -> Reply:
        """Answer GET /v1beta1/fixed_income/latest/prices?isins=: the middle of the quote."""
        found = self._found(call.query).items()
        return reply({"prices": {isin: _price(quote) for isin, quote in found}})

    def _found(self, query: Query) -> dict[str, BondQuote]:
        query.required("isins")
        found = {}
        for isin in query.symbols("isins"):
            if len(isin) != _ISIN_LENGTH or not isin.isalnum():
                raise BadParameter(f"invalid isin: {isin:.40}")
            quote = self._treasuries.quote(isin, self._clock.now())
            if quote is not None:
                found[isin] = quote
        return found


def _quote(of: BondQuote) -> Json:
    bid, ask = round(of.bid_yield, 6), round(of.ask_yield, 6)
    return {
        "ams": _MIN_SIZE,
        "ap": round(of.ask, 8),
        "as": _SIZE,
        "aytm": ask,
        "aytw": ask,  # none can be called early
        "bms": _MIN_SIZE,
        "bp": round(of.bid, 8),
        "bs": _SIZE,
        "bytm": bid,
        "bytw": bid,
        "t": instant(of.at),
    }


def _price(of: BondQuote) -> Json:
    middle = round((of.bid_yield + of.ask_yield) / 2, 4)
    return {
        "p": round((of.bid + of.ask) / 2, 4),
        "t": instant(of.at),
        "ytm": middle,
        "ytw": middle,
    }
