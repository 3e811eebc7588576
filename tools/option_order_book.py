"""The orders in options: listed a page at a time, and taken back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.execution.sweeps import is_option_order
from services.runtime import Services
from tools.orders import OrderId
from tools.orders_view import OneOrderView, OrdersPage, SweptView
from tools.paging import Cursor
from tools.toolset import HALTS, READS, Toolset
from tools.wants import Desk

option_order_book = Toolset("option_orders")

Status = Annotated[Literal["open", "closed", "all"], Field(description="which")]
Limit = Annotated[int, Field(ge=1, le=100, description="rows at most")]


@option_order_book.tool(READS)
async def options_orders(
    desk: Desk, status: Status = "all", limit: Limit = 20, cursor: Cursor = None
) -> OrdersPage:
    """List the account's option orders, newest first, a page at a time."""
    return await _page(desk, status, limit, cursor)


@option_order_book.tool(READS)
async def open_option_orders(desk: Desk, limit: Limit = 20, cursor: Cursor = None) -> OrdersPage:
    """List the option orders that still work, newest first."""
    return await _page(desk, "open", limit, cursor)


@option_order_book.tool(HALTS)
async def cancel_option_order_by_id(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Cancel a working option order; an order in anything else is refused."""
    return OneOrderView.of(desk.mode, await desk.orders.cancel_option(order_id))


@option_order_book.tool(HALTS)
async def cancel_all_option_orders_tool(desk: Desk) -> SweptView:
    """Cancel every open option order, whoever made it; orders in shares and coins stay."""
    return SweptView.of(desk.mode, await desk.sweep(is_option_order))


async def _page(
    desk: Services, status: Literal["open", "closed", "all"], limit: int, cursor: str | None
) -> OrdersPage:
    found = await desk.ledger.option_orders(status, limit + 1, cursor)
    shown = found[:limit]
    last = shown[-1].id if shown else None
    known = await desk.orders.known(shown)
    return OrdersPage.of(desk.mode, known, last, more=len(found) > limit)
