"""What may be asked of an account: by its owner, or by the venue in its name.

Ids are minted by whoever builds a command, so that deciding stays a pure function.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from common.ids import AccountId, OrderId
from common.money import Dollars, Price, Qty
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from paper_exchange.engine.configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRequest:
    """One leg of a multi-leg order as the client sent it."""

    symbol: str
    ratio: int
    side: Side
    position_intent: PositionIntent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """An order as the client sent it, read but not judged.

    A simple order has symbol and side, a multi-leg one has legs instead. Exactly one of
    qty (shares, coins, contracts or units) and notional (dollars) is to be given. limit_price
    is net and signed for a multi-leg order. position_intent None is inferred. A trailing
    stop has one of trail_price (dollars) and trail_percent.
    """

    order_id: OrderId
    type: OrderType
    time_in_force: TimeInForce
    order_class: OrderClass = OrderClass.SIMPLE
    symbol: str = ""
    side: Side | None = None
    qty: Qty | None = None
    notional: Dollars | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None
    trail_price: Price | None = None
    trail_percent: Decimal | None = None
    position_intent: PositionIntent | None = None
    legs: tuple[LegRequest, ...] = ()
    client_order_id: str | None = None
    extended_hours: bool = False
    take_profit: Price | None = None
    stop_loss: Price | None = None
    stop_loss_limit: Price | None = None
    liquidation: bool = False
    elected: bool = False  # a stop that was elected before it was replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOrder:
    """Put an order in place of another, with some terms changed; None leaves one as it is.

    order_id: of the new one. qty counts what is filled already. trail: dollars or percent,
    whichever the trailing stop has.
    """

    order_id: OrderId
    replaces: OrderId
    qty: Qty | None = None
    time_in_force: TimeInForce | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None
    trail: Decimal | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Take an order off the market."""

    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePosition:
    """Close all or part of a holding at the market; qty and percentage exclude each other.

    percentage: of the holding, in (0, 100]. liquidation: by the exchange, whatever it costs.
    """

    order_id: OrderId  # of the order that will close it
    symbol: str
    qty: Qty | None = None
    percentage: Decimal | None = None
    liquidation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseOption:
    """Exercise all that is held of an option now."""

    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineExercise:
    """Have an option expire, whatever it is worth then."""

    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """Open an account with money in it."""

    account_id: AccountId
    number: str
    cash: Dollars
    options_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetAccount:
    """Make an account what it was when it was opened.

    cash: to begin with, None what it began with before. days_too: whether the clock goes back
    as well, so that days it has ended come again.
    """

    cash: Dollars | None = None
    days_too: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureAccount:
    """Replace the configuration of an account."""

    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOrder:
    """Fill a working order if the market allows it now; an order queued overnight opens."""

    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireOrder:
    """End an order whose time in force has run out."""

    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDay:
    """Exercise, assign or let go the options that expired by a day; note the closing equity.

    closes: the official close of every underlying of an expired option held.
    """

    day: date
    closes: tuple[tuple[str, Price], ...]


Command: TypeAlias = (
    SubmitOrder
    | ReplaceOrder
    | CancelOrder
    | ClosePosition
    | ExerciseOption
    | DeclineExercise
    | OpenAccount
    | ResetAccount
    | ConfigureAccount
    | MatchOrder
    | ExpireOrder
    | EndDay
)
