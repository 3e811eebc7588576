"""A whole exchange without its sockets, and a journal that obeys a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.ids import AccountId, RandomIds
from common.orders import OrderType, Side, TimeInForce
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.events import Record, decode, encode
from paper_exchange.engine.market import Rules
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.feed.calendar import Calendar
from paper_exchange.hub import Hub
from paper_exchange.store.database import Database
from paper_exchange.store.journal import Commit, Journal, JournalFailed, SqlJournal
from paper_exchange.venue.markets import Markets
from paper_exchange.venue.pulse import Pulse
from paper_exchange.venue.shard import Shard
from paper_exchange.venue.venue import Venue
from tests.paper_exchange.builders import ME, NOON, Board, DayClock

CALENDAR = Calendar()


class ToldJournal:
    """A journal in memory whose commits happen, or fail, when a test says so."""

    def __init__(self, *, obliging: bool = True) -> None:
        self.durable: list[Record] = []
        self.obliging = obliging  # commits everything at once
        self.unreadable = False
        self._waiting: list[tuple[Sequence[Record], Commit]] = []

    def append(self, batch: Sequence[Record]) -> Commit:
        """Keep a batch waiting."""
        commit: Commit = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, commit))
        if self.obliging:
            asyncio.get_running_loop().call_soon(self.commit)
        return commit

    def commit(self) -> None:
        """Make what waits durable."""
        waiting, self._waiting = self._waiting, []
        for batch, commit in waiting:
            self.durable += batch
            commit.set_result(None)

    def fail(self) -> None:
        """Lose what waits."""
        waiting, self._waiting = self._waiting, []
        for _, commit in waiting:
            commit.set_exception(JournalFailed("disk full"))

    async def load(self, shard: int) -> list[Record]:
        """Return what is durable, as it reads back."""
        if self.unreadable:
            raise JournalFailed("input/output error")
        return [
            Record(shard=r.shard, seq=r.seq, account_id=r.account_id, event=decode(encode(r.event)))
            for r in self.durable
        ]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """The parts, wired."""

    board: Board
    clock: DayClock
    hub: Hub[OrderUpdate]
    shard: Shard
    venue: Venue
    pulse: Pulse

    def order(
        self,
        symbol: str = "AAPL",
        qty: int = 1,
        limit: str | None = None,
        side: Side = Side.BUY,
        client_order_id: str | None = None,
    ) -> SubmitOrder:
        """Return a simple day order."""
        return SubmitOrder(
            order_id=self.venue.new_order_id(),
            symbol=symbol,
            side=side,
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            qty=Decimal(qty),
            limit_price=None if limit is None else Decimal(limit),
            client_order_id=client_order_id,
        )


async def opened(
    journal: Journal,
    *,
    at: datetime = NOON,
    rules: Rules | None = None,
    account: AccountId = ME,
    cash: int = 100_000,
) -> Exchange:
    """Return an exchange on a journal, with one account open."""
    board, clock, hub = Board(), DayClock(at), Hub[OrderUpdate]()
    shard = Shard(journal, hub.publish)
    markets = Markets(board, CALENDAR, clock, rules or Rules())
    exchange = Exchange(
        board=board,
        clock=clock,
        hub=hub,
        shard=shard,
        venue=Venue(shard, markets, clock, RandomIds()),
        pulse=Pulse(shard, markets, board, CALENDAR, clock),
    )
    await shard.load()
    await exchange.venue.open_account(account, cash=Decimal(cash))
    return exchange


@asynccontextmanager
async def on_disk(url: str, *, at: datetime = NOON) -> AsyncIterator[Exchange]:
    """Open an exchange on a database file, and close it in order."""
    database = await Database.open(url)
    try:
        yield await opened(SqlJournal(database), at=at)
    finally:
        await database.close()
