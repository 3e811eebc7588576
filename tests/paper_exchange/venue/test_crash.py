"""kill -9 in the middle of writing: what was acknowledged is there, once, and adds up."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from common.ids import AccountId
from common.money import ZERO
from paper_exchange.engine.events import OrderAccepted
from paper_exchange.engine.ledger import Book
from paper_exchange.store.database import Database
from paper_exchange.store.journal import SqlJournal
from tests.paper_exchange.venue.exchange import opened

ROOT = Path(__file__).parents[3]


def _killed_after(url: str, lines: int) -> list[tuple[str, str]]:
    """Run the writer until it has acknowledged so many orders, kill it, return them all."""
    command = [sys.executable, "-m", "tests.paper_exchange.venue.writer", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [
        (account, order) for account, order in (line.split() for line in told if line[-1:] == "\n")
    ]


@pytest.mark.crash
@pytest.mark.parametrize("seed", range(3))
async def test_every_acknowledged_order_survives_once(tmp_path: Path, seed: int) -> None:
    url = f"sqlite:///{tmp_path / 'exchange.db'}"
    rounds = [_killed_after(url, random.Random(seed).randint(5, 300)) for _ in range(2)]
    acknowledged = [pair for told in rounds for pair in told]

    database = await Database.open(url)
    journal = SqlJournal(database)
    records = await journal.load(0)
    exchange = await opened(journal)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    written = Counter(
        record.event.order.id for record in records if isinstance(record.event, OrderAccepted)
    )
    assert set(written.values()) == {1}
    for account, order_id in acknowledged:
        assert exchange.shard.account(AccountId(account)).orders[order_id].id == order_id  # type: ignore[index]
    for state in exchange.shard.accounts:
        books = state.ledger.balances
        assert sum(books.values(), ZERO) == 0
        assert books[Book.FUNDING] == -10_000_000
        assert books[Book.HELD] == sum((o.hold for o in state.working_orders()), ZERO)
        bought = sum((o.filled_qty * o.side.sign for o in state.orders.values() if o.side), ZERO)
        assert state.qty("AAPL") == bought
    await database.close()
