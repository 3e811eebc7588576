"""Orders in coins, through the same desk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tools.consent import Trader
from tools.share_view import ShareTradeView
from tools.toolset import TRADES, Toolset
from tools.wanted import Preview, Token, confirmed
from tools.wanted_shares import (
    BuyOrSell,
    LimitOrNone,
    Notional,
    OrderName,
    Pair,
    QuantityOrNone,
    StopOrNone,
    share,
)
from tools.wants import Desk

crypto_orders = Toolset("crypto_orders")

CoinKind = Annotated[
    Literal["market", "limit", "stop_limit"], Field(description="each with its prices")
]
CoinTimes = Annotated[Literal["gtc", "ioc"], Field(description="how long")]


@crypto_orders.tool(TRADES)
async def place_crypto_order(
    desk: Desk,
    by: Trader,
    symbol: Pair,
    side: BuyOrSell,
    quantity: QuantityOrNone = None,
    notional: Notional = None,
    order_type: CoinKind = "market",
    time_in_force: CoinTimes = "gtc",
    limit_price: LimitOrNone = None,
    stop_price: StopOrNone = None,
    client_order_id: OrderName = None,
    preview: Preview = True,
    confirm_token: Token = None,
) -> ShareTradeView:
    """Place an order in a coin, in units or dollars, at any hour. Previews first."""
    terms = (order_type, time_in_force, limit_price, stop_price)
    wanted = share(side, symbol, quantity, notional, *terms, name=client_order_id, coin=True)
    return await ShareTradeView.of(desk, wanted, by, confirmed(preview, confirm_token))
