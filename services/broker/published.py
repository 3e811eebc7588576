"""What the broker publishes, as values: market data, news, and what is listed.

Every value is the broker's and says whose symbol it is. Prices are dollars, times aware UTC;
a coin's sizes have fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from common.contracts import OptionContract
from common.money import Price, Qty

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """Rows the broker told. source: the feed they are from; cursor: where the rest begins.

    total is None where the broker does not count; unreadable rows were left out.
    """

    rows: tuple[T, ...]
    source: str
    cursor: str | None = None
    total: int | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """The best bid and ask. A side is None when nobody is there."""

    symbol: str
    bid: Price | None
    ask: Price | None
    bid_size: Qty
    ask_size: Qty
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One trade. venue: the exchange's letter, None where there is none."""

    symbol: str
    price: Price
    size: Qty
    at: datetime
    venue: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBar:
    """Open, high, low, close and volume of one interval; at is its start."""

    symbol: str
    at: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Qty
    vwap: Price | None
    trades: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The latest of everything of one symbol; None is untold.

    iv and greeks are the broker's own (theta a day, vega a vol point); none on expiry day.
    """

    symbol: str
    quote: Touch | None
    trade: Print | None
    minute: PriceBar | None
    day: PriceBar | None
    day_before: PriceBar | None
    iv: float | None = None
    greeks: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What waits at one price."""

    price: Price
    size: Qty


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """A book, best prices first."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """How much of a stock has traded today."""

    symbol: str
    volume: Qty
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """How far a price has moved since the last session's close."""

    symbol: str
    price: Price
    change: Price
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Movers:
    """The largest moves up and down. at: as of when the broker counted."""

    gainers: tuple[Mover, ...]
    losers: tuple[Mover, ...]
    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """News. Every text in it is a stranger's; content is HTML."""

    id: str
    headline: str
    summary: str
    content: str
    author: str
    publisher: str
    url: str
    symbols: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something that is listed. name is its issuer's wording; None is untold."""

    symbol: str
    name: str
    asset_class: str
    exchange: str
    status: str
    tradable: bool
    marginable: bool
    shortable: bool
    fractionable: bool
    borrow: str | None
    margin_long: Decimal | None  # percent
    margin_short: Decimal | None
    size_min: Qty | None
    size_step: Qty | None
    price_step: Price | None
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionListing:
    """A listed contract. Open interest and close are those of the days beside them."""

    contract: OptionContract
    underlying: str
    status: str
    tradable: bool
    style: str
    shares: Decimal
    open_interest: int | None
    open_interest_day: date | None
    close: Price | None
    close_day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A corporate action. cash is dollars a share; rates are new shares for old."""

    id: str
    kind: str
    sub_kind: str
    symbol: str
    target: str
    declared: date | None
    ex_date: date | None
    recorded: date | None
    payable: date | None
    cash: Decimal | None
    old_rate: Decimal | None
    new_rate: Decimal | None
