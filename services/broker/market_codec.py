"""Market data: Alpaca's JSON to contracts, quotes and bars."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.money import Price
from common.quotes import Bar, ExDividend, Quote
from services.broker.fields import Json, Unreadable, decimal, instant, optional, reads
from services.broker.reader import ListedContract

PRICE_MAX: Final = 1_000_000  # dollars per share; no listed share has cost as much

log = logging.getLogger(__name__)


@reads("quote")
def quote(body: Json) -> Quote:
    """Read a quote. A missing side has price and size 0; a negative price is refused."""
    bid, ask = _price(body.get("bp")), _price(body.get("ap"))
    return Quote(
        bid=bid,
        ask=ask,
        bid_size=_size(body.get("bs")) if bid else 0,
        ask_size=_size(body.get("as")) if ask else 0,
        at=instant(body["t"]),
    )


@reads("quotes")
def quotes(body: Mapping[str, Json]) -> dict[str, Quote]:
    """Read quotes by symbol, leaving out what cannot be read: one bad quote blinds no chain."""
    found = {}
    for symbol, item in body.items():
        try:
            found[symbol] = quote(item)
        except Unreadable as e:
            log.warning("no quote of %.24s: %s", symbol, e)
    return found


@reads("snapshots")
def snapshot_quotes(body: Mapping[str, Json]) -> dict[str, Quote]:
    """Read the latest quotes out of snapshots by symbol; not every contract has one."""
    return quotes(
        {symbol: item["latestQuote"] for symbol, item in body.items() if item.get("latestQuote")}
    )


@reads("bars")
def bars(body: list[Json]) -> list[Bar]:
    """Read bars in the order given."""
    return [
        Bar(
            at=instant(item["t"]),
            open=_traded(item["o"]),
            high=_traded(item["h"]),
            low=_traded(item["l"]),
            close=_traded(item["c"]),
            volume=int(decimal(item["v"])),
            vwap=_traded(item["vw"]),
            trades=int(decimal(item["n"])),
        )
        for item in body
    ]


@reads("corporate actions")
def ex_dividends(body: Json, symbol: str) -> list[ExDividend]:
    """Read the cash dividends of one symbol; the broker leaves out kinds there are none of."""
    return [
        ExDividend(ex_date=date.fromisoformat(item["ex_date"]), amount=decimal(item["rate"]))
        for item in body.get("cash_dividends") or []
        if item["symbol"] == symbol
    ]


@reads("option contracts")
def contracts(body: Any, underlying: str) -> list[ListedContract]:
    """Read listed contracts, without adjusted ones: they deliver something else."""
    return [
        _listed(item)
        for item in body
        if item["root_symbol"] == underlying and decimal(item["size"]) == OPTION_MULTIPLIER
    ]


def _listed(body: Json) -> ListedContract:
    interest = optional(body.get("open_interest"))
    return ListedContract(
        contract=OptionContract.from_occ(body["symbol"]),
        tradable=body["tradable"] is True,
        open_interest=None if interest is None else int(interest),
    )


def _price(value: object) -> Price:
    """Read a side's price; null and 0 both mean that nobody is there."""
    price = optional(value)
    if price is None:
        return Decimal(0)
    if not 0 <= price <= PRICE_MAX:
        raise ValueError(f"a price of {price}")
    return price


def _traded(value: object) -> Price:
    price = decimal(value)
    if not 0 < price <= PRICE_MAX:
        raise ValueError(f"a trade at {price}")
    return price


def _size(value: object) -> int:
    size = int(optional(value) or 0)
    if size < 0:
        raise ValueError(f"a size of {size}")
    return size
