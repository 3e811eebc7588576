"""How an order record stands in a row of the desk's database, and back."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from common.contracts import OptionContract
from common.ids import ClientOrderId, OrderId, Principal
from common.money import PRICE_SCALE, from_scaled, to_scaled
from common.orders import Leg, OrderIntent, OrderStatus, PositionIntent
from services.execution.records import OrderRecord

COLUMNS: Final = (
    "client_order_id, parent, strategy, principal, day, legs, qty, limit_units, mid_units, "
    "status, broker_id, broker_status, filled_qty, filled_avg, reason, created_at, updated_at"
)
MARKS: Final = ",".join("?" * len(COLUMNS.split(",")))


def row_of(record: OrderRecord) -> tuple[object, ...]:
    """Return the values of a record, in the order of COLUMNS."""
    intent = record.intent
    legs = [[leg.contract.symbol, leg.intent.value, leg.ratio] for leg in intent.legs]
    return (
        record.client_order_id,
        record.parent,
        intent.strategy,
        record.principal,
        record.day.isoformat(),
        json.dumps(legs),
        intent.qty,
        to_scaled(intent.limit, PRICE_SCALE),
        None if record.mid is None else to_scaled(record.mid, PRICE_SCALE),
        record.status.value,
        record.broker_id,
        record.broker_status,
        record.filled_qty,
        None if record.filled_avg_price is None else str(record.filled_avg_price),
        record.reason,
        record.created_at.isoformat(),
        record.updated_at.isoformat(),
    )


def record_of(row: tuple[Any, ...]) -> OrderRecord:
    """Return the record that a row of COLUMNS holds."""
    (cid, parent, strategy, principal, day, legs, qty, limit, mid, status, broker_id) = row[:11]
    (broker_status, filled_qty, filled_avg, reason, created_at, updated_at) = row[11:]
    return OrderRecord(
        client_order_id=ClientOrderId(cid),
        parent=None if parent is None else ClientOrderId(parent),
        intent=OrderIntent(
            strategy=strategy,
            legs=tuple(
                Leg(
                    contract=OptionContract.from_occ(symbol),
                    intent=PositionIntent(intent),
                    ratio=ratio,
                )
                for symbol, intent, ratio in json.loads(legs)
            ),
            qty=qty,
            limit=from_scaled(limit, PRICE_SCALE),
        ),
        principal=Principal(principal),
        day=date.fromisoformat(day),
        mid=None if mid is None else from_scaled(mid, PRICE_SCALE),
        status=OrderStatus(status),
        broker_id=None if broker_id is None else OrderId(broker_id),
        broker_status=broker_status,
        filled_qty=filled_qty,
        filled_avg_price=None if filled_avg is None else Decimal(filled_avg),
        reason=reason,
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
    )
