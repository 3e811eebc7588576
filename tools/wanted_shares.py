"""From a tool's arguments to the order in a stock or a coin that is wanted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.errors import BadArgument
from common.orders import OrderType, Side, TimeInForce
from common.shares import ShareIntent
from tools.wanted import amount

Way = Literal["buy", "sell"]

Ticker = Annotated[str, Field(max_length=12, description="as AAPL")]
Pair = Annotated[str, Field(max_length=12, description="as BTC/USD")]
BuyOrSell = Annotated[Way, Field(description="what is held and sold closes")]
Quantity = Annotated[float, Field(gt=0, le=1e6, description="shares")]
QuantityOrNone = Annotated[float | None, Field(gt=0, le=1e6, description="units; or notional")]
Notional = Annotated[float | None, Field(gt=0, le=1e7, description="dollars; market orders")]
LimitPrice = Annotated[float, Field(gt=0, le=1e7, description="dollars")]
StopPrice = Annotated[float, Field(gt=0, le=1e7, description="trigger, dollars")]
LimitOrNone = Annotated[float | None, Field(gt=0, le=1e7, description="dollars")]
StopOrNone = Annotated[float | None, Field(gt=0, le=1e7, description="dollars")]
TrailPrice = Annotated[float | None, Field(gt=0, le=1e7, description="dollars, or trail_percent")]
TrailPercent = Annotated[float | None, Field(gt=0, lt=100, description="1.5 is 1.5 %")]
DayOrGtc = Annotated[Literal["day", "gtc"], Field(description="how long")]
OrderName = Annotated[str | None, Field(max_length=64, description="your own, never reused")]


def share(
    way: Way,
    symbol: str,
    quantity: float | None = None,
    notional: float | None = None,
    kind: str = "market",
    tif: str = "day",
    limit: float | None = None,
    stop: float | None = None,
    trail: tuple[float | None, float | None] = (None, None),
    exits: tuple[float | None, float | None, float | None] = (None, None, None),
    extended: bool = False,
    name: str | None = None,
    *,
    coin: bool = False,
) -> ShareIntent:
    """Return the order wanted; raises BadArgument for what is none.

    trail: in dollars and in percent. exits: take profit, stop loss and the limit of that.
    """
    symbol = symbol.strip().upper()
    if ("/" in symbol) is not coin:
        other = "place_stock_order" if coin else "place_crypto_order"
        raise BadArgument(f"symbol: {symbol!r:.20} is traded by {other}")
    return ShareIntent(
        symbol=symbol,
        side=Side(way),
        qty=amount(quantity),
        notional=amount(notional),
        type=OrderType(kind),
        limit=amount(limit),
        stop=amount(stop),
        trail_price=amount(trail[0]),
        trail_percent=amount(trail[1]),
        tif=TimeInForce(tif),
        extended_hours=extended,
        take_profit=amount(exits[0]),
        stop_loss=amount(exits[1]),
        stop_loss_limit=amount(exits[2]),
        client_order_id=name,
    )
