"""Same-day option orders by hand: verticals, single contracts, legs named one by one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tools import wanted as trade
from tools.consent import Trader
from tools.legs import Class, Day, Extended, Legs, Net, Quantity, asked_legs, custom
from tools.toolset import TRADES, Toolset
from tools.trade_view import TradeView
from tools.wants import Desk

option_orders = Toolset("option_orders")

NearDelta = Annotated[int, Field(ge=5, le=80, description="of the leg nearer the money, percent")]
SpreadWidth = Annotated[int, Field(ge=1, le=50, description="strike distance, dollars")]
SoldStrike = Annotated[
    float | None, Field(gt=0, le=1e5, description="with buy_strike instead of delta and width")
]
BoughtStrike = Annotated[float | None, Field(gt=0, le=1e5, description="see sell_strike")]
NetLimit = Annotated[
    float | None, Field(gt=0, le=1e5, description="net price a share; default natural")
]
Limit = Annotated[float, Field(gt=0, le=1e5, description="price a share")]
Symbol = Annotated[str | None, Field(max_length=21, description="OCC symbol, or right and more")]
OneRight = Annotated[trade.RightName | None, Field(description="with strike or delta")]
Strike = Annotated[float | None, Field(gt=0, le=1e5, description="dollars")]
Delta = Annotated[int | None, Field(ge=2, le=95, description="percent")]


@option_orders.tool(TRADES, basic=True)
async def option_credit_spread(
    desk: Desk,
    by: Trader,
    right: trade.Side,
    delta: NearDelta = 30,
    width: SpreadWidth = 2,
    sell_strike: SoldStrike = None,
    buy_strike: BoughtStrike = None,
    limit: NetLimit = None,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Sell a same-day SPY vertical for a credit, as one order.

    Previews first, as iron_condor_30_delta does.
    """
    strikes = (sell_strike, buy_strike)
    order = trade.asked(contracts, risk, stop, target, trail)
    wanted = trade.vertical("credit", right, delta, width, strikes, limit, order)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@option_orders.tool(TRADES, basic=True)
async def option_debit_spread(
    desk: Desk,
    by: Trader,
    right: trade.Side,
    delta: NearDelta = 50,
    width: SpreadWidth = 2,
    sell_strike: SoldStrike = None,
    buy_strike: BoughtStrike = None,
    limit: NetLimit = None,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Buy a same-day SPY vertical for a debit, as one order.

    Previews first, as iron_condor_30_delta does.
    """
    strikes = (sell_strike, buy_strike)
    order = trade.asked(contracts, risk, stop, target, trail)
    wanted = trade.vertical("debit", right, delta, width, strikes, limit, order)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@option_orders.tool(TRADES, basic=True)
async def buy_option_limit(
    desk: Desk,
    by: Trader,
    limit: Limit,
    symbol: Symbol = None,
    right: OneRight = None,
    strike: Strike = None,
    delta: Delta = None,
    contracts: trade.Contracts = None,
    risk: trade.Risk = None,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Buy one same-day SPY option to open at your own limit.

    Previews first, as orb_long_call does. It may rest unfilled; cancel_order ends it.
    """
    order = trade.asked(contracts, risk, stop, target, trail)
    wanted = trade.single("buy", limit, symbol, (right, strike, delta), order)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@option_orders.tool(TRADES, basic=True)
async def sell_option_limit(
    desk: Desk,
    by: Trader,
    limit: Limit,
    symbol: Symbol = None,
    right: OneRight = None,
    strike: Strike = None,
    delta: Delta = None,
    contracts: trade.Contracts = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Sell a same-day SPY option that is held, to close, at your own limit.

    Never sells what is not held. Previews first, as buy_option_limit does.
    """
    wanted = trade.single("sell", limit, symbol, (right, strike, delta), trade.asked(contracts))
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@option_orders.tool(TRADES)
async def place_option_market_order(
    desk: Desk,
    by: Trader,
    legs: Legs,
    order_class: Class = None,
    quantity: Quantity = 1,
    time_in_force: Day = "day",
    extended_hours: Extended = False,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Trade 1 to 4 same-day SPY option legs at the market, as one order, opening or closing.

    Goes as a limit bounded by the preview, never as a bare market order.
    """
    found = await desk.dealing.by_hand.legs(asked_legs(legs, order_class, extended_hours))
    wanted = custom(found, quantity)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))


@option_orders.tool(TRADES)
async def place_option_order(
    desk: Desk,
    by: Trader,
    legs: Legs,
    limit_price: Net,
    quantity: Quantity = 1,
    stop: trade.Stop = None,
    target: trade.Target = None,
    trail: trade.Trail = None,
    preview: trade.Preview = True,
    confirm_token: trade.Token = None,
) -> TradeView:
    """Trade 1 to 4 same-day SPY option legs at your own limit; it may rest.

    Previews first, as place_option_market_order does.
    """
    found = await desk.dealing.by_hand.legs(asked_legs(legs))
    wanted = custom(found, quantity, limit_price, stop, target, trail)
    return await TradeView.of(desk, wanted, by, trade.confirmed(preview, confirm_token))
