"""An order after an event: the broker's state machine, and the only thing that moves it."""

from __future__ import annotations

from msgspec.structs import replace

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
    return moved


def _after(order: OrderState, event: OrderEvent) -> OrderState:
    at = event.at
    match event:
        case OrderFilled():
            return _traded(order, event)
        case OrderCanceled():
            return replace(order, updated_at=at, status=Status.CANCELED, canceled_at=at, hold=ZERO)
        case OrderOpened():
            return replace(order, updated_at=at, status=Status.NEW)
        case OrderTrailed():
            return replace(order, updated_at=at, hwm=event.hwm, stop_price=event.stop_price)
        case OrderReduced():
            return replace(order, updated_at=at, qty=event.qty)
        case OrderTriggered():
            return replace(order, updated_at=at, triggered_at=at)
        case OrderReplaced():
            return replace(
                order,
                updated_at=at,
                status=Status.REPLACED,
                replaced_by=event.replaced_by,
                replaced_at=at,
                hold=ZERO,
            )
        case OrderExpired():
            return replace(order, updated_at=at, status=Status.EXPIRED, expired_at=at, hold=ZERO)
        case OrderRejected():
            return replace(
                order,
                updated_at=at,
                status=Status.REJECTED,
                failed_at=at,
                reject_reason=event.reason,
                hold=ZERO,
            )


def _traded(order: OrderState, event: OrderFilled) -> OrderState:
    return replace(
        order,
        updated_at=event.at,
        status=Status.FILLED if event.complete else Status.PARTIALLY_FILLED,
        filled_qty=order.filled_qty + event.qty,
        filled_value=order.filled_value + event.qty * event.price,
        filled_at=event.at if event.complete else None,
        fills=order.fills + 1,
        hold=event.hold,
        legs=_legs_traded(order.legs, event.fills) if order.legs else (),
    )


def _legs_traded(legs: tuple[LegState, ...], fills: tuple[LegFill, ...]) -> tuple[LegState, ...]:
    by_leg = {fill.order_id: fill for fill in fills}
    return tuple(_leg_traded(leg, by_leg[leg.id]) for leg in legs)


def _leg_traded(leg: LegState, fill: LegFill) -> LegState:
    return replace(
        leg,
        filled_qty=leg.filled_qty + fill.qty,
        filled_value=leg.filled_value + fill.qty * fill.price,
    )
