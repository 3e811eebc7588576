"""An order as the exchange holds it: immutable, replaced by every event that touches it.

So whoever was handed one keeps what it was at that moment, which is what a reply that
waits for its commit needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from common.contracts import AssetClass
from common.ids import OrderId
from common.money import CENT, ZERO, Dollars, Price, Qty
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce

_AVERAGE: Final = Decimal("0.000000001")  # places an average price is shown with
_CHEAP: Final = Decimal(50)  # dollars, below which a collar is wider
_COLLAR_CHEAP: Final = Decimal("1.04")  # of the stop, to buy shares at
_COLLAR: Final = Decimal("1.025")
GROUPS: Final = frozenset({OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO})
STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


_ENDED: Final = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class Status(StrEnum):
    """Where an order stands, in the broker's words."""

    PENDING_NEW = "pending_new"  # only in the reply to a submission
    ACCEPTED = "accepted"  # queued until the session opens
    HELD = "held"  # an exit whose entry has not filled
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"

    terminal: bool  # whether nothing can follow

    def __init__(self, value: str) -> None:
        self.terminal = value in _ENDED

    def may_become(self, after: Status) -> bool:
        """Whether an event may move an order from here to there."""
        return after in _NEXT[self]


_TERMINAL: Final = frozenset(status for status in Status if status.terminal)
_NEXT: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING_NEW: frozenset(),
    Status.ACCEPTED: _TERMINAL - {Status.FILLED, Status.REPLACED} | {Status.ACCEPTED, Status.NEW},
    Status.HELD: _TERMINAL - {Status.FILLED} | {Status.NEW},
    Status.NEW: _TERMINAL | {Status.NEW, Status.PARTIALLY_FILLED},
    Status.PARTIALLY_FILLED: _TERMINAL | {Status.PARTIALLY_FILLED},
    **dict.fromkeys(_TERMINAL, frozenset[Status]()),
}


class LegState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One leg of a multi-leg order, an order of its own on the wire.

    filled_value: sum of qty x price over its fills, per share.
    """

    id: OrderId
    client_order_id: str
    symbol: str
    side: Side
    position_intent: PositionIntent
    ratio: int
    qty: Qty
    filled_qty: Qty = ZERO
    filled_value: Decimal = ZERO

    @property
    def signed_ratio(self) -> int:
        """The ratio, negative when sold."""
        return self.side.sign * self.ratio

    @property
    def filled_avg_price(self) -> Price | None:
        """Average price per share over its fills, None before the first."""
        return average(self.filled_value, self.filled_qty)


class OrderState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything the broker's order object shows, and what is held for it.

    A multi-leg order has symbol "" and no side, asset_class or position_intent; its
    limit_price and filled_avg_price are net, a credit negative, and qty counts units.
    A notional order keeps qty None. hold: dollars reserved for what is not filled yet. A stop
    is elected at triggered_at, and until then does not trade; hwm is the best price a trail
    has seen, None before it saw any. opens_at: when one that was queued goes to market.
    children: the rest of the group it is the head of; parent_id: the head of its group; paired:
    whether the other exit stands for both of them. fills: how many executions it has had.
    Legs share their parent's status and times.
    """

    id: OrderId
    client_order_id: str
    status: Status
    created_at: datetime
    submitted_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    opens_at: datetime | None = None
    order_class: OrderClass
    type: OrderType
    time_in_force: TimeInForce
    symbol: str = ""
    asset_class: AssetClass | None = None
    side: Side | None = None
    position_intent: PositionIntent | None = None
    qty: Qty | None = None
    notional: Dollars | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None
    trail_price: Price | None = None
    trail_percent: Decimal | None = None
    hwm: Price | None = None
    triggered_at: datetime | None = None
    extended_hours: bool = False
    liquidation: bool = False  # entered by the exchange
    legs: tuple[LegState, ...] = ()
    filled_qty: Qty = ZERO
    filled_value: Decimal = ZERO
    fills: int = 0
    hold: Dollars = ZERO
    filled_at: datetime | None = None
    canceled_at: datetime | None = None
    expired_at: datetime | None = None
    failed_at: datetime | None = None
    reject_reason: str | None = None
    replaces: OrderId | None = None
    replaced_by: OrderId | None = None
    replaced_at: datetime | None = None
    children: tuple[OrderId, ...] = ()
    parent_id: OrderId | None = None
    paired: bool = False

    @property
    def filled_avg_price(self) -> Price | None:
        """Average (net) price per share over its fills, None before the first."""
        return average(self.filled_value, self.filled_qty)

    @property
    def remaining(self) -> Qty:
        """Quantity not filled yet; 0 for a notional order, which has none."""
        return ZERO if self.qty is None else self.qty - self.filled_qty

    @property
    def is_mleg(self) -> bool:
        """Whether it has legs that fill together."""
        return bool(self.legs)

    @property
    def watching(self) -> bool:
        """Whether it is a stop that nothing has elected yet."""
        return self.type in STOPS and self.triggered_at is None

    @property
    def bound(self) -> Price | None:
        """The worst price it may trade at, None for any.

        That is its limit, and for a stop that buys shares the broker's collar: such a stop
        becomes a limit order a little above it.
        """
        if self.stop_price is None or self.type is not OrderType.STOP:
            return self.limit_price
        if self.side is not Side.BUY or self.asset_class is not AssetClass.EQUITY:
            return None
        stop = self.stop_price
        return (stop * (_COLLAR_CHEAP if stop < _CHEAP else _COLLAR)).quantize(CENT)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it trades: its symbol, or those of its legs."""
        return tuple(leg.symbol for leg in self.legs) if self.legs else (self.symbol,)

    def changes(self) -> dict[str, Qty]:
        """Return what its unfilled rest does to holdings, by symbol, signed."""
        if self.legs:
            return {leg.symbol: leg.side.sign * (leg.qty - leg.filled_qty) for leg in self.legs}
        if self.paired or self.status is Status.HELD:
            return {}
        return {self.symbol: self.remaining * (self.side or Side.BUY).sign}

    def closing(self) -> dict[str, Qty]:
        """Return what its unfilled rest takes off holdings, by symbol, unsigned."""
        if self.legs:
            return {
                leg.symbol: leg.qty - leg.filled_qty
                for leg in self.legs
                if not leg.position_intent.opens
            }
        if self.children and self.order_class is not OrderClass.OCO:
            return {self.symbol: self.filled_qty}  # for its exits, until they go to market
        intent = self.position_intent
        if intent is None or intent.opens:
            return {}
        if self.paired or self.status is Status.HELD:
            return {}
        return {self.symbol: self.remaining}


def average(value: Decimal, qty: Qty) -> Price | None:
    """Return value per unit on nine places, None for no units."""
    return (value / qty).quantize(_AVERAGE) if qty else None
