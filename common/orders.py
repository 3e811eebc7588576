"""Orders as the desk speaks of them: wanted, approved, held by the broker, filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Generic, TypeVar

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.ids import ClientOrderId, ExecutionId, OrderId
from common.money import Dollars, Price, Qty

T = TypeVar("T")


class Side(StrEnum):
    """Which way a leg trades."""

    BUY = "buy"
    SELL = "sell"

    sign: int  # +1 to buy, -1 to sell

    def __init__(self, value: str) -> None:
        self.sign = 1 if value == "buy" else -1

    @property
    def opposite(self) -> Side:
        """The side that undoes this one."""
        return _OPPOSITE[self]


_OPPOSITE: Final[Mapping[Side, Side]] = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


class PositionIntent(StrEnum):
    """Whether a leg opens or closes."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"

    opens: bool  # whether it adds to a position

    def __init__(self, value: str) -> None:
        self.opens = value.endswith("open")

    @property
    def side(self) -> Side:
        """The side it trades on."""
        return Side.BUY if self in _PURCHASES else Side.SELL

    @classmethod
    def of(cls, side: Side, *, opens: bool) -> PositionIntent:
        """Return the intent of trading a side to open or to close."""
        return _INTENTS[side, opens]


_PURCHASES: Final = frozenset({PositionIntent.BUY_TO_OPEN, PositionIntent.BUY_TO_CLOSE})
_INTENTS: Final[Mapping[tuple[Side, bool], PositionIntent]] = {
    (intent.side, intent.opens): intent for intent in PositionIntent
}


class OrderType(StrEnum):
    """How an order is priced."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class OrderClass(StrEnum):
    """One symbol, two to four option legs that fill together, or orders that belong together."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MLEG = "mleg"


class TimeInForce(StrEnum):
    """How long an order works."""

    DAY = "day"
    GTC = "gtc"
    OPG = "opg"
    CLS = "cls"
    IOC = "ioc"
    FOK = "fok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A contract, the way it trades and how many per unit of the order."""

    contract: OptionContract
    intent: PositionIntent
    ratio: int = 1

    @property
    def side(self) -> Side:
        """The side it trades on."""
        return self.intent.side

    @property
    def signed_ratio(self) -> int:
        """The ratio, negative when sold."""
        return self.side.sign * self.ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What is wanted, unchecked: one limit day order of one to four option legs.

    qty counts units; limit is the net price per share of one unit, a debit positive
    and a credit negative, for a single leg too.
    """

    strategy: str
    legs: tuple[Leg, ...]
    qty: int
    limit: Price

    @property
    def opens(self) -> bool:
        """Whether any leg adds to a position."""
        return any(leg.intent.opens for leg in self.legs)

    @property
    def net_cost(self) -> Dollars:
        """The limit price times shares: dollars paid, or received when negative."""
        return self.limit * OPTION_MULTIPLIER * self.qty

    def closing(self, *, limit: Price, strategy: str) -> OrderIntent:
        """Return the order that would undo this one at a limit."""
        return OrderIntent(
            strategy=strategy,
            legs=tuple(
                Leg(
                    contract=leg.contract,
                    intent=PositionIntent.of(leg.side.opposite, opens=not leg.intent.opens),
                    ratio=leg.ratio,
                )
                for leg in self.legs
            ),
            qty=self.qty,
            limit=limit,
        )


@dataclass(frozen=True, slots=True)
class Approved(Generic[T]):
    """A value that passed risk. Built in services/risk only; a tidy test holds that."""

    value: T


class OrderStatus(StrEnum):
    """Where an order stands, from our side of the wire.

    intent: durable here, not sent. submitting: on its way. unknown: sent, no clear
    answer; its reservation is kept until a lookup settles it.
    """

    INTENT = "intent"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def terminal(self) -> bool:
        """Whether nothing can follow."""
        return self in _TERMINAL

    def may_become(self, after: OrderStatus) -> bool:
        """Whether the state machine allows the move; staying put is always allowed."""
        return after is self or after in _NEXT[self]


_TERMINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)
_HELD = frozenset(
    {
        OrderStatus.ACCEPTED,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
    }
)
_NEXT: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.INTENT: _HELD | {OrderStatus.SUBMITTING, OrderStatus.UNKNOWN},
    OrderStatus.SUBMITTING: _HELD | {OrderStatus.UNKNOWN},
    OrderStatus.UNKNOWN: _HELD,
    OrderStatus.ACCEPTED: _HELD - {OrderStatus.ACCEPTED},
    OrderStatus.PARTIALLY_FILLED: _TERMINAL,
    OrderStatus.FILLED: frozenset[OrderStatus](),
    OrderStatus.CANCELED: frozenset[OrderStatus](),
    OrderStatus.EXPIRED: frozenset[OrderStatus](),
    OrderStatus.REJECTED: frozenset[OrderStatus](),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLeg:
    """One leg of an order as the broker holds it; a simple order has exactly one."""

    symbol: str
    side: Side
    intent: PositionIntent | None
    ratio: int
    filled_qty: Qty
    filled_avg_price: Price | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the broker holds. limit and filled_avg_price are net, a credit negative.

    qty and filled_qty count units. broker_status is the broker's own word.
    """

    id: OrderId
    client_order_id: ClientOrderId
    status: OrderStatus
    broker_status: str
    legs: tuple[OrderLeg, ...]
    qty: Qty
    limit: Price | None
    filled_qty: Qty
    filled_avg_price: Price | None
    submitted_at: datetime
    updated_at: datetime
    filled_at: datetime | None = None
    replaced_by: OrderId | None = None  # the order that took this one's place
    children: tuple[Order, ...] = ()  # the exits of an entry, as far as they are told with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution: units at a net price, with the broker's id for it."""

    execution_id: ExecutionId
    client_order_id: ClientOrderId
    qty: Qty
    price: Price
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeUpdate:
    """One message of the broker's order stream: the order after the event, and its fill."""

    event: str
    order: Order
    at: datetime
    fill: Fill | None = None


def filled_dollars(order: Order) -> Dollars:
    """Return what an option order's fills cost in total, a credit negative."""
    if order.filled_avg_price is None:
        return Decimal(0)
    return order.filled_avg_price * order.filled_qty * OPTION_MULTIPLIER
