"""API keys as rows: key id, hash of the secret, account."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from common.ids import AccountId
from paper_exchange.store.database import Database
from paper_exchange.store.tables import API_KEYS


async def known_keys(database: Database) -> dict[str, tuple[bytes, AccountId]]:
    """Return every key's secret hash and account."""
    return await database.run(_read)


async def add_key(database: Database, key: str, secret_hash: bytes, account: AccountId) -> None:
    """Keep a key durably; SQLAlchemyError when it cannot be, or is known already."""
    row = {"key_id": key, "secret_hash": secret_hash, "account_id": account}
    await database.run(lambda connection: connection.execute(insert(API_KEYS), row))


def _read(connection: Connection) -> dict[str, tuple[bytes, AccountId]]:
    columns = API_KEYS.c
    rows = connection.execute(select(columns.key_id, columns.secret_hash, columns.account_id))
    return {key: (secret, AccountId(account)) for key, secret, account in rows}
