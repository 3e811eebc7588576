"""What happened to the account, and what it was worth over time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from common.errors import BadArgument
from services.broker.account_ledger import Activity, EquityHistory, EquityPoint
from tools.paging import Cursor, Page, Rows
from tools.toolset import READS, Toolset
from tools.untrusted import Untrusted
from tools.views import dollars, new_york_text, number, price, quantity
from tools.wants import Desk

account_past = Toolset("account")

Kinds = Annotated[
    str | None, Field(max_length=60, description="FILL, OPEXP, FEE, ..., separated by commas")
]
Since = Annotated[str | None, Field(max_length=35, description="day or instant, as 2026-11-20")]
OfOrder = Annotated[str | None, Field(max_length=64, description="only this order's")]
Shown = Annotated[int, Field(ge=1, le=99, description="rows at most")]
Period = Annotated[str | None, Field(max_length=4, description="1D, 2W, 3M, 1A; default 1M")]
Step = Annotated[
    Literal["1Min", "5Min", "15Min", "1H", "1D"] | None, Field(description="default by period")
]


class ActivityView(BaseModel):
    """One thing that happened; amounts in dollars, prices a share."""

    id: str
    type: str
    at: str | None
    symbol: str | None
    side: str | None
    qty: str | None
    price: str | None
    net_amount: str | None
    order_id: str | None
    untrusted_description: Untrusted | None

    @classmethod
    def of(cls, found: Activity) -> ActivityView:
        """Return the view of an activity."""
        day = None if found.day is None else found.day.isoformat()
        return cls(
            id=found.id,
            type=found.kind,
            at=day if found.at is None else new_york_text(found.at),
            symbol=found.symbol,
            side=found.side,
            qty=None if found.qty is None else quantity(found.qty),
            price=price(found.price),
            net_amount=dollars(found.net_amount),
            order_id=found.order_id,
            untrusted_description=found.description or None,
        )


class ActivitiesView(Page):
    """Activities, newest first. Ends of options and fees are reported the day after."""

    activities: list[ActivityView]

    @classmethod
    def of(cls, mode: str, found: tuple[Activity, ...], limit: int) -> ActivitiesView:
        """Return the view of a page read with one row to spare."""
        shown, more = found[:limit], len(found) > limit
        return cls(
            mode=mode,
            activities=[ActivityView.of(one) for one in shown],
            truncated=more,
            next_cursor=shown[-1].id if more else None,
        )


class EquityView(BaseModel):
    """The account at one instant; profit since the base, the day's own within a day."""

    at: str
    equity: str | None
    profit: str | None
    profit_share: float | None

    @classmethod
    def of(cls, point: EquityPoint) -> EquityView:
        """Return the view of a point."""
        share = point.profit_share
        return cls(
            at=new_york_text(point.at),
            equity=dollars(point.equity),
            profit=dollars(point.profit),
            profit_share=None if share is None else number(float(share), 6),
        )


class HistoryView(Page):
    """What the account was worth, by rising time."""

    timeframe: str
    base_value: str | None
    base_day: str | None
    points: list[EquityView]

    @classmethod
    def of(cls, mode: str, found: EquityHistory, limit: int, cursor: str | None) -> HistoryView:
        """Return the points after the cursor, which is the instant of the last one seen."""
        after = _stamp(cursor)
        left = [point for point in found.points if point.at.timestamp() > after]
        shown, more = left[:limit], len(left) > limit
        return cls(
            mode=mode,
            timeframe=found.timeframe,
            base_value=dollars(found.base),
            base_day=found.base_day,
            points=[EquityView.of(point) for point in shown],
            truncated=more,
            total=len(found.points),
            next_cursor=str(int(shown[-1].at.timestamp())) if more else None,
        )


@account_past.tool(READS)
async def get_account_activities(
    desk: Desk,
    activity_types: Kinds = None,
    order_id: OfOrder = None,
    after: Since = None,
    limit: Shown = 20,
    cursor: Cursor = None,
) -> ActivitiesView:
    """List fills, expiries, exercises, fees and cash moves, newest first."""
    kinds, one_more = _kinds(activity_types), _and_one(limit)
    found = await desk.ledger.activities(kinds, order_id, after, one_more, cursor)
    return ActivitiesView.of(desk.mode, found, limit)


@account_past.tool(READS)
async def get_portfolio_history(
    desk: Desk,
    period: Period = None,
    timeframe: Step = None,
    limit: Rows = 100,
    cursor: Cursor = None,
) -> HistoryView:
    """Show the account's equity and profit over time."""
    found = await desk.ledger.equity(period, timeframe)
    return HistoryView.of(desk.mode, found, limit, cursor)


def _and_one(limit: int) -> int:
    """Return how many rows to read: one beyond a page tells that there is another."""
    return limit + 1


def _kinds(text: str | None) -> list[str]:
    return [kind.strip().upper() for kind in (text or "").split(",") if kind.strip()]


def _stamp(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit()):
        raise BadArgument("cursor: pass next_cursor of the answer before")
    return int(cursor)
