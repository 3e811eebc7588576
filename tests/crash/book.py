"""The desk's own records, read beside the running daemon and held against the broker's."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.ids import ClientOrderId
from common.limits import Halt
from common.orders import Order, OrderStatus
from services.broker import codec
from services.execution.records import OrderRecord
from services.execution.rows import COLUMNS, record_of
from tests.crash.journal import require

Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """What the desk's database says at one moment."""

    records: Mapping[ClientOrderId, OrderRecord]
    exits: Mapping[ClientOrderId, str]  # state by opening order
    halt: Halt


def read(database: Path) -> Page:
    """Read the database of a daemon, running or not, changing nothing."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
        db.execute("BEGIN")
        query = f"SELECT {COLUMNS} FROM orders"  # noqa: S608 a constant
        records = [record_of(row) for row in db.execute(query)]
        exits = dict(db.execute("SELECT client_order_id, state FROM exits"))
        row = db.execute("SELECT halt FROM halt WHERE id=1").fetchone()
    return Page(
        records={record.client_order_id: record for record in records},
        exits={ClientOrderId(name): state for name, state in exits.items()},
        halt=Halt(row[0]) if row else Halt.ACTIVE,
    )


@dataclass
class DeskBook:
    """What has been seen of the desk's orders; each reading may only go forward."""

    last: dict[ClientOrderId, OrderRecord] = field(default_factory=dict)
    settled: set[ClientOrderId] = field(default_factory=set)  # agreed on, and ended
    flattened: set[ClientOrderId] = field(default_factory=set)

    def follows(self, page: Page) -> None:
        """Require that the records went on from what they were when last read."""
        for name, before in self.last.items():
            after = page.records.get(name)
            require(after is not None, f"the desk forgot {name}")
            if after is not None:
                moved = _may_reach(before.status, after.status)
                require(moved, f"{name} went from {before.status} to {after.status}")
                require(after.filled_qty >= before.filled_qty, f"{name} lost fills")
        self.last = dict(page.records)

    def open_questions(self, page: Page) -> tuple[OrderRecord, ...]:
        """Return the records that have yet to be agreed on with the broker for good."""
        return tuple(r for name, r in page.records.items() if name not in self.settled)

    def disagreement(self, record: OrderRecord, found: Json | None) -> str | None:
        """Return how a record and the broker's order differ, None when they agree.

        An order nobody has may be unknown for a while; an answer that it was never taken
        must be final.
        """
        name = record.client_order_id
        if found is None:
            free = {OrderStatus.UNKNOWN, OrderStatus.EXPIRED, OrderStatus.REJECTED}
            lost = record.status not in free or record.broker_id is not None
            return f"{name} is {record.status}, the broker has none" if lost else None
        order = codec.order(found)
        ours = (record.broker_id, record.status, record.filled_qty, record.filled_avg_price)
        theirs = (order.id, order.status, int(order.filled_qty), order.filled_avg_price)
        if ours != theirs:
            return f"{name}: the desk has {ours}, the broker {theirs}"
        _check_intent(record, order)
        if order.status.terminal:
            self.settled.add(name)
        return None

    def check_exits(self, page: Page) -> None:
        """Require a living exit for every trade of ours that nobody flattened."""
        for name, record in page.records.items():
            if record.intent.opens:
                state = page.exits.get(name)
                require(state is not None, f"{name} was written without its exit")
                alive = state != "done" or name in self.flattened
                require(alive or not record.filled_qty, f"the exit of {name} is gone: {state}")

    def check_holdings(self, page: Page, positions: Iterable[Json]) -> None:
        """Require that what the account holds is the sum of what the desk says it traded."""
        summed: dict[str, Decimal] = defaultdict(Decimal)
        for record in page.records.values():
            for leg in record.intent.legs:
                summed[leg.contract.symbol] += leg.signed_ratio * record.filled_qty
        ours = {symbol: qty for symbol, qty in summed.items() if qty}
        held = {str(row["symbol"]): Decimal(str(row["qty"])) for row in positions}
        require(ours == held, f"the desk's fills come to {ours}, the account holds {held}")


def _check_intent(record: OrderRecord, order: Order) -> None:
    """Require that what the broker holds is the intent that was written down."""
    wanted = {(leg.contract.symbol, leg.intent) for leg in record.intent.legs}
    require({(leg.symbol, leg.intent) for leg in order.legs} == wanted, f"legs of {order}")
    require(order.qty == record.intent.qty, f"quantity of {order}, not {record.intent}")
    require(order.limit == record.intent.limit, f"limit of {order}, not {record.intent}")


def _may_reach(before: OrderStatus, after: OrderStatus) -> bool:
    """Whether one status can follow another in any number of moves."""
    reached, new = {before}, {before}
    while new:
        new = {s for s in OrderStatus if any(b.may_become(s) for b in new)} - reached
        reached |= new
    return after in reached
