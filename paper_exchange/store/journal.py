"""The journal: events become durable here, and only then does anyone hear of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain
from threading import Lock
from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from common.ids import AccountId
from paper_exchange.engine.events import Record, decode, encode, kind
from paper_exchange.store.database import Database
from paper_exchange.store.tables import EVENTS

logger = logging.getLogger(__name__)

Commit = asyncio.Future[None]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PAGE: Final = 10_000  # events read at a time
_ROWS_MAX: Final = 64  # events written by one statement

_INTO: Final = "INSERT INTO events (shard, seq, account_id, kind, version, at, body) VALUES"
_VALUES: Final = "(?, ?, ?, ?, ?, ?, ?)"

Row: TypeAlias = tuple[int, int, str, str, int, int, bytes]


class JournalFailed(Exception):
    """A batch, and every one after it until a load, is not known to be durable."""


class Journal(Protocol):
    """Where a shard's events go, in order and for ever."""

    def append(self, batch: Sequence[Record]) -> Commit:
        """Queue a batch; the future is done once it is durable, else JournalFailed.

        Batches become durable in the order they were given, and after one failed, none
        does until load() has told what was kept. Never cancel the future: shield it.
        """
        ...

    async def load(self, shard: int) -> list[Record]:
        """Return a shard's durable events by number, and accept batches again.

        Raises JournalFailed when they cannot be read.
        """
        ...


class SqlJournal:
    """Group commit: whatever is queued while one commit runs shares the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._queue: list[tuple[Sequence[Record], Commit]] = []
        self._scheduled = False
        self._failed = False

    def append(self, batch: Sequence[Record]) -> Commit:
        """Queue a batch for the next commit."""
        commit: Commit = asyncio.get_running_loop().create_future()
        with self._lock:
            self._queue.append((batch, commit))
            due, self._scheduled = not self._scheduled, True
        if due:
            self._database.call(self._flush)
        return commit

    async def load(self, shard: int) -> list[Record]:
        """Read everything, after what is queued has been written or given up."""
        records: list[Record] = []
        try:
            while True:
                after = records[-1].seq if records else 0
                page = await self._database.run(partial(_page, shard=shard, after=after))
                records += page
                if len(page) < _PAGE:
                    break
        except SQLAlchemyError as e:
            raise JournalFailed(str(e)) from e
        with self._lock:
            self._failed = False
        return records

    def _flush(self) -> None:
        """Write what is queued; on the database's thread."""
        with self._lock:
            batches, self._queue = self._queue, []
            self._scheduled = False
            failed = self._failed
        error: JournalFailed | None = JournalFailed("nothing is written since a batch failed")
        try:
            if not failed:
                rows = [_row(record) for batch, _ in batches for record in batch]
                self._database.transact(partial(_insert, rows=rows))
                error = None
        except SQLAlchemyError as e:
            logger.exception("a commit of %d batches failed", len(batches))
            error = JournalFailed(str(e))
        finally:  # whatever it was, nobody may be left waiting
            if error is not None:
                with self._lock:
                    self._failed = True
            commits = [commit for _, commit in batches]
            commits[0].get_loop().call_soon_threadsafe(_settle, commits, error)


def _insert(connection: Connection, rows: Sequence[Row]) -> None:
    """Write rows, many a statement.

    SQLite lets go of the interpreter at every step, and getting it back from a busy event
    loop takes longer than the step: a statement a row would wait once a row.
    """
    for start in range(0, len(rows), _ROWS_MAX):
        part = rows[start : start + _ROWS_MAX]
        connection.exec_driver_sql(_statement(len(part)), tuple(chain.from_iterable(part)))


@lru_cache(maxsize=_ROWS_MAX)
def _statement(rows: int) -> str:
    return f"{_INTO} {', '.join([_VALUES] * rows)}"


def _settle(commits: list[Commit], error: JournalFailed | None) -> None:
    for commit in commits:
        if commit.cancelled():
            continue
        if error is None:
            commit.set_result(None)
        else:
            commit.set_exception(error)


def _row(record: Record) -> Row:
    """Return the columns of an event, in the table's order."""
    event = record.event
    name, version = kind(event)
    at = (event.at - _EPOCH) // _MICROSECOND
    return record.shard, record.seq, record.account_id, name, version, at, encode(event)


def _page(connection: Connection, shard: int, after: int) -> list[Record]:
    rows = connection.execute(
        select(EVENTS.c.seq, EVENTS.c.account_id, EVENTS.c.body)
        .where(EVENTS.c.shard == shard, EVENTS.c.seq > after)
        .order_by(EVENTS.c.seq)
        .limit(_PAGE)
    )
    return [
        Record(shard=shard, seq=seq, account_id=AccountId(account), event=decode(body))
        for seq, account, body in rows
    ]
