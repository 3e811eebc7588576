"""Lists of symbols that accounts keep under names of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from common.ids import AccountId
from paper_exchange.store.database import Database
from paper_exchange.store.tables import WATCHLISTS

LISTS_MAX: Final = 200  # of one account

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class NameTaken(Exception):
    """Another list of the account has this name."""


class TooMany(Exception):
    """The account has as many lists as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """Symbols in the order they were added."""

    id: str
    account: AccountId
    name: str
    symbols: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


Wanted = Callable[[Watchlist], bool]
Change = Callable[[Watchlist], Watchlist]


class Watchlists:
    """Every method sees and changes lists of one account only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, account: AccountId) -> tuple[Watchlist, ...]:
        """Return an account's lists, the oldest first."""
        return await self._database.run(lambda connection: _lists(connection, account))

    async def add(self, watchlist: Watchlist) -> None:
        """Keep a new list; NameTaken or TooMany when it cannot be."""

        def job(connection: Connection) -> None:
            others = _lists(connection, watchlist.account)
            if len(others) >= LISTS_MAX:
                raise TooMany
            _check_name(watchlist, others)
            connection.execute(insert(WATCHLISTS), _row(watchlist))

        await self._database.run(job)

    async def change(self, account: AccountId, wanted: Wanted, change: Change) -> Watchlist | None:
        """Return a list after a change to it, None where there is none; raise NameTaken."""

        def job(connection: Connection) -> Watchlist | None:
            lists = _lists(connection, account)
            found = next(filter(wanted, lists), None)
            if found is None:
                return None
            after = replace(change(found), id=found.id, account=account)
            _check_name(after, lists)
            connection.execute(
                update(WATCHLISTS).where(WATCHLISTS.c.id == found.id).values(**_row(after))
            )
            return after

        return await self._database.run(job)

    async def clear(self, account: AccountId) -> None:
        """Forget every list of an account."""

        def job(connection: Connection) -> None:
            connection.execute(delete(WATCHLISTS).where(WATCHLISTS.c.account_id == account))

        await self._database.run(job)

    async def remove(self, account: AccountId, wanted: Wanted) -> bool:
        """Forget a list; return whether there was one."""

        def job(connection: Connection) -> bool:
            found = next(filter(wanted, _lists(connection, account)), None)
            if found is not None:
                connection.execute(delete(WATCHLISTS).where(WATCHLISTS.c.id == found.id))
            return found is not None

        return await self._database.run(job)


def _lists(connection: Connection, account: AccountId) -> tuple[Watchlist, ...]:
    columns = WATCHLISTS.c
    rows = connection.execute(
        select(WATCHLISTS)
        .where(columns.account_id == account)
        .order_by(columns.created_at, columns.id)
    )
    return tuple(_watchlist(row) for row in rows.mappings())


def _check_name(watchlist: Watchlist, others: Sequence[Watchlist]) -> None:
    if any(other.name == watchlist.name and other.id != watchlist.id for other in others):
        raise NameTaken(watchlist.name)


def _row(watchlist: Watchlist) -> dict[str, Any]:
    return {
        "id": watchlist.id,
        "account_id": watchlist.account,
        "name": watchlist.name,
        "symbols": json.dumps(watchlist.symbols),
        "created_at": (watchlist.created_at - _EPOCH) // _MICROSECOND,
        "updated_at": (watchlist.updated_at - _EPOCH) // _MICROSECOND,
    }


def _watchlist(row: RowMapping) -> Watchlist:
    return Watchlist(
        id=row["id"],
        account=AccountId(row["account_id"]),
        name=row["name"],
        symbols=tuple(json.loads(row["symbols"])),
        created_at=_EPOCH + row["created_at"] * _MICROSECOND,
        updated_at=_EPOCH + row["updated_at"] * _MICROSECOND,
    )
