"""The exchange's clock and calendar, what is listed, and what companies announced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from services.broker.library import Assets
from services.market.reference import Announced
from services.runtime import Hours
from tools.paging import Cursor, Rows
from tools.reference_views import (
    AnnouncementsView,
    AssetsView,
    AssetView,
    CalendarView,
    HoursView,
)
from tools.symbols import AnySymbol, StockSymbol, lowered
from tools.times import Day
from tools.toolset import READS, Toolset
from tools.views import View, new_york_text
from tools.wants import Desk

reference = Toolset("reference")

Status = Annotated[Literal["active", "inactive"] | None, Field(description="default both")]
AssetKind = Annotated[
    Literal["us_equity", "us_option", "crypto"] | None, Field(description="default us_equity")
]
Exchange = Annotated[str | None, Field(max_length=12, description="NYSE, NASDAQ, ARCA, ...")]
Attributes = Annotated[
    list[str],
    BeforeValidator(lowered),
    WithJsonSchema({"type": "string", "maxLength": 200, "description": "any of, as has_options"}),
]
Kinds = Annotated[
    list[Literal["dividend", "merger", "spinoff", "split"]],
    BeforeValidator(lowered),
    Field(max_length=4, description="default all"),
]
DateType = Annotated[
    Literal["declaration_date", "ex_date", "record_date", "payable_date"] | None,
    Field(description="default ex_date"),
]


class ClockView(View):
    """The market's time and today's edges, all New York time."""

    now: str
    is_open: bool
    next_open: str
    next_close: str
    session: str
    early_close: bool
    minutes_to_close: float
    no_entry_after: str
    positions_flat_by: str
    broker_last_order: str
    market_seconds_per_second: float

    @classmethod
    def of(cls, mode: str, hours: Hours) -> ClockView:
        """Return the view of the market's hours."""
        return cls(
            mode=mode,
            now=new_york_text(hours.now),
            is_open=hours.is_open,
            next_open=new_york_text(hours.next_open),
            next_close=new_york_text(hours.next_close),
            session=hours.session.day.isoformat(),
            early_close=hours.session.early,
            minutes_to_close=round(hours.session.minutes_to_close(hours.now), 1),
            no_entry_after=new_york_text(hours.no_entry_after),
            positions_flat_by=new_york_text(hours.flat_by),
            broker_last_order=new_york_text(hours.broker_last_order),
            market_seconds_per_second=round(hours.rate, 3),
        )


@reference.tool(READS, basic=True)
async def get_market_clock(desk: Desk) -> ClockView:
    """Show the market's time, whether it is open, and today's cut-offs for 0DTE trading."""
    return ClockView.of(desk.mode, await desk.hours())


@reference.tool(READS, basic=True)
async def get_market_calendar(
    desk: Desk,
    start_date: Annotated[Day, Field(description="default today")] = None,
    end_date: Annotated[Day, Field(description="default a fortnight later")] = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> CalendarView:
    """List trading days with their hours; early closes are marked."""
    found = await desk.data.reference.sessions(start_date, end_date, limit, cursor)
    return CalendarView.of(desk, found)


@reference.tool(READS)
async def market_hours(
    desk: Desk, day: Annotated[Day, Field(description="default today")] = None
) -> HoursView:
    """Show whether a day is a trading day, its hours, and the next one."""
    return HoursView.of(desk, await desk.data.reference.trading_day(day))


@reference.tool(READS, basic=True)
async def get_asset_info(desk: Desk, symbol: AnySymbol) -> AssetView:
    """Show what a symbol is and how it trades: exchange, margin, shorting, fractions."""
    return AssetView.of(desk, await desk.data.reference.asset(symbol))


@reference.tool(READS)
async def get_all_assets(
    desk: Desk,
    status: Status = None,
    asset_class: AssetKind = None,
    exchange: Exchange = None,
    attributes: Attributes | None = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> AssetsView:
    """List what can be traded, by symbol."""
    wanted = Assets(
        asset_class=asset_class or "us_equity",
        status=status,
        exchange=exchange,
        attributes=tuple(attributes or ()),
    )
    return AssetsView.of(desk, await desk.data.reference.assets(wanted, limit, cursor))


@reference.tool(READS)
async def get_corporate_announcements(
    desk: Desk,
    ca_types: Kinds | None = None,
    since: Annotated[Day, Field(description="default today")] = None,
    until: Annotated[Day, Field(description="at most 90 days later")] = None,
    symbol: StockSymbol | None = None,
    cusip: Annotated[str | None, Field(max_length=9, description="of the issuer")] = None,
    date_type: DateType = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> AnnouncementsView:
    """List dividends, splits, mergers and spin-offs that were announced."""
    wanted = Announced(
        kinds=tuple(ca_types or ()),
        since=since,
        until=until,
        symbol=symbol,
        cusip=cusip,
        by=date_type,
        limit=limit,
        cursor=cursor,
    )
    return AnnouncementsView.of(desk, await desk.data.reference.announcements(wanted))
