"""What the journal keeps in the desk's database: the audit's anchor, and how far trades went.

A connection of its own beside the desk's: nothing here is on the way of an order.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from common.ids import ClientOrderId
from common.money import CASH_SCALE, Dollars, from_scaled, to_scaled
from services.ops.chain import Head

_SCHEMA = """
CREATE TABLE IF NOT EXISTS audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS excursions (
    client_order_id TEXT PRIMARY KEY, best INTEGER NOT NULL, best_at TEXT NOT NULL,
    worst INTEGER NOT NULL, worst_at TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursion:
    """The best and the worst an open trade stood at, at mid, in dollars of the whole trade."""

    best: Dollars
    best_at: datetime
    worst: Dollars
    worst_at: datetime

    def widened(self, mark: Dollars, at: datetime) -> Excursion:
        """Return it with one more mark."""
        if self.worst <= mark <= self.best:
            return self
        up = mark > self.best
        return Excursion(
            best=mark if up else self.best,
            best_at=at if up else self.best_at,
            worst=self.worst if up else mark,
            worst_at=self.worst_at if up else at,
        )


class JournalStore:
    """Writes go one at a time through a thread of their own; reads are inline."""

    def __init__(self, path: Path) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal-store")
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)

    async def close(self) -> None:
        """Finish the writes that are under way and let the file go."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._db.close)
        self._writer.shutdown()

    def anchor(self) -> Head | None:
        """Return the audit's head as it was last anchored here."""
        return anchor_of(self._db)

    async def keep_anchor(self, head: Head) -> None:
        """Anchor the audit's head."""
        await self._write(
            lambda db: db.execute(
                "INSERT OR REPLACE INTO audit_head VALUES (1,?,?)", (head.seq, head.hash)
            )
        )

    def days(self, count: int) -> tuple[date, ...]:
        """Return the last days on which there were orders, oldest first."""
        rows = self._db.execute(
            "SELECT DISTINCT day FROM orders ORDER BY day DESC LIMIT ?", (count,)
        )
        return tuple(date.fromisoformat(day) for (day,) in rows)[::-1]

    def excursions(self) -> Mapping[ClientOrderId, Excursion]:
        """Return how far each trade went, by its opening order."""
        rows = self._db.execute("SELECT * FROM excursions")
        return {
            ClientOrderId(cid): Excursion(
                best=from_scaled(best, CASH_SCALE),
                best_at=datetime.fromisoformat(best_at),
                worst=from_scaled(worst, CASH_SCALE),
                worst_at=datetime.fromisoformat(worst_at),
            )
            for cid, best, best_at, worst, worst_at in rows
        }

    async def keep_excursions(self, found: Mapping[ClientOrderId, Excursion]) -> None:
        """Write how far trades went, in one transaction."""
        rows = [
            (
                cid,
                to_scaled(one.best, CASH_SCALE),
                one.best_at.isoformat(),
                to_scaled(one.worst, CASH_SCALE),
                one.worst_at.isoformat(),
            )
            for cid, one in found.items()
        ]
        await self._write(lambda db: _put_all(db, rows))

    async def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, work, self._db)


def anchor_of(db: sqlite3.Connection) -> Head | None:
    """Return the audit's head that a desk's database holds, None when it holds none."""
    try:
        row = db.execute("SELECT seq, hash FROM audit_head WHERE id=1").fetchone()
    except sqlite3.OperationalError:  # a database of before there was an audit log
        return None
    return None if row is None else Head(seq=row[0], hash=row[1])


def _put_all(db: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany("INSERT OR REPLACE INTO excursions VALUES (?,?,?,?,?)", rows)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
