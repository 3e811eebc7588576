"""Alpaca's JSON as the values of this house; what is malformed is left out, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from common.contracts import AssetClass, OptionContract, asset_class
from common.quotes import Bar, Quote, Trade
from paper_exchange.feed.source import Asset

Json = Mapping[str, Any]

MALFORMED: Final = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)


def quote(of: Json) -> Quote:
    """Read a quote of a stock or an option; its `at` is the upstream's own."""
    return Quote(
        bid=money(of["bp"]),
        ask=money(of["ap"]),
        bid_size=int(of["bs"]),
        ask_size=int(of["as"]),
        at=instant(of["t"]),
    )


def trade(of: Json) -> Trade:
    """Read a print."""
    return Trade(price=money(of["p"]), size=int(of["s"]), at=instant(of["t"]))


def bar(of: Json) -> Bar:
    """Read a bar."""
    return Bar(
        at=instant(of["t"]),
        open=money(of["o"]),
        high=money(of["h"]),
        low=money(of["l"]),
        close=money(of["c"]),
        volume=int(of["v"]),
        vwap=money(of.get("vw", of["c"])),
        trades=int(of.get("n", 0)),
    )


def asset(of: Json) -> Asset | None:
    """Read a stock that can be traded, None for anything else."""
    symbol = str(of["symbol"])
    if not of.get("tradable") or of.get("status") != "active" or not _is_stock(symbol):
        return None
    attributes = tuple(of.get("attributes") or ())
    if "options_enabled" in attributes:  # what it was called before
        attributes = (*attributes, "has_options")
    return Asset(
        symbol=symbol,
        name=str(of.get("name") or symbol),
        exchange=str(of.get("exchange") or ""),
        asset_class=AssetClass.EQUITY,
        attributes=attributes,
        marginable=bool(of.get("marginable")),
        shortable=bool(of.get("shortable")),
        fractionable=bool(of.get("fractionable")),
    )


def contract(of: Json) -> tuple[OptionContract, int | None] | None:
    """Read a listed contract of 100 shares and its open interest; None for an adjusted one."""
    try:
        found = OptionContract.from_occ(str(of["symbol"]))
    except ValueError:
        return None
    if not of.get("tradable") or str(of.get("size", "100")) != "100":
        return None
    if found.underlying != of.get("underlying_symbol", found.underlying):
        return None
    interest = of.get("open_interest")
    return found, None if interest is None else int(interest)


def money(value: float | str) -> Decimal:
    """Return a price as the decimal it was written as; ValueError for what is none."""
    price = Decimal(str(value))
    if not price.is_finite() or price < 0:
        raise ValueError(f"not a price: {value!r:.40}")
    return price


def instant(text: str) -> datetime:
    """Read an RFC 3339 time, its nanoseconds cut to microseconds."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {text!r:.40}")
    return at


def text(at: datetime) -> str:
    """Write an RFC 3339 time."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_stock(symbol: str) -> bool:
    try:
        return asset_class(symbol) is AssetClass.EQUITY
    except ValueError:
        return False
