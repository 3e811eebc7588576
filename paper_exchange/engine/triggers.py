"""When a stop is elected, and how a trail moves its stop.

Both look at the touch the order would trade at: a sale at the bid, a purchase at the ask.
A side nobody quotes elects nothing and moves nothing. What is elected trades like any
market or limit order, so a price that jumps over the stop fills where it has landed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from common.money import CENT, Price, ceil_to_tick, floor_to_tick
from common.orders import OrderType, Side
from common.quotes import Quote
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.events import OrderOpened, OrderTrailed, OrderTriggered
from paper_exchange.engine.lifecycle import OrderEvent
from paper_exchange.engine.market import Market
from paper_exchange.engine.orders import OrderState, Status

SUB_DOLLAR_TICK: Final = Decimal("0.0001")


def reference(side: Side, quote: Quote | None) -> Price | None:
    """Return the price stops of a side look at, None when that side is not quoted."""
    if quote is None:
        return None
    price = quote.ask if side is Side.BUY else quote.bid
    return price if price > 0 else None


def reached(side: Side, stop: Price, price: Price) -> bool:
    """Whether a price elects a stop."""
    return price >= stop if side is Side.BUY else price <= stop


def trail(order: OrderState, price: Price) -> tuple[Price, Price] | None:
    """Return a trail's new mark and stop once a price beats the mark, else None.

    The mark is the lowest ask since the order began for a purchase, the highest bid for a
    sale. The stop is rounded to a tick away from the market: a trail never fires early.
    """
    side = order.side or Side.BUY
    if order.hwm is not None and not (price < order.hwm if side is Side.BUY else price > order.hwm):
        return None
    return price, trailing_stop(side, price, order.trail_price, order.trail_percent)


def trailing_stop(
    side: Side, mark: Price, trail_price: Price | None, trail_percent: Decimal | None
) -> Price:
    """Return the stop that trails a mark; never below a tick."""
    distance = trail_price if trail_price is not None else mark * (trail_percent or 0) / 100
    stop = mark + side.sign * distance
    tick = CENT if stop >= 1 else SUB_DOLLAR_TICK
    return ceil_to_tick(stop, tick) if side is Side.BUY else max(floor_to_tick(stop, tick), tick)


def check_stop(command: SubmitOrder, quote: Quote | None) -> None:
    """Refuse a stop that the market has passed already."""
    side = command.side or Side.BUY
    price = reference(side, quote)
    if command.stop_price is None or price is None:
        return
    if reached(side, command.stop_price, price):
        way = "greater" if side is Side.BUY else "less"
        raise refusals.unprocessable(f"stop price must be {way} than current price")


def awakened(order: OrderState, market: Market, now: datetime) -> Iterator[OrderEvent]:
    """Yield what a market that is open does to an order before it can trade."""
    if order.status is Status.ACCEPTED:
        yield OrderOpened(order_id=order.id, at=now)
    side = order.side or Side.BUY
    price = reference(side, market.quote(order.symbol)) if order.watching else None
    if price is None:
        return
    stop = order.stop_price
    if order.type is OrderType.TRAILING_STOP and (moved := trail(order, price)) is not None:
        hwm, stop = moved
        yield OrderTrailed(order_id=order.id, hwm=hwm, stop_price=stop, at=now)
    if stop is not None and reached(side, stop, price):
        yield OrderTriggered(order_id=order.id, price=price, at=now)
