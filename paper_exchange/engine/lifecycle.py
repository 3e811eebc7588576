"""An order after an event: the broker's state machine, and the only thing that moves it."""

from __future__ import annotations

import msgspec

from common.money import ZERO
from paper_exchange.engine.events import (
    LegFill,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderOpened,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
    OrderTrailed,
    OrderTriggered,
)
from paper_exchange.engine.orders import LegState, OrderState, Status

OrderEvent = (
    OrderOpened
    | OrderTrailed
    | OrderTriggered
    | OrderReduced
    | OrderFilled
    | OrderCanceled
    | OrderReplaced
    | OrderExpired
    | OrderRejected
)


class IllegalMove(Exception):
    """An event that an order's status does not allow: a bug, never a client's mistake."""


def after(order: OrderState, event: OrderEvent) -> OrderState:
    """Return an order as an event leaves it; raise IllegalMove."""
    moved = _after(order, event)
    if not order.status.may_become(moved.status):
        raise IllegalMove(f"order {order.id}: {order.status} to {moved.status}")
    return msgspec.structs.replace(moved, updated_at=event.at)


def _after(order: OrderState, event: OrderEvent) -> OrderState:
    replace = msgspec.structs.replace
    match event:
        case OrderOpened():
            return replace(order, status=Status.NEW)
        case OrderTrailed():
            return replace(order, hwm=event.hwm, stop_price=event.stop_price)
        case OrderReduced():
            return replace(order, qty=event.qty)
        case OrderTriggered():
            return replace(order, triggered_at=event.at)
        case OrderFilled():
            return _traded(order, event)
        case OrderCanceled():
            return replace(order, status=Status.CANCELED, canceled_at=event.at, hold=ZERO)
        case OrderReplaced():
            return replace(
                order,
                status=Status.REPLACED,
                replaced_by=event.replaced_by,
                replaced_at=event.at,
                hold=ZERO,
            )
        case OrderExpired():
            return replace(order, status=Status.EXPIRED, expired_at=event.at, hold=ZERO)
        case OrderRejected():
            return replace(
                order,
                status=Status.REJECTED,
                failed_at=event.at,
                reject_reason=event.reason,
                hold=ZERO,
            )


def _traded(order: OrderState, event: OrderFilled) -> OrderState:
    by_leg = {fill.order_id: fill for fill in event.fills}
    return msgspec.structs.replace(
        order,
        status=Status.FILLED if event.complete else Status.PARTIALLY_FILLED,
        filled_qty=order.filled_qty + event.qty,
        filled_value=order.filled_value + event.qty * event.price,
        filled_at=event.at if event.complete else None,
        fills=order.fills + 1,
        hold=event.hold,
        legs=tuple(_leg_traded(leg, by_leg[leg.id]) for leg in order.legs),
    )


def _leg_traded(leg: LegState, fill: LegFill) -> LegState:
    return msgspec.structs.replace(
        leg,
        filled_qty=leg.filled_qty + fill.qty,
        filled_value=leg.filled_value + fill.qty * fill.price,
    )
