"""The database: an append-only list of events, who may call, and lists that accounts keep."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

SCHEMA_VERSION: Final = 1

METADATA: Final = MetaData()

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("shard", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Integer, nullable=False),  # microseconds since 1970, exchange time
    Column("body", LargeBinary, nullable=False),  # JSON, every amount an exact decimal string
    sqlite_with_rowid=False,
)

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("key_id", String, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),  # SHA-256
    Column("account_id", String, nullable=False),
    sqlite_with_rowid=False,
)

WATCHLISTS: Final = Table(
    "watchlists",
    METADATA,
    Column("id", String, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("symbols", String, nullable=False),  # a JSON list
    Column("created_at", Integer, nullable=False),  # microseconds since 1970, exchange time
    Column("updated_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

META: Final = Table(
    "meta",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
    sqlite_with_rowid=False,
)
