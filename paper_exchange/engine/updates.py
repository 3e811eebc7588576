"""What the order stream says about an event: the order after it, and its execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from common.ids import AccountId
from paper_exchange.engine.events import (
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderOpened,
    OrderReduced,
    OrderRejected,
    OrderReplaced,
)
from paper_exchange.engine.orders import OrderState, Status

_FIRST: Final[Mapping[Status, str]] = {Status.ACCEPTED: "accepted", Status.HELD: "held"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """One message of trade_updates, not yet JSON.

    event: the broker's word ("new", "accepted", "held", "restated", "fill", "partial_fill",
    "canceled", "replaced", "expired", "rejected"). order: as of just after it. execution: for
    fills alone; its fills hold one entry per leg, or the order's own when it is simple.
    event_id orders messages as the exchange decided them.
    """

    account_id: AccountId
    event: str
    event_id: str
    order: OrderState
    at: datetime
    execution: OrderFilled | None = None


def update_of(
    account_id: AccountId, event: Event, order: OrderState | None, event_id: str
) -> OrderUpdate | None:
    """Return the message of an event, None for what concerns no order."""
    word = _word(event)
    if word is None or order is None:
        return None
    return OrderUpdate(
        account_id=account_id,
        event=word,
        event_id=event_id,
        order=order,
        at=event.at,
        execution=event if isinstance(event, OrderFilled) else None,
    )


def _word(event: Event) -> str | None:
    match event:
        case OrderAccepted():
            return _FIRST.get(event.order.status, "new")
        case OrderReduced():
            return "restated"
        case OrderFilled():
            return "fill" if event.complete else "partial_fill"
        case OrderOpened():
            return "new"
        case OrderCanceled():
            return "canceled"
        case OrderReplaced():
            return "replaced"
        case OrderExpired():
            return "expired"
        case OrderRejected():
            return "rejected"
        case _:
            return None
