"""The port through which published data is read, and what may be asked of it.

What cannot be read of an answer is left out and counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from common.contracts import AssetClass
from common.money import Price
from services.broker.published import (
    Active,
    Announcement,
    Article,
    Asset,
    Depth,
    Found,
    Movers,
    OptionListing,
    PriceBar,
    Print,
    Snapshot,
    Touch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The part of the past that is asked for, both ends inside, a page at a time.

    limit: rows of all symbols together. cursor: of the page before. feed: None is the one
    the account pays for. listed_as_of: the day whose symbols are meant.
    """

    symbols: Sequence[str]
    start: datetime
    end: datetime
    limit: int = 10_000
    descending: bool = False
    cursor: str | None = None
    feed: str | None = None
    currency: str | None = None
    listed_as_of: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Which contracts are asked for, bounds inside; None is no bound."""

    underlying: str
    first: date
    last: date
    strike_from: Price | None = None
    strike_to: Price | None = None
    right: str | None = None
    root: str | None = None
    status: str = "active"
    limit: int = 1000
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Which news is asked for, newest first; no symbols are all."""

    symbols: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    content: bool = False
    limit: int = 10
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcements:
    """Which corporate actions are asked for; by: the date that lies in between."""

    kinds: Sequence[str]
    since: date
    until: date
    symbol: str | None = None
    cusip: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Which assets are asked for; None is any."""

    asset_class: str
    status: str | None = None
    exchange: str | None = None
    attributes: Sequence[str] = ()


class Library(Protocol):
    """Reads of market data and reference data, each tried again while its time allows.

    Every method raises BrokerUnavailable when no clear answer came in time, and
    BrokerRefused when the broker will not say. symbols: at most 100 of one class.
    """

    async def bars(
        self, of: AssetClass, past: Past, timeframe: str, adjustment: str = "raw"
    ) -> Found[PriceBar]:
        """Return bars by symbol and time. timeframe: 1Min to 59Min, 1Hour, 1Day, 1Week, ..."""
        ...

    async def trades(self, of: AssetClass, past: Past) -> Found[Print]:
        """Return trades by symbol and time."""
        ...

    async def latest_quotes(
        self,
        of: AssetClass,
        symbols: Sequence[str],
        feed: str | None = None,
        currency: str | None = None,
    ) -> Found[Touch]:
        """Return the latest quotes, of the symbols that have one."""
        ...

    async def latest_trades(
        self,
        of: AssetClass,
        symbols: Sequence[str],
        feed: str | None = None,
        currency: str | None = None,
    ) -> Found[Print]:
        """Return the latest trades, of the symbols that have one."""
        ...

    async def latest_bars(
        self,
        of: AssetClass,
        symbols: Sequence[str],
        feed: str | None = None,
        currency: str | None = None,
    ) -> Found[PriceBar]:
        """Return the latest minute bars, of the symbols that have one."""
        ...

    async def snapshots(
        self, of: AssetClass, symbols: Sequence[str], feed: str | None = None
    ) -> Found[Snapshot]:
        """Return the latest of everything, of the symbols that have any."""
        ...

    async def chain(self, wanted: Contracts, feed: str | None = None) -> Found[Snapshot]:
        """Return snapshots of an underlying's contracts by symbol; limit: at most 1000."""
        ...

    async def depths(self, symbols: Sequence[str]) -> Found[Depth]:
        """Return the books of coins, as deep as the venue tells."""
        ...

    async def most_active(self, by: str, top: int) -> Found[Active]:
        """Return the stocks most traded today, by "volume" or "trades"; top: at most 100."""
        ...

    async def movers(self, market: str, top: int) -> Movers:
        """Return today's largest moves of "stocks" or "crypto"; top: at most 50."""
        ...

    async def news(self, wanted: News) -> Found[Article]:
        """Return articles, newest first; limit: at most 50."""
        ...

    async def contracts(self, wanted: Contracts) -> Found[OptionListing]:
        """Return listed contracts; limit: at most 10,000."""
        ...

    async def asset(self, name: str) -> Asset:
        """Return what a symbol or an id names."""
        ...

    async def assets(self, wanted: Assets) -> Found[Asset]:
        """Return all that is listed so, by symbol."""
        ...

    async def announcements(self, wanted: Announcements) -> Found[Announcement]:
        """Return corporate actions; since to until: at most 90 days."""
        ...
