"""A session's past in one line: orders as the desk would have recorded them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from common.contracts import OptionContract
from common.ids import ClientOrderId
from common.orders import OrderIntent, OrderStatus
from services.risk.activity import Activity, PastOrder
from tests.builders import at


@dataclass(frozen=True, kw_only=True)
class Past:
    """A record of one order, filled at its limit unless told otherwise."""

    client_order_id: ClientOrderId
    intent: OrderIntent
    created_at: datetime
    updated_at: datetime
    parent: ClientOrderId | None = None
    status: OrderStatus = OrderStatus.FILLED
    filled_qty: int = 1
    filled_avg_price: Decimal | None = None


def opened(
    intent: OrderIntent,
    *,
    name: str = "one",
    when: datetime | None = None,
    status: OrderStatus = OrderStatus.FILLED,
    filled: int | None = None,
) -> Past:
    """Return an opening order."""
    qty = intent.qty if filled is None else filled
    return Past(
        client_order_id=ClientOrderId(name),
        intent=intent,
        created_at=when or at(10, 0),
        updated_at=when or at(10, 0),
        status=status,
        filled_qty=qty,
        filled_avg_price=intent.limit if qty else None,
    )


def closed(
    order: Past, price: str, *, when: datetime | None = None, qty: int | None = None
) -> Past:
    """Return the order that closed one at a net price, a debit positive."""
    intent = order.intent.closing(limit=Decimal(price), strategy="flatten")
    moment = when or order.created_at + timedelta(minutes=1)
    return Past(
        client_order_id=ClientOrderId(f"close-{order.client_order_id}"),
        intent=intent,
        parent=order.client_order_id,
        created_at=moment,
        updated_at=moment,
        filled_qty=order.filled_qty if qty is None else qty,
        filled_avg_price=Decimal(price),
    )


def holding(*orders: Past) -> dict[OptionContract, int]:
    """Return what filled orders leave held."""
    held: dict[OptionContract, int] = {}
    for order in orders:
        for leg in order.intent.legs:
            got = leg.signed_ratio * order.filled_qty
            held[leg.contract] = held.get(leg.contract, 0) + got
    return held


def activity(*orders: Past, now: datetime | None = None, held: object = None) -> Activity:
    """Return the activity of orders that are still held, unless something else is."""
    records: list[PastOrder] = list(orders)
    found = holding(*orders) if held is None else held
    assert isinstance(found, dict)
    return Activity.of(records, found, now or at(10, 5))
