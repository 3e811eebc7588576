"""What happened, as it is stored: frozen, versioned by tag, exact.

An event carries its postings and every number that was decided, so that a replay needs
neither quotes nor rules and gives the same state under later code. A changed shape takes
a new tag ("order_filled.2") beside the old one, which stays readable for ever. Nothing in
an event can point back at it, so the garbage collector need not look (gc=False).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import TypeAlias

import msgspec

from common.ids import AccountId, ExecutionId, OrderId
from common.money import ZERO, Dollars, Price, Qty
from common.orders import Side
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.ledger import Entry
from paper_exchange.engine.orders import OrderState

Posting: TypeAlias = tuple[Entry, ...]


class AccountOpened(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="account_opened.1"):
    """An account exists and has money."""

    account_id: AccountId
    number: str
    options_level: int
    posting: Posting
    at: datetime


class AccountReset(msgspec.Struct, frozen=True, kw_only=True, tag="account_reset.1"):
    """All that an account was is forgotten but its name and its level; it has money again.

    last_day: the last day that is over for it, None before any.
    """

    account_id: AccountId
    last_day: date | None
    posting: Posting
    at: datetime


class AccountConfigured(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="account_configured.1"
):
    """Its owner switched something on or off; the whole configuration from now on."""

    configuration: Configuration
    at: datetime


class OrderAccepted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_accepted.1"):
    """An order is on the market (new), or queued for the next session (accepted)."""

    order: OrderState
    posting: Posting  # the hold
    at: datetime


class OrderOpened(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_opened.1"):
    """A queued order is on the market: its session has begun."""

    order_id: OrderId
    at: datetime


class OrderTrailed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_trailed.1"):
    """The market has moved a trailing stop: its mark and its stop from now on."""

    order_id: OrderId
    hwm: Price
    stop_price: Price
    at: datetime


class OrderTriggered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_triggered.1"):
    """A stop was elected: from now on a market order, or a limit order at its limit."""

    order_id: OrderId
    price: Price  # of the touch that elected it
    at: datetime


class OrderReduced(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_reduced.1"):
    """The other exit of a pair has filled in part: this one is for less now."""

    order_id: OrderId
    qty: Qty
    at: datetime


class LegFill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution in one symbol. order_id: the leg's, or the order's own when simple.

    qty is unsigned; cost is what it adds to the position at cost, signed; position_qty is
    the signed holding after it.
    """

    order_id: OrderId
    execution_id: ExecutionId
    symbol: str
    side: Side
    qty: Qty
    price: Price
    cost: Dollars
    position_qty: Qty


class OrderFilled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_filled.1"):
    """Some or all of an order traded, every leg together.

    qty counts units, price is net per share. hold is what stays reserved. fee_accruals:
    the day's fees of each kind so far, exact, of which posting charged the rounded part.
    """

    order_id: OrderId
    execution_id: ExecutionId
    qty: Qty
    price: Price
    complete: bool
    fills: tuple[LegFill, ...]
    hold: Dollars
    fees: Dollars
    fee_day: date
    fee_accruals: tuple[Dollars, ...]
    posting: Posting
    at: datetime


class OrderCanceled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_canceled.1"):
    """Taken off the market by its owner, or by its own terms."""

    order_id: OrderId
    posting: Posting
    at: datetime


class OrderReplaced(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_replaced.1"):
    """Its owner put another order in its place, which is accepted next."""

    order_id: OrderId
    replaced_by: OrderId
    posting: Posting
    at: datetime


class OrderExpired(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_expired.1"):
    """Its time in force ran out."""

    order_id: OrderId
    posting: Posting
    at: datetime


class OrderRejected(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order_rejected.1"):
    """It could not be afforded or covered any more when its price came."""

    order_id: OrderId
    reason: str
    posting: Posting
    at: datetime


class Ending(StrEnum):
    """How an option stops being held other than by a trade."""

    EXERCISED = "exercised"
    ASSIGNED = "assigned"
    EXPIRED = "expired"


class OptionEnded(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="option_ended.1"):
    """Contracts held were exercised, assigned or expired, and shares changed hands at the strike.

    qty: contracts that are gone, signed as held; cost: what they had cost. shares: of the
    underlying, received or (negative) delivered; share_cost: what that adds to its cost.
    Both are 0 for what expired. The reports of one ending share its group_id.
    """

    group_id: str
    symbol: str
    ending: Ending
    qty: Qty
    cost: Dollars
    shares: Qty = ZERO
    share_cost: Dollars = ZERO
    posting: Posting
    at: datetime


class ExerciseDeclined(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="exercise_declined.1"
):
    """An option held is not to be exercised when it expires, whatever it is worth then."""

    symbol: str
    at: datetime


class DayEnded(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="day_ended.1"):
    """A session is over; equity is last_equity from now on."""

    day: date
    equity: Dollars
    maintenance_margin: Dollars = ZERO
    closes: tuple[tuple[str, Price], ...] = ()  # last marks of what is still held
    at: datetime


Event: TypeAlias = (
    AccountOpened
    | AccountReset
    | AccountConfigured
    | OrderAccepted
    | OrderOpened
    | OrderTrailed
    | OrderTriggered
    | OrderReduced
    | OrderFilled
    | OrderCanceled
    | OrderReplaced
    | OrderExpired
    | OrderRejected
    | OptionEnded
    | ExerciseDeclined
    | DayEnded
)


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event in its place: the n-th of a shard, and whose it is."""

    shard: int
    seq: int
    account_id: AccountId
    event: Event


_ENCODER = msgspec.json.Encoder(decimal_format="string")
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return an event as JSON with its tag; decimals are exact strings."""
    return _ENCODER.encode(event)


def decode(body: bytes) -> Event:
    """Read an event back; msgspec.ValidationError for what is none."""
    return _DECODER.decode(body)


def kind(event: Event) -> tuple[str, int]:
    """Return an event's name and version: ("order_filled", 1)."""
    return _kind(type(event))


@cache
def _kind(event: type[Event]) -> tuple[str, int]:
    name, _, version = str(event.__struct_config__.tag).partition(".")
    return name, int(version)
