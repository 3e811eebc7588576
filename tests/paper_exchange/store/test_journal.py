"""The journal on a real database file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, select, text, update
from sqlalchemy.exc import OperationalError

from common.errors import Misconfigured, StateUnwritable
from common.ids import AccountId
from paper_exchange.engine.events import AccountOpened, Record, kind
from paper_exchange.engine.ledger import Book, transfer
from paper_exchange.store.database import Database
from paper_exchange.store.journal import JournalFailed, SqlJournal
from paper_exchange.store.tables import EVENTS, META
from tests.paper_exchange.builders import NOON


def _record(seq: int, shard: int = 0) -> Record:
    account = AccountId(f"account {seq}")
    opened = AccountOpened(
        account_id=account,
        number="PA1",
        options_level=3,
        posting=transfer(Book.FUNDING, Book.CASH, Decimal("0.10") * seq),
        at=NOON + timedelta(microseconds=seq),
    )
    return Record(shard=shard, seq=seq, account_id=account, event=opened)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'exchange.db'}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url)
    yield database
    await database.close()


async def test_what_was_appended_is_read_back_exactly(database: Database) -> None:
    journal = SqlJournal(database)
    records = [_record(seq) for seq in range(1, 8)]
    await asyncio.gather(*(journal.append([record]) for record in records))
    assert await journal.load(0) == records
    assert await journal.load(1) == []


async def test_shards_number_their_events_apart(database: Database) -> None:
    journal = SqlJournal(database)
    await journal.append([_record(1, shard=0), _record(1, shard=1)])
    assert await journal.load(1) == [_record(1, shard=1)]


async def test_batches_that_wait_share_a_commit(database: Database) -> None:
    journal = SqlJournal(database)
    commits: list[Connection] = []
    engine = await database.run(lambda connection: connection.engine)
    event.listen(engine, "commit", commits.append)
    await asyncio.gather(*(journal.append([_record(seq)]) for seq in range(1, 201)))
    assert len(commits) < 200
    assert len(await journal.load(0)) == 200


async def test_more_events_than_one_page(database: Database) -> None:
    journal = SqlJournal(database)
    await journal.append([_record(seq) for seq in range(1, 10_102)])
    assert [record.seq for record in await journal.load(0)] == list(range(1, 10_102))


async def test_every_batch_after_a_failed_one_fails_until_a_load(database: Database) -> None:
    journal = SqlJournal(database)
    await journal.append([_record(1)])
    clash = journal.append([_record(1)])  # the number is taken
    with pytest.raises(JournalFailed):
        await clash
    with pytest.raises(JournalFailed):
        await journal.append([_record(2)])
    assert await journal.load(0) == [_record(1)]
    await journal.append([_record(2)])
    assert await journal.load(0) == [_record(1), _record(2)]


async def test_a_batch_is_kept_whole_or_not_at_all(database: Database) -> None:
    journal = SqlJournal(database)
    with pytest.raises(JournalFailed):
        await journal.append([_record(1), _record(2), _record(2)])
    assert await journal.load(0) == []
    many = [_record(seq) for seq in range(1, 201)]  # more than one statement takes
    with pytest.raises(JournalFailed):
        await journal.append([*many, many[-1]])
    assert await journal.load(0) == []


async def test_a_commit_that_fails_leaves_nothing_behind(database: Database) -> None:
    journal = SqlJournal(database)
    engine = await database.run(lambda connection: connection.engine)

    def full(connection: Connection) -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    event.listen(engine, "commit", full)
    with pytest.raises(JournalFailed):
        await journal.append([_record(1)])
    event.remove(engine, "commit", full)
    await journal.load(0)
    await journal.append([_record(1)])
    assert await journal.load(0) == [_record(1)]


async def test_whoever_stopped_waiting_disturbs_nobody(database: Database) -> None:
    journal = SqlJournal(database)
    first, second = journal.append([_record(1)]), journal.append([_record(2)])
    first.cancel()
    await second
    assert len(await journal.load(0)) == 2


async def test_the_columns_say_what_an_event_is(database: Database) -> None:
    await SqlJournal(database).append([_record(3)])
    row = await database.run(
        lambda connection: connection.execute(
            select(EVENTS.c.seq, EVENTS.c.account_id, EVENTS.c.kind, EVENTS.c.version, EVENTS.c.at)
        ).one()
    )
    assert kind(_record(3).event) == ("account_opened", 1)
    assert tuple(row[:4]) == (3, "account 3", "account_opened", 1)
    assert row[4] == int(NOON.timestamp()) * 1_000_000 + 3


async def test_the_file_is_durable_and_one_process_only(database: Database, url: str) -> None:
    modes = await database.run(
        lambda connection: [
            connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")
        ]
    )
    assert modes == ["wal", 2]
    with pytest.raises(StateUnwritable, match="cannot be used"):
        await Database.open(url)
    count = await database.run(lambda c: c.scalar(select(func.count()).select_from(EVENTS)))
    assert count == 0


async def test_another_schema_is_refused(url: str) -> None:
    database = await Database.open(url)
    await database.run(lambda connection: connection.execute(update(META).values(value=99)))
    await database.close()
    with pytest.raises(StateUnwritable, match="schema 99"):
        await Database.open(url)


async def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"not a database" * 500)
    with pytest.raises(StateUnwritable):
        await Database.open(f"sqlite:///{garbage}")
    assert garbage.read_bytes().startswith(b"not a database")
    with pytest.raises(StateUnwritable):
        await Database.open(f"sqlite:///{tmp_path / 'no such folder' / 'x.db'}")
    for wrong in ("nonsense", "postgresql://localhost/x"):
        with pytest.raises(Misconfigured):
            await Database.open(wrong)
