"""What the desk remembers of each order it makes: the durable intent and its fate."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, Self

from common.contracts import Right
from common.exits import ExitTerms
from common.ids import ClientOrderId, OrderId, Principal
from common.money import Price, Qty
from common.orders import Fill, Order, OrderIntent, OrderStatus
from common.shares import ShareIntent

# Alpaca tells a broker order's fate in these, in rising order of how much is known.
UNSENT = frozenset({OrderStatus.INTENT, OrderStatus.SUBMITTING})
GONE = "close elsewhere"  # the cause of an exit that found its position gone
REPLACED = "replaced"  # the broker's word for an order whose place another one has taken

_REPLACEMENT = re.compile(r"(?P<root>spy0-.+)-r(?P<version>\d{1,4})", re.ASCII)


class Tracked(Protocol):
    """What is followed of an order of ours, whatever it trades."""

    @property
    def client_order_id(self) -> ClientOrderId:
        """Its name."""
        ...

    @property
    def intent(self) -> OrderIntent | ShareIntent:
        """What was wanted."""
        ...

    @property
    def status(self) -> OrderStatus:
        """Where it stands."""
        ...

    @property
    def broker_id(self) -> OrderId | None:
        """The broker's name of it, None before an answer."""
        ...

    @property
    def broker_status(self) -> str:
        """The broker's own word."""
        ...

    @property
    def working(self) -> Price | None:
        """The limit it stands at."""
        ...

    @property
    def filled_qty(self) -> Qty | int:
        """How much of it filled."""
        ...

    @property
    def filled_avg_price(self) -> Price | None:
        """At what price."""
        ...

    @property
    def reason(self) -> str:
        """Why it ended so."""
        ...

    @property
    def updated_at(self) -> datetime:
        """When it was last heard of."""
        ...

    def after(self, order: Order) -> Self:
        """Return the record folded with what the broker says; itself where that is no news."""
        ...

    def moved(self, status: OrderStatus, reason: str, at: datetime) -> Self:
        """Return the record in a status that we know better than the broker."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order of ours, from before its send to its end.

    mid is the net mid when it was sent, so that a fill can be held against it. parent is
    the opening order a closing one undoes. filled_avg_price is net, a credit negative.
    intent.limit is the worst that may be paid and what is reserved; working is the limit
    the order stands at, version how often it was replaced to get there. broker_id is that
    of the newest version. rests: it may stay unfilled; else the desk cancels what is left.
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
    version: int = 0
    working: Price | None = None
    rests: bool = True

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

    def moved(self, status: OrderStatus, reason: str, at: datetime) -> OrderRecord:
        """Return the record in a status that we know better than the broker."""
        return replace(self, status=status, reason=reason, updated_at=at)

    def after(self, order: Order) -> OrderRecord:
        """Return the record folded with what the broker says of its order.

        Late, repeated and reordered news change nothing: the status only moves along the
        state machine, the filled quantity only grows, and of an order that was replaced
        only what it filled counts: its end is not ours.
        """
        version = version_of(order.client_order_id)
        current = version >= self.version and order.broker_status != REPLACED
        moves = current and self.status.may_become(order.status)
        newer = moves and version > self.version
        grows = int(order.filled_qty) > self.filled_qty
        limit = order.limit if moves else self.working
        told = moves and (order.status is not self.status or self.broker_id is None)
        if not (told or newer or grows or limit != self.working):
            return self
        return replace(
            self,
            status=order.status if moves else self.status,
            version=version if moves else self.version,
            working=limit,
            broker_id=order.id if moves or self.broker_id is None else self.broker_id,
            broker_status=order.broker_status if moves else self.broker_status,
            filled_qty=int(order.filled_qty) if grows else self.filled_qty,
            filled_avg_price=order.filled_avg_price if grows else self.filled_avg_price,
            updated_at=max(self.updated_at, order.updated_at),
        )


def replacement_id(root: ClientOrderId, version: int) -> ClientOrderId:
    """Return the id that the n-th replacement of an order of ours carries."""
    return ClientOrderId(f"{root}-r{version}")


def root_of(client_order_id: ClientOrderId) -> ClientOrderId:
    """Return the id an order of ours was first sent with; of any other order its own."""
    match = _REPLACEMENT.fullmatch(client_order_id)
    return ClientOrderId(match["root"]) if match else client_order_id


def version_of(client_order_id: ClientOrderId) -> int:
    """Return which replacement of an order this is, 0 for the order itself."""
    match = _REPLACEMENT.fullmatch(client_order_id)
    return int(match["version"]) if match else 0


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
    """The exits that live with a trade: whichever comes first, by flat_by of market time.

    best is the best net price the position could have been closed at so far, a credit
    negative: what a trail gives back from. cause is what fired; side what it closes, None
    for the whole position.
    """

    client_order_id: ClientOrderId  # of the opening order
    flat_by: datetime
    terms: ExitTerms = field(default_factory=ExitTerms)
    state: ExitState = ExitState.ARMED
    note: str = ""
    best: Price | None = None
    cause: str = ""
    side: Right | None = None


def average_price(fills: tuple[Fill, ...]) -> Price | None:
    """Return the quantity-weighted price of fills, exactly; None without any."""
    qty = sum((fill.qty for fill in fills), Decimal(0))
    if not qty:
        return None
    return sum((fill.price * fill.qty for fill in fills), Decimal(0)) / qty
