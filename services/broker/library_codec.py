"""Published market data: Alpaca's JSON to values.

A row that cannot be read is left out and counted: one bad row blinds no list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final, TypeVar

import msgspec

from common.contracts import OptionContract
from common.money import ZERO, Price, Qty
from services.broker.fields import Json, Unreadable, decimal, instant, reads, word
from services.broker.listing_codec import name
from services.broker.published import (
    Active,
    Depth,
    Level,
    Mover,
    Movers,
    PriceBar,
    Print,
    Snapshot,
    Touch,
)

T = TypeVar("T")
Rows = tuple[tuple[T, ...], int]  # what was read, and how many could not be

PRICE_MAX: Final = 10_000_000  # dollars; BRK.A and BTC lie far below
SIZE_MAX: Final = 10**18
GREEKS: Final = ("delta", "gamma", "theta", "vega", "rho")

log = logging.getLogger(__name__)


class _Bar(msgspec.Struct):
    """A bar as it is written. Read in one go: a page of bars is most of what an answer costs."""

    t: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 the broker's name of it
    c: Decimal
    v: Decimal
    vw: Decimal | None = None
    n: int | None = None


class _Quote(msgspec.Struct, rename={"as_": "as"}):
    """A quote as it is written; null and 0 both mean that nobody is there."""

    t: str
    bp: Decimal | None = None
    ap: Decimal | None = None
    bs: Decimal | None = None
    as_: Decimal | None = None


def each(read: Callable[..., T], items: Iterable[Any]) -> Rows[T]:
    """Read rows given as tuples of arguments; return them with the number of the unreadable."""
    found, bad = [], 0
    for item in items:
        try:
            found.append(read(*item))
        except Unreadable as e:
            bad += 1
            log.warning("left out: %s", e)
    return tuple(found), bad


def by_symbol(
    body: Mapping[str, Any] | None, asked: Collection[str], read: Callable[[str, Any], T]
) -> Rows[T]:
    """Read one value a symbol, of those that were asked for."""
    held = ((symbol, item) for symbol, item in (body or {}).items() if symbol in asked and item)
    return each(read, held)


def lists_by_symbol(
    body: Mapping[str, Any] | None, asked: Collection[str], read: Callable[[str, Any], T]
) -> Rows[T]:
    """Read a list of values a symbol, of those that were asked for."""
    held = (
        (symbol, item)
        for symbol, items in (body or {}).items()
        if symbol in asked
        for item in items or ()
    )
    return each(read, held)


@reads("quote")
def touch(symbol: str, body: Json) -> Touch:
    """Read a quote; a side at 0 has nobody."""
    told = msgspec.convert(body, _Quote)
    bid, ask = told.bp or None, told.ap or None
    for price in (bid, ask):
        if price is not None and not 0 < price <= PRICE_MAX:
            raise ValueError(f"a price of {price}")
    return Touch(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_size=_whole(told.bs) if bid is not None else ZERO,
        ask_size=_whole(told.as_) if ask is not None else ZERO,
        at=instant(told.t),
    )


@reads("trade")
def trade(symbol: str, body: Json) -> Print:
    """Read a trade."""
    venue = body.get("x")
    return Print(
        symbol=symbol,
        price=_price(body["p"]),
        size=_size(body["s"]),
        at=instant(body["t"]),
        venue=word(venue) if venue else None,
    )


@reads("bar")
def bar(symbol: str, body: Json) -> PriceBar:
    """Read a bar; one of a coin nobody traded has no vwap."""
    told = msgspec.convert(body, _Bar)
    prices = told.o, told.h, told.l, told.c
    if not (min(prices) > 0 and max(prices) <= PRICE_MAX and 0 <= told.v < SIZE_MAX):
        raise ValueError(f"a bar of {prices} and {told.v}")
    return PriceBar(
        symbol=symbol,
        at=instant(told.t),
        open=told.o,
        high=told.h,
        low=told.l,
        close=told.c,
        volume=told.v,
        vwap=_price(told.vw) if told.vw else None,
        trades=told.n,
    )


@reads("snapshot")
def snapshot(symbol: str, body: Json) -> Snapshot:
    """Read a snapshot; the broker leaves out what it does not have."""
    iv, greeks = body.get("impliedVolatility"), body.get("greeks")
    return Snapshot(
        symbol=symbol,
        quote=_part(touch, symbol, body.get("latestQuote")),
        trade=_part(trade, symbol, body.get("latestTrade")),
        minute=_part(bar, symbol, body.get("minuteBar")),
        day=_part(bar, symbol, body.get("dailyBar")),
        day_before=_part(bar, symbol, body.get("prevDailyBar")),
        iv=_statistic(iv) if iv is not None else None,
        greeks={name: _statistic(greeks[name]) for name in GREEKS} if greeks else None,
    )


@reads("chain")
def chain(body: Mapping[str, Any] | None) -> Rows[Snapshot]:
    """Read the snapshots of contracts, by symbol."""
    return each(_contract_snapshot, sorted((body or {}).items()))


@reads("contract's snapshot")
def _contract_snapshot(symbol: str, body: Json) -> Snapshot:
    return snapshot(OptionContract.from_occ(symbol).symbol, body)


@reads("order book")
def depth(symbol: str, body: Json) -> Depth:
    """Read a coin's book."""
    return Depth(
        symbol=symbol,
        bids=tuple(sorted(map(_level, body["b"]), key=lambda level: -level.price)),
        asks=tuple(sorted(map(_level, body["a"]), key=lambda level: level.price)),
        at=instant(body["t"]),
    )


@reads("active stock")
def active(body: Json) -> Active:
    """Read one row of the most active."""
    return Active(
        symbol=name(body["symbol"]),
        volume=_size(body["volume"]),
        trades=int(decimal(body["trade_count"])),
    )


@reads("movers")
def movers(body: Json, source: str) -> Movers:
    """Read gainers and losers."""
    return Movers(
        gainers=tuple(map(_mover, body["gainers"])),
        losers=tuple(map(_mover, body["losers"])),
        source=source,
        at=instant(body["last_updated"]),
    )


def _mover(body: Json) -> Mover:
    return Mover(
        symbol=name(body["symbol"]),
        price=_price(body["price"]),
        change=decimal(body["change"]),
        percent=decimal(body["percent_change"]),
    )


def _part(read: Callable[[str, Json], T], symbol: str, body: Json | None) -> T | None:
    return read(symbol, body) if body else None


def _level(body: Json) -> Level:
    return Level(price=_price(body["p"]), size=_size(body["s"]))


def _whole(size: Decimal | None) -> Qty:
    """Return a size that was told, 0 where none was."""
    if size is None:
        return ZERO
    if not 0 <= size < SIZE_MAX:
        raise ValueError(f"a size of {size}")
    return size


def _price(value: object) -> Price:
    price = decimal(value)
    if not 0 < price <= PRICE_MAX:
        raise ValueError(f"a price of {price}")
    return price


def _size(value: object) -> Qty:
    size = decimal(value)
    if size < 0:
        raise ValueError(f"a size of {size}")
    return size


def _statistic(value: object) -> float:
    number = float(decimal(value))
    if not isfinite(number):
        raise ValueError(f"a statistic of {number}")
    return number
