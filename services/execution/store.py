"""The desk's durable memory: one SQLite file per mode and account.

Write-ahead log, synchronous=FULL: when a write returns it survives kill -9 and power
loss. Writes go one at a time through a thread of their own; reads are inline, they take
microseconds. Money columns are scaled integers. Another process (the kill command) may
write too, so transactions begin IMMEDIATE and the halt is read from the file each time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from common.errors import Halted, StateUnwritable
from common.ids import ClientOrderId, ExecutionId, OrderId
from common.limits import Halt
from common.money import CASH_SCALE, PRICE_SCALE, Dollars, cent, from_scaled, to_scaled
from common.orders import Fill, OrderStatus
from services.execution.records import ExitPlan, ExitState, OrderRecord
from services.execution.rows import COLUMNS, MARKS, record_of, row_of

T = TypeVar("T")

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    client_order_id TEXT PRIMARY KEY, parent TEXT, strategy TEXT NOT NULL,
    principal TEXT NOT NULL, day TEXT NOT NULL, legs TEXT NOT NULL, qty INTEGER NOT NULL,
    limit_units INTEGER NOT NULL, mid_units INTEGER, status TEXT NOT NULL,
    broker_id TEXT, broker_status TEXT NOT NULL, filled_qty INTEGER NOT NULL,
    filled_avg TEXT, reason TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_day ON orders (day, created_at);
CREATE TABLE IF NOT EXISTS fills (
    execution_id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL, qty TEXT NOT NULL,
    price_units INTEGER NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS exits (
    client_order_id TEXT PRIMARY KEY, flat_by TEXT NOT NULL, state TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS halt (
    id INTEGER PRIMARY KEY CHECK (id = 1), halt TEXT NOT NULL, who TEXT NOT NULL,
    reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS opening_equity (
    day TEXT PRIMARY KEY, cents INTEGER NOT NULL, at TEXT NOT NULL
) STRICT;
"""
_ENDED = tuple(status.value for status in OrderStatus if status.terminal)


class DeskStore:
    """Orders, fills, exits, the halt and the session's opening equity, durably."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="desk-store")
        try:
            self._write = self._connect()
            self._write.executescript(_SCHEMA)
            self._check_version()
            self._read = self._connect()
        except sqlite3.Error as e:
            raise StateUnwritable(f"the desk's database {path} cannot be opened: {e}") from e

    async def close(self) -> None:
        """Finish the writes that are under way and let the file go."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._write.close)
        self._writer.shutdown()
        self._read.close()

    # Orders

    async def record(self, record: OrderRecord, exit_plan: ExitPlan | None, halt_ok: Halt) -> None:
        """Write an intent and its exit before the send, unless trading is halted.

        halt_ok is the furthest halt under which this order may still go. The check and
        the insert are one transaction, so a kill before it is seen and a kill after it
        finds the intent. Raises Halted.
        """

        def work(db: sqlite3.Connection) -> None:
            halt = _halt_of(db)
            if halt.deeper_than(halt_ok):
                raise Halted(f"trading is {halt.value}: nothing was sent")
            db.execute(
                f"INSERT INTO orders ({COLUMNS}) VALUES ({MARKS})",  # noqa: S608 constants
                row_of(record),
            )
            if exit_plan is not None:
                _put_exit(db, exit_plan)

        await self._transact(work)

    async def update(self, record: OrderRecord, fill: Fill | None = None) -> None:
        """Write an order's new state, and the fill that came with it, once."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE orders SET status=?, broker_id=?, broker_status=?, filled_qty=?, "
                "filled_avg=?, reason=?, updated_at=? WHERE client_order_id=?",
                (
                    record.status.value,
                    record.broker_id,
                    record.broker_status,
                    record.filled_qty,
                    None if record.filled_avg_price is None else str(record.filled_avg_price),
                    record.reason,
                    record.updated_at.isoformat(),
                    record.client_order_id,
                ),
            )
            if fill is not None:
                db.execute(
                    "INSERT OR IGNORE INTO fills VALUES (?,?,?,?,?)",
                    (
                        fill.execution_id,
                        fill.client_order_id,
                        str(fill.qty),
                        to_scaled(fill.price, PRICE_SCALE),
                        fill.at.isoformat(),
                    ),
                )

        await self._transact(work)

    def working(self) -> tuple[OrderRecord, ...]:
        """Return every order that has not ended, oldest first."""
        marks = ",".join("?" * len(_ENDED))
        return self._orders(f"WHERE status NOT IN ({marks}) ORDER BY created_at", *_ENDED)

    def recent(self, limit: int) -> tuple[OrderRecord, ...]:
        """Return the newest orders, newest first."""
        return self._orders("ORDER BY created_at DESC LIMIT ?", limit)

    def of_day(self, day: date) -> tuple[OrderRecord, ...]:
        """Return the orders of one trading day, oldest first."""
        return self._orders("WHERE day=? ORDER BY created_at", day.isoformat())

    def order(self, client_order_id: ClientOrderId) -> OrderRecord | None:
        """Return one order of ours."""
        return next(iter(self._orders("WHERE client_order_id=?", client_order_id)), None)

    def by_broker_id(self, broker_id: OrderId) -> OrderRecord | None:
        """Return the order of ours that the broker knows under an id."""
        return next(iter(self._orders("WHERE broker_id=?", broker_id)), None)

    def fills(self, client_order_id: ClientOrderId) -> tuple[Fill, ...]:
        """Return an order's fills, oldest first."""
        rows = self._read.execute(
            "SELECT execution_id, qty, price_units, at FROM fills WHERE client_order_id=? "
            "ORDER BY at",
            (client_order_id,),
        )
        return tuple(
            Fill(
                execution_id=ExecutionId(execution_id),
                client_order_id=client_order_id,
                qty=Decimal(qty),
                price=from_scaled(units, PRICE_SCALE),
                at=datetime.fromisoformat(at),
            )
            for execution_id, qty, units, at in rows
        )

    # Exits

    def exits(self) -> tuple[ExitPlan, ...]:
        """Return the exits that are armed or closing."""
        rows = self._read.execute(
            "SELECT client_order_id, flat_by, state, note FROM exits WHERE state != 'done'"
        )
        return tuple(
            ExitPlan(
                client_order_id=ClientOrderId(cid),
                flat_by=datetime.fromisoformat(flat_by),
                state=ExitState(state),
                note=note,
            )
            for cid, flat_by, state, note in rows
        )

    async def put_exit(self, plan: ExitPlan) -> None:
        """Write an exit's new state."""
        await self._transact(lambda db: _put_exit(db, plan))

    # The halt

    def halt(self) -> Halt:
        """Return the halt as the file has it now, whoever wrote it."""
        return _halt_of(self._read)

    async def set_halt(self, halt: Halt, *, who: str, reason: str, at: datetime) -> None:
        """Write the halt."""
        values = (halt.value, who, reason, at.isoformat())
        await self._transact(
            lambda db: db.execute("INSERT OR REPLACE INTO halt VALUES (1,?,?,?,?)", values)
        )

    # The session's opening equity

    def opening_equity(self, day: date) -> Dollars | None:
        """Return the equity a session is measured from, None before it was seen."""
        row = self._read.execute(
            "SELECT cents FROM opening_equity WHERE day=?", (day.isoformat(),)
        ).fetchone()
        return None if row is None else from_scaled(row[0], CASH_SCALE)

    async def keep_opening_equity(self, day: date, equity: Dollars, at: datetime) -> Dollars:
        """Write a session's opening equity unless one is there; return what counts."""
        values = (day.isoformat(), to_scaled(cent(equity), CASH_SCALE), at.isoformat())
        await self._transact(
            lambda db: db.execute("INSERT OR IGNORE INTO opening_equity VALUES (?,?,?)", values)
        )
        kept = self.opening_equity(day)
        return equity if kept is None else kept

    # SQLite

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5.0)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        return db

    def _check_version(self) -> None:
        (version,) = self._write.execute("PRAGMA user_version").fetchone()
        if version not in {0, SCHEMA_VERSION}:
            raise StateUnwritable(
                f"{self._path} has schema version {version}, this build writes {SCHEMA_VERSION}",
                remedy="use the build that wrote it, or another STATE_DIR",
            )
        self._write.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    async def _transact(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        def transaction() -> None:
            self._write.execute("BEGIN IMMEDIATE")
            try:
                work(self._write)
            except BaseException:
                self._write.execute("ROLLBACK")
                raise
            self._write.execute("COMMIT")

        await asyncio.get_running_loop().run_in_executor(self._writer, transaction)

    def _orders(self, where: str, *values: object) -> tuple[OrderRecord, ...]:
        rows = self._read.execute(
            f"SELECT {COLUMNS} FROM orders {where}",  # noqa: S608 constants, values are bound
            values,
        )
        return tuple(record_of(row) for row in rows)


def _halt_of(db: sqlite3.Connection) -> Halt:
    row = db.execute("SELECT halt FROM halt WHERE id=1").fetchone()
    return Halt.ACTIVE if row is None else Halt(row[0])


def _put_exit(db: sqlite3.Connection, plan: ExitPlan) -> None:
    db.execute(
        "INSERT OR REPLACE INTO exits VALUES (?,?,?,?)",
        (plan.client_order_id, plan.flat_by.isoformat(), plan.state.value, plan.note),
    )
