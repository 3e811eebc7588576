"""What the desk remembers of each order in a stock or a coin it makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from common.ids import ClientOrderId, OrderId, Principal
from common.money import ZERO, Dollars, Price, Qty
from common.orders import Order, OrderStatus
from common.shares import PendingShares, ShareIntent
from services.execution.records import REPLACED, version_of
from services.portfolio.share_risk import pending_shares
from services.risk.activity import ShareTrade

_NEVER = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRecord:
    """One order of ours in a stock or a coin, from before its send to its end.

    reference is the price its worst case is reckoned at, mid that of the market at the send.
    Prices are never signed. held: of its symbol, signed, when it was sent while no other order
    of ours worked there, else None. basis: what a closing order's holding had cost, a unit.
    parent: the entry whose exit it is, at the broker.
    """

    client_order_id: ClientOrderId
    intent: ShareIntent
    principal: Principal
    day: date
    reference: Price
    mid: Price | None
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    held: Qty | None = None
    basis: Price | None = None
    parent: ClientOrderId | None = None
    broker_id: OrderId | None = None
    broker_status: str = ""
    filled_qty: Qty = ZERO
    filled_avg_price: Price | None = None
    reason: str = ""
    version: int = 0
    working: Price | None = None

    @property
    def paid(self) -> Dollars:
        """The dollars that its fills traded."""
        return (self.filled_avg_price or ZERO) * self.filled_qty

    @property
    def slippage(self) -> Price | None:
        """What the fill cost beyond the mid at the send, a unit; negative is better."""
        if self.filled_avg_price is None or self.mid is None:
            return None
        return (self.filled_avg_price - self.mid) * self.intent.side.sign

    @property
    def pending(self) -> PendingShares | None:
        """What may still fill of an order that opens; None once nothing may."""
        if self.status.terminal or not self.intent.opens:
            return None
        return pending_shares(self.intent, self.reference, self.filled_qty, self.paid)

    @property
    def trade(self) -> ShareTrade:
        """The order as the session's past shows it."""
        entered = bool(self.filled_qty) or self.status not in _NEVER
        return ShareTrade(
            intent=self.intent,
            sent_at=self.created_at,
            entered=entered,
            result=self._result(),
            closed_at=self.updated_at if self.filled_qty and not self.intent.opens else None,
        )

    def moved(self, status: OrderStatus, reason: str, at: datetime) -> ShareRecord:
        """Return the record in a status that we know better than the broker."""
        return replace(self, status=status, reason=reason, updated_at=at)

    def after(self, order: Order) -> ShareRecord:
        """Return the record folded with what the broker says of its order.

        As of an option order: late, repeated and reordered news change nothing.
        """
        version = version_of(order.client_order_id)
        current = version >= self.version and order.broker_status != REPLACED
        moves = current and self.status.may_become(order.status)
        newer = moves and version > self.version
        grows = order.filled_qty > self.filled_qty
        limit = _unsigned(order.limit) if moves else self.working
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
            filled_qty=order.filled_qty if grows else self.filled_qty,
            filled_avg_price=_unsigned(order.filled_avg_price) if grows else self.filled_avg_price,
            updated_at=max(self.updated_at, order.updated_at),
        )

    def exits(self, order: Order) -> tuple[ShareRecord, ...]:
        """Return the records of the exits that the broker made of this entry."""
        return tuple(self._exit(child) for child in order.children)

    def _exit(self, child: Order) -> ShareRecord:
        profit = self.intent.take_profit
        takes = profit is not None and _unsigned(child.limit) == profit
        intent = self.intent.exit(profit=takes)
        reference = intent.limit if intent.stop is None else intent.stop
        made = replace(
            self,
            client_order_id=child.client_order_id,
            intent=intent,
            reference=self.reference if reference is None else reference,
            mid=None,
            status=OrderStatus.SUBMITTING,
            created_at=child.submitted_at,
            updated_at=child.submitted_at,
            held=None,
            basis=self.reference,
            parent=self.client_order_id,
            broker_id=None,
            filled_qty=ZERO,
            filled_avg_price=None,
            reason="",
            version=0,
        )
        return made.after(child)

    def _result(self) -> Dollars | None:
        if self.intent.opens or self.basis is None or self.filled_avg_price is None:
            return None
        gain = (self.basis - self.filled_avg_price) * self.intent.side.sign
        return gain * self.filled_qty


def net_filled(record: ShareRecord) -> Qty:
    """Return the units an order added to the account, negative when sold."""
    return record.filled_qty * record.intent.side.sign


def _unsigned(price: Decimal | None) -> Price | None:
    """A simple sale's price is negative where orders are told net."""
    return None if price is None else abs(price)
