"""Orders in stocks and coins in the desk's database: two tables beside those of options.

Prices and quantities are exact text: a coin has more decimals than a scaled integer of cents.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from common.errors import BadArgument, Halted
from common.ids import ClientOrderId, ExecutionId, OrderId, Principal
from common.limits import Halt
from common.orders import Fill, Order, OrderStatus
from common.shares import ShareIntent
from services.execution import latches
from services.execution.share_records import ShareRecord

Transact = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[None]]

_COLUMNS: Final = (
    "client_order_id, symbol, intent, principal, day, reference, mid, status, created_at, held, "
    "basis, parent, updated_at, broker_id, broker_status, filled_qty, filled_avg, reason, "
    "version, working"
)
_MARKS: Final = ",".join("?" * len(_COLUMNS.split(",")))
_NEWS: Final = (
    "status=?, updated_at=?, broker_id=?, broker_status=?, filled_qty=?, filled_avg=?, reason=?, "
    "version=?, working=? WHERE client_order_id=?"
)
_ENDED: Final = tuple(status.value for status in OrderStatus if status.terminal)


class ShareStore:
    """Writes through the desk's own writer, so that orders of every kind stand in one line."""

    def __init__(self, read: sqlite3.Connection, transact: Transact) -> None:
        self._read = read
        self._transact = transact

    async def record(self, record: ShareRecord, halt_ok: Halt) -> None:
        """Write an intent before the send, unless trading is halted further than halt_ok.

        The check and the insert are one transaction. Raises Halted, and BadArgument for a name
        that an order has had before.
        """

        def work(db: sqlite3.Connection) -> None:
            halt = latches.deepest(db)
            if halt.deeper_than(halt_ok):
                raise Halted(f"trading is {halt.value}: nothing was sent")
            try:
                db.execute(
                    f"INSERT INTO share_orders ({_COLUMNS}) VALUES ({_MARKS})",  # noqa: S608 constants
                    _row_of(record),
                )
            except sqlite3.IntegrityError:
                raise BadArgument(
                    f"client_order_id: an order {record.client_order_id} was sent before"
                ) from None

        await self._transact(work)

    async def adopt(self, record: ShareRecord, order: Order) -> None:
        """Write down the exits that the broker made of an entry of ours, once."""
        exits = [one for one in record.exits(order) if self.order(one.client_order_id) is None]
        if exits:
            rows = [_row_of(one) for one in exits]
            await self._transact(
                lambda db: db.executemany(
                    f"INSERT OR IGNORE INTO share_orders ({_COLUMNS}) VALUES ({_MARKS})",  # noqa: S608 constants
                    rows,
                )
            )

    async def update(self, record: ShareRecord, fill: Fill | None = None) -> None:
        """Write an order's new state, and the fill that came with it, once."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(f"UPDATE share_orders SET {_NEWS}", _news_of(record))  # noqa: S608 constants
            if fill is not None:
                name, at = record.client_order_id, fill.at.isoformat()
                db.execute(
                    "INSERT OR IGNORE INTO share_fills VALUES (?,?,?,?,?)",
                    (fill.execution_id, name, str(fill.qty), str(abs(fill.price)), at),
                )

        await self._transact(work)

    def working(self) -> tuple[ShareRecord, ...]:
        """Return every order that has not ended, oldest first."""
        marks = ",".join("?" * len(_ENDED))
        return self._orders(f"WHERE status NOT IN ({marks}) ORDER BY created_at", *_ENDED)

    def recent(self, limit: int) -> tuple[ShareRecord, ...]:
        """Return the newest orders, newest first."""
        return self._orders("ORDER BY created_at DESC LIMIT ?", limit)

    def of_day(self, day: date) -> tuple[ShareRecord, ...]:
        """Return the orders sent on one trading day, oldest first."""
        return self._orders("WHERE day=? ORDER BY created_at", day.isoformat())

    def of_symbol(self, symbol: str) -> tuple[ShareRecord, ...]:
        """Return the orders in one symbol since the account's holding was last read, oldest first.

        The first of them is the one that knows what was held.
        """
        return self._orders(
            "WHERE symbol=? AND rowid >= (SELECT max(rowid) FROM share_orders WHERE symbol=? AND "
            "held IS NOT NULL) ORDER BY created_at",
            symbol,
            symbol,
        )

    def symbols(self) -> tuple[str, ...]:
        """Return every symbol that an order of ours traded or may."""
        rows = self._read.execute("SELECT DISTINCT symbol FROM share_orders ORDER BY symbol")
        return tuple(symbol for (symbol,) in rows)

    def order(self, client_order_id: ClientOrderId) -> ShareRecord | None:
        """Return one order of ours."""
        return next(iter(self._orders("WHERE client_order_id=?", client_order_id)), None)

    def by_broker_id(self, broker_id: OrderId) -> ShareRecord | None:
        """Return the order of ours that the broker knows under an id."""
        return next(iter(self._orders("WHERE broker_id=?", broker_id)), None)

    def fills(self, client_order_id: ClientOrderId) -> tuple[Fill, ...]:
        """Return an order's fills, oldest first."""
        rows = self._read.execute(
            "SELECT execution_id, qty, price, at FROM share_fills WHERE client_order_id=? "
            "ORDER BY at",
            (client_order_id,),
        )
        return tuple(
            Fill(
                execution_id=ExecutionId(execution_id),
                client_order_id=client_order_id,
                qty=Decimal(qty),
                price=Decimal(price),
                at=datetime.fromisoformat(at),
            )
            for execution_id, qty, price, at in rows
        )

    def _orders(self, where: str, *values: object) -> tuple[ShareRecord, ...]:
        rows = self._read.execute(
            f"SELECT {_COLUMNS} FROM share_orders {where}",  # noqa: S608 constants, values are bound
            values,
        )
        return tuple(_record_of(row) for row in rows)


def _row_of(record: ShareRecord) -> tuple[object, ...]:
    return (
        record.client_order_id,
        record.intent.symbol,
        json.dumps(record.intent.facts),
        record.principal,
        record.day.isoformat(),
        str(record.reference),
        _text(record.mid),
        record.status.value,
        record.created_at.isoformat(),
        _text(record.held),
        _text(record.basis),
        record.parent,
        *_news_of(record)[1:-1],
    )


def _news_of(record: ShareRecord) -> tuple[object, ...]:
    """Return the values of what changes while an order lives, its id last: see _NEWS."""
    return (
        record.status.value,
        record.updated_at.isoformat(),
        record.broker_id,
        record.broker_status,
        str(record.filled_qty),
        _text(record.filled_avg_price),
        record.reason,
        record.version,
        _text(record.working),
        record.client_order_id,
    )


def _record_of(row: tuple[Any, ...]) -> ShareRecord:
    (cid, _, intent, principal, day, reference, mid, status, created_at, held, basis) = row[:11]
    (parent, updated_at, broker_id, broker_status, filled_qty, filled_avg) = row[11:17]
    reason, version, working = row[17:]
    return ShareRecord(
        client_order_id=ClientOrderId(cid),
        intent=ShareIntent.of(json.loads(intent)),
        principal=Principal(principal),
        day=date.fromisoformat(day),
        reference=Decimal(reference),
        mid=_decimal(mid),
        status=OrderStatus(status),
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
        held=_decimal(held),
        basis=_decimal(basis),
        parent=None if parent is None else ClientOrderId(parent),
        broker_id=None if broker_id is None else OrderId(broker_id),
        broker_status=broker_status,
        filled_qty=Decimal(filled_qty),
        filled_avg_price=_decimal(filled_avg),
        reason=reason,
        version=version,
        working=_decimal(working),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
