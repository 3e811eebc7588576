"""Orders in stocks, through the same desk as options: previewed, then confirmed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tools.consent import Trader
from tools.orders import OrderId
from tools.orders_view import CanceledView, OneOrderView, OrdersView
from tools.share_view import ShareTradeView
from tools.toolset import HALTS, READS, TRADES, Toolset
from tools.wanted import Preview, Token, confirmed
from tools.wanted_shares import (
    BuyOrSell,
    DayOrGtc,
    LimitOrNone,
    LimitPrice,
    Notional,
    OrderName,
    Quantity,
    QuantityOrNone,
    StopOrNone,
    StopPrice,
    Ticker,
    TrailPercent,
    TrailPrice,
    share,
)
from tools.wants import Desk

toolset = Toolset("stock_orders")

OrderKind = Annotated[
    Literal["market", "limit", "stop", "stop_limit", "trailing_stop"],
    Field(description="each with its prices"),
]
Times = Annotated[
    Literal["day", "gtc", "opg", "cls", "ioc", "fok"], Field(description="parts of a share: day")
]
ExitPrice = Annotated[float | None, Field(gt=0, le=1e7, description="kept by the broker")]
Extended = Annotated[bool, Field(description="limit day orders outside hours")]
Limit = Annotated[int, Field(ge=1, le=100, description="most shown")]
Which = Annotated[Literal["open", "closed", "all"], Field(description="which")]


@toolset.tool(TRADES)
async def buy_stock_market(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Buy a stock at the market. Previews first, as orb_long_call does."""
    wanted = share("buy", symbol, quantity)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def buy_stock_limit(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    limit_price: LimitPrice,
    time_in_force: DayOrGtc = "day",
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Buy a stock at a limit or better. Previews first."""
    wanted = share("buy", symbol, quantity, None, "limit", time_in_force, limit_price)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def buy_stock_stop_loss(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    stop_price: StopPrice,
    time_in_force: DayOrGtc = "day",
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Buy a stock at the market once it rises to a price. Previews first."""
    wanted = share("buy", symbol, quantity, None, "stop", time_in_force, None, stop_price)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def buy_stock_trailing_stop(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    trail_price: TrailPrice = None,
    trail_percent: TrailPercent = None,
    time_in_force: DayOrGtc = "day",
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Buy a stock once it has risen so far from its low. Previews first."""
    trail = (trail_price, trail_percent)
    wanted = share("buy", symbol, quantity, kind="trailing_stop", tif=time_in_force, trail=trail)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def sell_stock_market(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Sell a stock at the market; short only where none is held. Previews first."""
    wanted = share("sell", symbol, quantity)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def sell_stock_limit(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    limit_price: LimitPrice,
    time_in_force: DayOrGtc = "day",
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Sell a stock at a limit or better. Previews first."""
    wanted = share("sell", symbol, quantity, None, "limit", time_in_force, limit_price)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def sell_stock_stop_loss(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    stop_price: StopPrice,
    time_in_force: DayOrGtc = "day",
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Sell a stock at the market once it falls to a price. Previews first."""
    wanted = share("sell", symbol, quantity, None, "stop", time_in_force, None, stop_price)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def sell_stock_trailing_stop(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    quantity: Quantity,
    trail_price: TrailPrice = None,
    trail_percent: TrailPercent = None,
    time_in_force: DayOrGtc = "day",
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Sell a stock once it has fallen so far from its high. Previews first."""
    trail = (trail_price, trail_percent)
    wanted = share("sell", symbol, quantity, kind="trailing_stop", tif=time_in_force, trail=trail)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(TRADES)
async def place_stock_order(
    desk: Desk,
    by: Trader,
    symbol: Ticker,
    side: BuyOrSell,
    quantity: QuantityOrNone = None,
    notional: Notional = None,
    order_type: OrderKind = "market",
    time_in_force: Times = "day",
    limit_price: LimitOrNone = None,
    stop_price: StopOrNone = None,
    trail_price: TrailPrice = None,
    trail_percent: TrailPercent = None,
    extended_hours: Extended = False,
    take_profit_limit_price: ExitPrice = None,
    stop_loss_stop_price: ExitPrice = None,
    stop_loss_limit_price: ExitPrice = None,
    client_order_id: OrderName = None,
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Place any order in a stock, in shares or dollars, with exits. Previews first."""
    exits = (take_profit_limit_price, stop_loss_stop_price, stop_loss_limit_price)
    ways = ((trail_price, trail_percent), exits, extended_hours, client_order_id)
    wanted = share(
        side, symbol, quantity, notional, order_type, time_in_force, limit_price, stop_price, *ways
    )
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))


@toolset.tool(READS)
async def stock_orders(desk: Desk, status: Which = "all", limit: Limit = 10) -> OrdersView:
    """List orders in stocks and coins, newest first."""
    return OrdersView.of(desk.mode, await desk.orders.shares(status, limit))


@toolset.tool(READS)
async def open_stock_orders(desk: Desk, limit: Limit = 10) -> OrdersView:
    """List working orders in stocks and coins, newest first."""
    return OrdersView.of(desk.mode, await desk.orders.shares("open", limit))


@toolset.tool(HALTS)
async def cancel_stock_order_by_id(desk: Desk, order_id: OrderId) -> OneOrderView:
    """Cancel a working order in a stock or a coin."""
    return OneOrderView.of(desk.mode, await desk.orders.cancel_share(order_id))


@toolset.tool(HALTS)
async def cancel_all_stock_orders_tool(desk: Desk) -> CanceledView:
    """Cancel every working order in stocks and coins; those in options stay."""
    return CanceledView.of(desk.mode, await desk.orders.cancel_shares())
