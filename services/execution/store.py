"""The desk's durable memory: one SQLite file per mode and account.

Write-ahead log, synchronous=FULL: when a write returns it survives kill -9 and power
loss. Writes go one at a time through a thread of their own; reads are inline, they take
microseconds. Money columns are scaled integers. Another process (the kill command) may
write too, so transactions begin IMMEDIATE and the halt is read from the file each time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from common.errors import Halted, StateUnwritable
from common.ids import ClientOrderId, ExecutionId, OrderId
from common.limits import Halt
from common.money import CASH_SCALE, PRICE_SCALE, Dollars, Price, cent, from_scaled, to_scaled
from common.orders import Fill, Order, OrderIntent, OrderStatus
from services.execution import latches
from services.execution.latches import Latch
from services.execution.records import ExitPlan, OrderRecord
from services.execution.rows import (
    COLUMNS,
    EXIT_COLUMNS,
    EXIT_MARKS,
    MARKS,
    NEWS,
    exit_of,
    exit_row_of,
    news_of,
    record_of,
    row_of,
)
from services.execution.schema import bring_up_to_date
from services.execution.share_store import ShareStore

T = TypeVar("T")

_ENDED = tuple(status.value for status in OrderStatus if status.terminal)


class DeskStore:
    """Orders, fills, exits, the halt and the session's opening equity, durably."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.revision = 0  # of what this process wrote; what was read before may be kept
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="desk-store")
        try:
            self._write = self._connect()
            bring_up_to_date(self._write, path)
            self._read = self._connect()
            self.shares = ShareStore(self._read, self._transact)
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
            halt = latches.deepest(db)
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
            db.execute(f"UPDATE orders SET {NEWS}", news_of(record))  # noqa: S608 constants
            if fill is not None:
                db.execute(
                    "INSERT OR IGNORE INTO fills VALUES (?,?,?,?,?)",
                    (
                        fill.execution_id,
                        record.client_order_id,  # whichever replacement of it filled
                        str(fill.qty),
                        to_scaled(fill.price, PRICE_SCALE),
                        fill.at.isoformat(),
                    ),
                )

        await self._transact(work)

    async def revise(self, client_order_id: ClientOrderId, intent: OrderIntent) -> None:
        """Write an order's new size and worst limit: what is reserved for it."""
        values = (intent.qty, to_scaled(intent.limit, PRICE_SCALE), client_order_id)
        sql = "UPDATE orders SET qty=?, limit_units=? WHERE client_order_id=?"
        await self._transact(lambda db: db.execute(sql, values))

    async def adopt(self, record: OrderRecord, order: Order) -> None:
        """Nothing: the broker makes no orders of one in options."""

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

    def closings(self, parents: Iterable[ClientOrderId]) -> tuple[OrderRecord, ...]:
        """Return the orders that close what these opening ones opened, oldest first."""
        names = tuple(parents)
        marks = ",".join("?" * len(names))
        return self._orders(f"WHERE parent IN ({marks}) ORDER BY created_at", *names)

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
        return self._exits("WHERE state != 'done'")

    def exit_plan(self, client_order_id: ClientOrderId) -> ExitPlan | None:
        """Return the exits of one opening order, done or not."""
        return next(iter(self._exits("WHERE client_order_id=?", client_order_id)), None)

    async def put_exit(self, plan: ExitPlan) -> None:
        """Write an exit's new state."""
        await self._transact(lambda db: _put_exit(db, plan))

    async def keep_best(self, client_order_id: ClientOrderId, best: Price) -> None:
        """Write the best price a position could have been closed at, and nothing else."""
        values = (str(best), client_order_id)
        await self._transact(
            lambda db: db.execute("UPDATE exits SET best=? WHERE client_order_id=?", values)
        )

    # The halt

    def halt(self) -> Halt:
        """Return the halt as the file has it now, whoever wrote it."""
        return latches.deepest(self._read)

    def halt_causes(self) -> tuple[Latch, ...]:
        """Return who set it and why: people's row first, then what the desk latched itself."""
        told = latches.people(self._read)
        own = (latch for latch in latches.latches(self._read) if latch.halt is not Halt.ACTIVE)
        return (*(() if told is None else (told,)), *own)

    def latch_of(self, cause: str) -> Latch | None:
        """Return the latch of one cause, None when it is not set."""
        return next((one for one in latches.latches(self._read) if one.cause == cause), None)

    async def set_halt(self, halt: Halt, *, who: str, reason: str, at: datetime) -> None:
        """Write the halt."""
        values = (halt.value, who, reason, at.isoformat())
        await self._transact(
            lambda db: db.execute("INSERT OR REPLACE INTO halt VALUES (1,?,?,?,?)", values)
        )

    async def latch(self, *latched: Latch) -> None:
        """Set halts of the desk's own, all or none, one for each cause."""

        def work(db: sqlite3.Connection) -> None:
            for latch in latched:
                latches.put(db, latch)

        await self._transact(work)

    async def unlatch(self, cause: str) -> None:
        """Take the halt of one cause away."""
        await self._transact(lambda db: latches.drop(db, cause))

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
        self.revision += 1

    def _orders(self, where: str, *values: object) -> tuple[OrderRecord, ...]:
        rows = self._read.execute(
            f"SELECT {COLUMNS} FROM orders {where}",  # noqa: S608 constants, values are bound
            values,
        )
        return tuple(record_of(row) for row in rows)

    def _exits(self, where: str, *values: object) -> tuple[ExitPlan, ...]:
        rows = self._read.execute(
            f"SELECT {EXIT_COLUMNS} FROM exits {where}",  # noqa: S608 constants, values are bound
            values,
        )
        return tuple(exit_of(row) for row in rows)


def _put_exit(db: sqlite3.Connection, plan: ExitPlan) -> None:
    db.execute(
        f"INSERT OR REPLACE INTO exits ({EXIT_COLUMNS}) VALUES ({EXIT_MARKS})",  # noqa: S608 same
        exit_row_of(plan),
    )
