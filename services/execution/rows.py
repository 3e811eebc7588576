"""How orders and exits stand in rows of the desk's database, and back."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from common.contracts import OptionContract, Right
from common.exits import ExitTerms, ExitTrigger, parse_exit
from common.ids import ClientOrderId, OrderId, Principal
from common.money import PRICE_SCALE, Price, from_scaled, to_scaled
from common.orders import Leg, OrderIntent, OrderStatus, PositionIntent
from services.execution.records import ExitPlan, ExitState, OrderRecord

COLUMNS: Final = (
    "client_order_id, parent, strategy, principal, day, legs, qty, limit_units, mid_units, "
    "status, broker_id, broker_status, filled_qty, filled_avg, reason, created_at, updated_at, "
    "version, working_units, rests"
)
MARKS: Final = ",".join("?" * len(COLUMNS.split(",")))
NEWS: Final = (
    "status=?, broker_id=?, broker_status=?, filled_qty=?, filled_avg=?, reason=?, "
    "updated_at=?, version=?, working_units=? WHERE client_order_id=?"
)
EXIT_COLUMNS: Final = (
    "client_order_id, flat_by, state, note, stop, target, trail, per_side, best, cause, side"
)
EXIT_MARKS: Final = ",".join("?" * len(EXIT_COLUMNS.split(",")))


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
        _units(record.mid),
        record.status.value,
        record.broker_id,
        record.broker_status,
        record.filled_qty,
        None if record.filled_avg_price is None else str(record.filled_avg_price),
        record.reason,
        record.created_at.isoformat(),
        record.updated_at.isoformat(),
        record.version,
        _units(record.working),
        int(record.rests),
    )


def record_of(row: tuple[Any, ...]) -> OrderRecord:
    """Return the record that a row of COLUMNS holds."""
    (cid, parent, strategy, principal, day, legs, qty, limit, mid, status, broker_id) = row[:11]
    (broker_status, filled_qty, filled_avg, reason, created_at, updated_at) = row[11:17]
    version, working, rests = row[17:]
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
        mid=_price(mid),
        status=OrderStatus(status),
        broker_id=None if broker_id is None else OrderId(broker_id),
        broker_status=broker_status,
        filled_qty=filled_qty,
        filled_avg_price=None if filled_avg is None else Decimal(filled_avg),
        reason=reason,
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
        version=version,
        working=_price(working),
        rests=bool(rests),
    )


def news_of(record: OrderRecord) -> tuple[object, ...]:
    """Return the values of what changes while an order lives, its id last: see NEWS."""
    return (
        record.status.value,
        record.broker_id,
        record.broker_status,
        record.filled_qty,
        None if record.filled_avg_price is None else str(record.filled_avg_price),
        record.reason,
        record.updated_at.isoformat(),
        record.version,
        _units(record.working),
        record.client_order_id,
    )


def exit_row_of(plan: ExitPlan) -> tuple[object, ...]:
    """Return the values of an exit plan, in the order of EXIT_COLUMNS."""
    terms = plan.terms
    return (
        plan.client_order_id,
        plan.flat_by.isoformat(),
        plan.state.value,
        plan.note,
        *("" if trigger is None else str(trigger) for trigger in _triggers(terms)),
        int(terms.per_side),
        None if plan.best is None else str(plan.best),
        plan.cause,
        "" if plan.side is None else plan.side.value,
    )


def exit_of(row: tuple[Any, ...]) -> ExitPlan:
    """Return the exit plan that a row of EXIT_COLUMNS holds."""
    cid, flat_by, state, note, stop, target, trail, per_side, best, cause, side = row
    return ExitPlan(
        client_order_id=ClientOrderId(cid),
        flat_by=datetime.fromisoformat(flat_by),
        terms=ExitTerms(
            stop=parse_exit(stop) if stop else None,
            target=parse_exit(target) if target else None,
            trail=parse_exit(trail) if trail else None,
            per_side=bool(per_side),
        ),
        state=ExitState(state),
        note=note,
        best=None if best is None else Decimal(best),
        cause=cause,
        side=Right(side) if side else None,
    )


def _triggers(terms: ExitTerms) -> tuple[ExitTrigger | None, ...]:
    return terms.stop, terms.target, terms.trail


def _units(price: Price | None) -> int | None:
    return None if price is None else to_scaled(price, PRICE_SCALE)


def _price(units: int | None) -> Price | None:
    return None if units is None else from_scaled(units, PRICE_SCALE)
