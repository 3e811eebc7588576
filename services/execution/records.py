"""What the desk remembers of each order it makes: the durable intent and its fate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from common.ids import ClientOrderId, OrderId, Principal
from common.money import Price
from common.orders import Fill, Order, OrderIntent, OrderStatus

# Alpaca tells a broker order's fate in these, in rising order of how much is known.
UNSENT = frozenset({OrderStatus.INTENT, OrderStatus.SUBMITTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order of ours, from before its send to its end.

    mid is the net mid when it was sent, so that a fill can be held against it. parent is
    the opening order a closing one undoes. filled_avg_price is net, a credit negative.
    """

    client_order_id: ClientOrderId
    intent: OrderIntent
    principal: Principal
    day: date
    mid: Price | None
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    parent: ClientOrderId | None = None
    broker_id: OrderId | None = None
    broker_status: str = ""
    filled_qty: int = 0
    filled_avg_price: Price | None = None
    reason: str = ""

    @property
    def remaining(self) -> int:
        """Units that may still fill; 0 once the order has ended."""
        return 0 if self.status.terminal else self.intent.qty - self.filled_qty

    @property
    def slippage(self) -> Price | None:
        """What the fill cost beyond the mid at the send, per share; negative is better."""
        if self.filled_avg_price is None or self.mid is None:
            return None
        return self.filled_avg_price - self.mid

    def after(self, order: Order) -> OrderRecord:
        """Return the record folded with what the broker says of its order.

        Late, repeated and reordered news change nothing: the status only moves along the
        state machine, the filled quantity only grows.
        """
        moves = self.status.may_become(order.status)
        grows = int(order.filled_qty) > self.filled_qty
        if not moves and not grows:
            return self
        return replace(
            self,
            status=order.status if moves else self.status,
            broker_id=order.id,
            broker_status=order.broker_status if moves else self.broker_status,
            filled_qty=int(order.filled_qty) if grows else self.filled_qty,
            filled_avg_price=order.filled_avg_price if grows else self.filled_avg_price,
            updated_at=max(self.updated_at, order.updated_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRecord:
    """A fill and the order it belongs to."""

    fill: Fill
    strategy: str


class ExitState(StrEnum):
    """Where a protective exit stands."""

    ARMED = "armed"
    CLOSING = "closing"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """The time exit that lives with a trade: flat by an instant of market time."""

    client_order_id: ClientOrderId  # of the opening order
    flat_by: datetime
    state: ExitState = ExitState.ARMED
    note: str = ""


def average_price(fills: tuple[Fill, ...]) -> Price | None:
    """Return the quantity-weighted price of fills, exactly; None without any."""
    qty = sum((fill.qty for fill in fills), Decimal(0))
    if not qty:
        return None
    return sum((fill.price * fill.qty for fill in fills), Decimal(0)) / qty
