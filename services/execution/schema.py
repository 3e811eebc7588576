"""The tables of the desk's database, and how an older one is brought up to date.

A new file goes through every step an old one goes through, so there is one way to get here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from common.errors import StateUnwritable

_FIRST = (
    """CREATE TABLE IF NOT EXISTS orders (
    client_order_id TEXT PRIMARY KEY, parent TEXT, strategy TEXT NOT NULL,
    principal TEXT NOT NULL, day TEXT NOT NULL, legs TEXT NOT NULL, qty INTEGER NOT NULL,
    limit_units INTEGER NOT NULL, mid_units INTEGER, status TEXT NOT NULL,
    broker_id TEXT, broker_status TEXT NOT NULL, filled_qty INTEGER NOT NULL,
    filled_avg TEXT, reason TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT""",
    "CREATE INDEX IF NOT EXISTS orders_by_day ON orders (day, created_at)",
    """CREATE TABLE IF NOT EXISTS fills (
    execution_id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL, qty TEXT NOT NULL,
    price_units INTEGER NOT NULL, at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS exits (
    client_order_id TEXT PRIMARY KEY, flat_by TEXT NOT NULL, state TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS halt (
    id INTEGER PRIMARY KEY CHECK (id = 1), halt TEXT NOT NULL, who TEXT NOT NULL,
    reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS opening_equity (
    day TEXT PRIMARY KEY, cents INTEGER NOT NULL, at TEXT NOT NULL
) STRICT""",
)
_PRICE_EXITS = (
    "ALTER TABLE orders ADD COLUMN version INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE orders ADD COLUMN working_units INTEGER",
    "ALTER TABLE orders ADD COLUMN rests INTEGER NOT NULL DEFAULT 1",
    "CREATE INDEX orders_by_parent ON orders (parent) WHERE parent IS NOT NULL",
    "ALTER TABLE exits ADD COLUMN stop TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE exits ADD COLUMN target TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE exits ADD COLUMN trail TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE exits ADD COLUMN per_side INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE exits ADD COLUMN best TEXT",
    "ALTER TABLE exits ADD COLUMN cause TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE exits ADD COLUMN side TEXT NOT NULL DEFAULT ''",
)
_LATCHES = (
    """CREATE TABLE IF NOT EXISTS latches (
    cause TEXT PRIMARY KEY, halt TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
    at TEXT NOT NULL, day TEXT
) STRICT""",
)
_SHARES = (
    """CREATE TABLE IF NOT EXISTS share_orders (
    client_order_id TEXT PRIMARY KEY, symbol TEXT NOT NULL, intent TEXT NOT NULL,
    principal TEXT NOT NULL, day TEXT NOT NULL, reference TEXT NOT NULL, mid TEXT,
    status TEXT NOT NULL, created_at TEXT NOT NULL, held TEXT, basis TEXT, parent TEXT,
    updated_at TEXT NOT NULL, broker_id TEXT, broker_status TEXT NOT NULL,
    filled_qty TEXT NOT NULL, filled_avg TEXT, reason TEXT NOT NULL,
    version INTEGER NOT NULL, working TEXT
) STRICT""",
    "CREATE INDEX IF NOT EXISTS share_orders_by_day ON share_orders (day, created_at)",
    "CREATE INDEX IF NOT EXISTS share_orders_by_symbol ON share_orders (symbol)",
    """CREATE TABLE IF NOT EXISTS share_fills (
    execution_id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL, qty TEXT NOT NULL,
    price TEXT NOT NULL, at TEXT NOT NULL
) STRICT""",
)
STEPS = (
    _FIRST,
    _PRICE_EXITS,
    _LATCHES,
    _SHARES,
)  # step n brings a database from version n to n + 1


def bring_up_to_date(db: sqlite3.Connection, path: Path) -> None:
    """Take the steps a database lacks, each whole or not at all.

    Raises StateUnwritable for one that a later build wrote.
    """
    while (version := _version(db)) != len(STEPS):
        if version > len(STEPS):
            raise StateUnwritable(
                f"{path} has schema version {version}, this build knows up to {len(STEPS)}",
                remedy="use the build that wrote it, or another STATE_DIR",
            )
        db.execute("BEGIN IMMEDIATE")  # another process may be at the same step
        try:
            if _version(db) == version:
                for statement in STEPS[version]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={version + 1}")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
