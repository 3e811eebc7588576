"""Orders: what works, what became of it, and taking it back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tools.orders_view import OneOrderView, OrdersView
from tools.toolset import HALTS, READS, Toolset
from tools.wants import Desk

orders = Toolset("orders")

OrderId = Annotated[
    str, Field(description="the broker's order id or the client order id", max_length=128)
]


@orders.tool(READS)
async def get_orders(
    desk: Desk,
    status: Literal["open", "closed", "all"] = "all",
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
) -> OrdersView:
    """List orders at the broker, newest first, ours with strategy, slippage and exit."""
    return OrdersView.of(desk.mode, await desk.orders.orders(status, limit))


@orders.tool(READS)
async def get_recent_orders(
    desk: Desk,
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
    strategy: Annotated[str | None, Field(description="only its orders", max_length=40)] = None,
    working: Annotated[bool, Field(description="only those not ended")] = False,
) -> OrdersView:
    """List this desk's orders, newest first: limit, fill, slippage against mid, how it ended."""
    return OrdersView.of(desk.mode, desk.orders.recent(limit, strategy, working))


@orders.tool(READS)
async def get_order_status(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Tell how one order stands: filled, partly, working, ended, or still unknown."""
    return OneOrderView.of(desk.mode, await desk.orders.order(order_id))


@orders.tool(HALTS)
async def cancel_order(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Cancel a working order. Always allowed; an order that has ended is refused."""
    return OneOrderView.of(desk.mode, await desk.orders.cancel(order_id))
