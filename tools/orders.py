"""Orders: what works, what became of it, and taking it back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.orders import Order
from services.execution.book import Held
from services.runtime import Services
from tools.orders_view import OneOrderView, OrdersView, OrderView
from tools.toolset import HALTS, READS, Toolset
from tools.wants import Desk

orders = Toolset("orders")

OrderId = Annotated[
    str, Field(description="the broker's order id or the client order id", max_length=128)
]


@orders.tool(READS, basic=True)
async def get_orders(
    desk: Desk,
    status: Literal["open", "closed", "all"] = "all",
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
) -> OrdersView:
    """List orders at the broker, newest first, ours with strategy, slippage and exit."""
    return OrdersView.of(desk.mode, await desk.orders.orders(status, limit))


@orders.tool(READS, basic=True)
async def get_recent_orders(
    desk: Desk,
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
    strategy: Annotated[str | None, Field(description="only its orders", max_length=40)] = None,
    working: Annotated[bool, Field(description="only those not ended")] = False,
) -> OrdersView:
    """List this desk's orders, newest first: limit, fill, slippage against mid, how it ended."""
    return OrdersView.of(desk.mode, desk.orders.recent(limit, strategy, working))


@orders.tool(READS, basic=True)
async def get_order_status(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Tell how one order stands: filled, partly, working, ended, or still unknown."""
    return await one_order(desk, order_id)


@orders.tool(HALTS, basic=True)
async def cancel_order(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Cancel a working order. Always allowed; an order that has ended is refused."""
    view = _view(await desk.orders.cancel(order_id))
    return OneOrderView(mode=desk.mode, message=_told(view), order=view)


async def one_order(desk: Services, order_id: str) -> OneOrderView:
    """Return how one order stands; raises OrderNotFound."""
    view = _view(await desk.orders.order(order_id))
    return OneOrderView(mode=desk.mode, message=_told(view), order=view)


def _view(held: Held | Order) -> OrderView:
    return OrderView.external(held) if isinstance(held, Order) else OrderView.of(held)


def _told(order: OrderView) -> str:
    if order.status == "unknown":
        return "Sent without a clear answer; it is being looked up. Do not send it again."
    return f"{order.status}: {order.filled_qty} of {order.qty} filled."
