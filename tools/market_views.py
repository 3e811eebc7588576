"""What the tools of market data answer: rows of the broker's, whose they are and as of when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

from pydantic import BaseModel, Field

from common.money import CENT
from common.session import NEW_YORK
from services.broker.published import Found, PriceBar, Print, Snapshot, Touch
from services.runtime import Services
from tools.paging import Page
from tools.views import new_york_text, price, quantity


class MarketPage(Page):
    """An answer of market data. reason says why rows are missing."""

    as_of: str = Field(description="market time of this answer")
    source: str = Field(description="feed the rows are from")
    missing: list[str] = Field(description="asked for, not told by the source")
    reason: str | None


class Told(TypedDict):
    """The fields of a MarketPage but its rows."""

    mode: str
    truncated: bool
    total: int | None
    next_cursor: str | None
    as_of: str
    source: str
    missing: list[str]
    reason: str | None


def told(
    desk: Services,
    found: Found[Any],
    *,
    asked: Sequence[str] = (),
    named: Collection[str] = (),
    nothing: str = "the source has nothing of these",
) -> Told:
    """Return what an answer says of its rows. asked, named: symbols wanted, and those found."""
    whole = found.cursor is None
    missing = [symbol for symbol in asked if symbol not in named] if whole else []
    return Told(
        mode=desk.mode,
        truncated=not whole,
        total=found.total,
        next_cursor=found.cursor,
        as_of=new_york_text(desk.data.now()),
        source=found.source,
        missing=missing,
        reason=_reason(found, missing, nothing),
    )


def _whole(asked: Sequence[str], cursor: str | None) -> Sequence[str]:
    """Return what a page must hold to miss nothing: unknown, when others came before it."""
    return asked if cursor is None else ()


def _reason(found: Found[Any], missing: Sequence[str], nothing: str) -> str | None:
    said = []
    if not found.rows or missing:
        said.append(nothing)
    if found.unreadable:
        said.append(f"{found.unreadable} rows could not be read and were left out")
    return "; ".join(said) or None


def moment_text(at: datetime) -> str:
    """Return an instant to the microsecond, as New York reads it."""
    return at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S.%f %Z")


class QuoteRow(BaseModel):
    """The best bid and ask; null where nobody is there."""

    symbol: str
    bid: str | None
    ask: str | None
    mid: str | None
    bid_size: str
    ask_size: str
    at: str
    age_seconds: float

    @classmethod
    def of(cls, quote: Touch, now: datetime) -> QuoteRow:
        """Return the view of a quote."""
        bid, ask = quote.bid, quote.ask
        crossed = bid is None or ask is None or bid > ask
        return cls(
            symbol=quote.symbol,
            bid=price(bid),
            ask=price(ask),
            mid=None if crossed or bid is None or ask is None else price((bid + ask) / 2),
            bid_size=quantity(quote.bid_size),
            ask_size=quantity(quote.ask_size),
            at=moment_text(quote.at),
            age_seconds=round(max((now - quote.at).total_seconds(), 0.0), 2),
        )


class TradeRow(BaseModel):
    """One trade."""

    symbol: str
    price: str | None
    size: str
    at: str
    exchange: str | None

    @classmethod
    def of(cls, trade: Print) -> TradeRow:
        """Return the view of a trade."""
        return cls(
            symbol=trade.symbol,
            price=price(trade.price),
            size=quantity(trade.size),
            at=moment_text(trade.at),
            exchange=trade.venue,
        )


class BarRow(BaseModel):
    """One bar; at is its start."""

    symbol: str
    at: str
    open: str | None
    high: str | None
    low: str | None
    close: str | None
    volume: str
    vwap: str | None
    trades: int | None

    @classmethod
    def of(cls, bar: PriceBar) -> BarRow:
        """Return the view of a bar."""
        return cls(
            symbol=bar.symbol,
            at=new_york_text(bar.at),
            open=price(bar.open),
            high=price(bar.high),
            low=price(bar.low),
            close=price(bar.close),
            volume=quantity(bar.volume),
            vwap=price(bar.vwap),
            trades=bar.trades,
        )


class SnapshotRow(BaseModel):
    """The latest of everything. change is against the close of the day before."""

    symbol: str
    quote: QuoteRow | None
    trade: TradeRow | None
    minute_bar: BarRow | None
    day_bar: BarRow | None
    day_before: BarRow | None
    change: str | None
    change_percent: float | None

    @classmethod
    def of(cls, found: Snapshot, now: datetime) -> SnapshotRow:
        """Return the view of a snapshot."""
        last, before = found.trade, found.day_before
        moved = last.price - before.close if last and before else None
        return cls(
            symbol=found.symbol,
            quote=QuoteRow.of(found.quote, now) if found.quote else None,
            trade=TradeRow.of(last) if last else None,
            minute_bar=BarRow.of(found.minute) if found.minute else None,
            day_bar=BarRow.of(found.day) if found.day else None,
            day_before=BarRow.of(before) if before else None,
            change=price(moved),
            change_percent=_percent(moved, before.close) if moved is not None and before else None,
        )


def _percent(moved: Decimal, base: Decimal) -> float:
    return float((100 * moved / base).quantize(CENT))


class QuotesView(MarketPage):
    """Latest quotes."""

    quotes: list[QuoteRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Touch], asked: Sequence[str]) -> QuotesView:
        """Return the view of quotes."""
        now, named = desk.data.now(), {quote.symbol for quote in found.rows}
        said = told(desk, found, asked=asked, named=named, nothing=_NO_LATEST)
        return cls(**said, quotes=[QuoteRow.of(quote, now) for quote in found.rows])


class TradesView(MarketPage):
    """Trades."""

    trades: list[TradeRow]

    @classmethod
    def latest(cls, desk: Services, found: Found[Print], asked: Sequence[str]) -> TradesView:
        """Return the view of the last trades."""
        return cls._of(desk, found, asked, _NO_LATEST)

    @classmethod
    def past(
        cls, desk: Services, found: Found[Print], asked: Sequence[str], cursor: str | None
    ) -> TradesView:
        """Return the view of a page of the past."""
        return cls._of(desk, found, _whole(asked, cursor), _NO_PAST)

    @classmethod
    def _of(
        cls, desk: Services, found: Found[Print], asked: Sequence[str], nothing: str
    ) -> TradesView:
        named = {trade.symbol for trade in found.rows}
        said = told(desk, found, asked=asked, named=named, nothing=nothing)
        return cls(**said, trades=[TradeRow.of(trade) for trade in found.rows])


class BarsView(MarketPage):
    """Bars by symbol and time."""

    bars: list[BarRow]

    @classmethod
    def latest(cls, desk: Services, found: Found[PriceBar], asked: Sequence[str]) -> BarsView:
        """Return the view of the last bars."""
        return cls._of(desk, found, asked, _NO_LATEST)

    @classmethod
    def past(
        cls, desk: Services, found: Found[PriceBar], asked: Sequence[str], cursor: str | None
    ) -> BarsView:
        """Return the view of a page of the past."""
        return cls._of(desk, found, _whole(asked, cursor), _NO_PAST)

    @classmethod
    def _of(
        cls, desk: Services, found: Found[PriceBar], asked: Sequence[str], nothing: str
    ) -> BarsView:
        named = {bar.symbol for bar in found.rows}
        said = told(desk, found, asked=asked, named=named, nothing=nothing)
        return cls(**said, bars=[BarRow.of(bar) for bar in found.rows])


class SnapshotsView(MarketPage):
    """Snapshots."""

    snapshots: list[SnapshotRow]

    @classmethod
    def of(cls, desk: Services, found: Found[Snapshot], asked: Sequence[str]) -> SnapshotsView:
        """Return the view of snapshots."""
        now, named = desk.data.now(), {one.symbol for one in found.rows}
        said = told(desk, found, asked=asked, named=named, nothing=_NO_LATEST)
        return cls(**said, snapshots=[SnapshotRow.of(one, now) for one in found.rows])


_NO_LATEST = "the source has nothing of the missing: not listed, never traded, or not on this feed"
_NO_PAST = "nothing in this time: a closed market, nothing traded, or symbols not on this feed"
