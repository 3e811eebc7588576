"""Orders: what works, what became of it, and taking it back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from services.execution.sweeps import any_order
from tools.consent import Trader
from tools.orders_view import OneOrderView, OrdersView, SweptView
from tools.toolset import HALTS, READS, TRADES, Toolset
from tools.trade_view import TradeView
from tools.wanted import Preview, Token, amount, confirmed
from tools.wants import Desk

orders = Toolset("orders")

OrderId = Annotated[
    str, Field(description="the broker's order id or the client order id", max_length=128)
]
Units = Annotated[int | None, Field(ge=1, le=100, description="in all; default as it is")]
Net = Annotated[
    float | None, Field(ge=-1e5, le=1e5, description="a share; of several legs net, a credit < 0")
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
    return OneOrderView.of(desk.mode, await desk.orders.order(order_id))


@orders.tool(HALTS, basic=True)
async def cancel_order(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Cancel a working order. Always allowed; an order that has ended is refused."""
    return OneOrderView.of(desk.mode, await desk.orders.cancel(order_id))


@orders.tool(HALTS)
async def cancel_order_by_id(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Cancel a working order; the same as cancel_order, under its other name."""
    return OneOrderView.of(desk.mode, await desk.orders.cancel(order_id))


@orders.tool(HALTS, basic=True)
async def cancel_all_orders(desk: Desk) -> SweptView:
    """Cancel every open order of the account, whoever made it; positions stay."""
    return SweptView.of(desk.mode, await desk.sweep(any_order))


@orders.tool(TRADES)
async def replace_order_by_id(
    desk: Desk,
    by: Trader,
    order_id: OrderId,
    qty: Units = None,
    limit_price: Net = None,
    preview: Preview = True,
    confirm_token: Token = None,
) -> TradeView:
    """Move a resting option limit order to another limit or size that risk allows.

    Previews first, as place_option_order does. Not for one that has filled in part.
    """
    wanted = await desk.dealing.reviser.asked(order_id, qty, amount(limit_price))
    return await TradeView.of(desk, wanted, by, confirmed(preview, confirm_token))
