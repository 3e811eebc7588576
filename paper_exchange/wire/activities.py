"""What happened to an account, entry by entry, as the trading API writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from decimal import ROUND_CEILING
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid5

from common.money import CENT, ZERO, Dollars, Price, Qty
from common.orders import Side
from common.session import NEW_YORK, new_york, trading_day
from paper_exchange.engine.delivery import option, price_of
from paper_exchange.engine.events import (
    AccountOpened,
    AccountReset,
    Ending,
    Event,
    LegFill,
    OptionEnded,
    OrderFilled,
)
from paper_exchange.engine.ledger import Book
from paper_exchange.engine.orders import OrderState
from paper_exchange.wire.scalars import instant, text

Json = dict[str, Any]

_ENTRIES: Final = UUID("0b7f9a52-6b3e-5c1d-8a0a-7d1f6f4f2c11")


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry: the instant it is filed under, its type, its order and how it is shown.

    stamp: the instant its id tells. overnight: it is reported the day after only.
    """

    at: datetime
    kind: str
    order_id: str | None
    stamp: datetime
    show: Callable[[], Json]
    overnight: bool = False

    def is_reported(self, now: datetime) -> bool:
        """Whether a listing shows it yet: the ends of options are reported the next day."""
        return not self.overnight or trading_day(now) > trading_day(self.at)

    @property
    def is_trade(self) -> bool:
        """Whether it is an execution, and not something that happened without an order."""
        return self.kind == "FILL"


def activities(event: Event, order: OrderState | None) -> Iterable[Activity]:
    """Yield the entries of one event, fees apart; order is as it stood after it."""
    if isinstance(event, OrderFilled) and order is not None:
        for fill in event.fills:
            show = partial(_fill, event, fill, order)
            yield Activity(event.at, "FILL", fill.order_id, event.at, show)
    elif isinstance(event, OptionEnded):
        yield from option_activities(event)
    elif isinstance(event, AccountOpened | AccountReset):
        amount = sum((entry.amount for entry in event.posting if entry.book is Book.CASH), ZERO)
        yield _cash(event.at, "JNLC", amount, event.account_id, {"description": ""})


def fee_activities(last: OrderFilled) -> Iterable[Activity]:
    """Yield what a day's executions were charged, one entry a kind; last: the last of them.

    They are filed at the end of the day and reported, like every entry that is no trade of the
    account's own, on the next one.
    """
    at = new_york(last.fee_day, time.max)
    for (kind, sub), fee in zip(_FEES, last.fee_accruals, strict=False):
        amount = fee.quantize(CENT, rounding=ROUND_CEILING)
        if amount:
            extra = {"description": f"{sub or 'Crypto'} fees of {last.fee_day}"}
            if sub is not None:
                extra["activity_sub_type"] = sub
            unique = f"{sub} {last.execution_id}"
            yield replace(_cash(at, kind, -amount, unique, extra), overnight=True)


_FEES: Final = (("FEE", "OCC"), ("FEE", "ORF"), ("FEE", "TAF"), ("FEE", "CAT"), ("CFEE", None))
_ENDINGS: Final[Mapping[Ending, tuple[str, str]]] = {
    Ending.EXERCISED: ("OPEXC", "Option Exercise"),
    Ending.ASSIGNED: ("OPASN", "Option Assignment"),
    Ending.EXPIRED: ("OPEXP", "Option Expiry"),
}


def option_activities(event: OptionEnded) -> Iterable[Activity]:
    """Yield what became of contracts and, paired with it by group_id, the trade in shares.

    qty is what they change holdings by: an exercise takes long contracts away, an assignment
    short ones.
    """
    kind, description = _ENDINGS[event.ending]
    contract = option(event.symbol)
    yield _option_entry(event, kind, description, event.symbol, -event.qty, None)
    if event.shares:
        yield _option_entry(
            event, "OPTRD", "Option Trade", contract.underlying, event.shares, contract.strike
        )


def _option_entry(
    event: OptionEnded,
    kind: str,
    description: str,
    symbol: str,
    qty: Qty,
    price: Price | None,
) -> Activity:
    extra: Json = {
        "description": description,
        "group_id": event.group_id,
        "qty": text(qty),
        "symbol": symbol,
    }
    if price is not None:
        extra["price"] = text(price)
    amount = ZERO if price is None else -price_of(qty, price)
    return replace(_cash(event.at, kind, amount, event.group_id, extra), overnight=True)


def activity_id(at: datetime, unique: str) -> str:
    """Return an id that sorts by time: New York's, to the millisecond."""
    local = at.astimezone(NEW_YORK)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{unique}"


def _fill(event: OrderFilled, fill: LegFill, order: OrderState) -> Json:
    part = next((leg for leg in order.legs if leg.id == fill.order_id), order)
    leaves = ZERO if part.qty is None else max(part.qty - part.filled_qty, ZERO)
    return {
        "activity_type": "FILL",
        "cum_qty": text(part.filled_qty),
        "id": activity_id(event.at, fill.execution_id),
        "leaves_qty": text(leaves),
        "order_id": fill.order_id,
        "order_status": order.status.value,
        "price": text(fill.price),
        "qty": text(fill.qty),
        "side": _side(fill),
        "symbol": fill.symbol,
        "transaction_time": instant(event.at),
        "type": "fill" if event.complete else "partial_fill",
    }


def _cash(at: datetime, kind: str, amount: Dollars, unique: str, extra: Json) -> Activity:
    """Return an entry that is nothing but money; its id tells the day alone."""
    day = trading_day(at)
    midnight = new_york(day, time.min)
    shown: Json = {
        "activity_type": kind,
        "created_at": instant(at),
        "currency": "USD",
        "date": day.isoformat(),
        "id": activity_id(midnight, str(uuid5(_ENTRIES, f"{kind} {unique}"))),
        "net_amount": text(amount),
        "status": "executed",
        **extra,
    }
    return Activity(at, kind, None, midnight, lambda: shown)


def _side(fill: LegFill) -> str:
    """Return the side; what is sold without being held is sold short."""
    opens = fill.position_qty + fill.qty <= 0
    return "sell_short" if fill.side is Side.SELL and opens else fill.side.value
