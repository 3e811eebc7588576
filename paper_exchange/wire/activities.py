"""What happened to an account, entry by entry, as the trading API writes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.contracts import AssetClass, asset_class
from common.money import ZERO
from common.orders import Side
from common.session import NEW_YORK
from paper_exchange.engine.events import Event, LegFill, OrderFilled
from paper_exchange.engine.orders import OrderState
from paper_exchange.wire.scalars import instant, text

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry: the instant it is filed under, its type, its order and what is shown."""

    at: datetime
    kind: str
    order_id: str | None
    shown: Json

    @property
    def id(self) -> str:
        """The entry's id, by which listings continue."""
        return str(self.shown["id"])

    @property
    def is_trade(self) -> bool:
        """Whether it is an execution, and not something that happened without an order."""
        return self.kind == "FILL"


def activities(event: Event, order: OrderState | None) -> Iterable[Activity]:
    """Yield the entries of one event; order is as it stood after it."""
    if isinstance(event, OrderFilled) and order is not None:
        for fill in event.fills:
            yield Activity(event.at, "FILL", fill.order_id, _fill(event, fill, order))


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


def _side(fill: LegFill) -> str:
    """Return the side; a share sold that was not held is sold short."""
    opens = fill.position_qty + fill.qty <= 0
    is_short = fill.side is Side.SELL and opens
    if is_short and asset_class(fill.symbol) is AssetClass.EQUITY:
        return "sell_short"
    return fill.side.value
