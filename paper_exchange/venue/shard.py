"""The one writer of a shard: decide, apply, queue the commit; tell nobody before it is done.

Memory is ahead of the disk by what is being committed, and every command sees the one
before it. If a commit fails, memory holds what may never have happened: the shard stops,
refuses everything, and rebuilds itself from the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from common.ids import AccountId, OrderId
from paper_exchange.engine.account import decide, evolve
from paper_exchange.engine.commands import Command
from paper_exchange.engine.events import (
    AccountConfigured,
    AccountOpened,
    AccountReset,
    DayEnded,
    Event,
    ExerciseDeclined,
    OptionEnded,
    OrderAccepted,
    Record,
)
from paper_exchange.engine.market import Market
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.refusals import not_found, unavailable
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.updates import OrderUpdate, update_of
from paper_exchange.store.journal import Commit, Journal, JournalFailed
from paper_exchange.venue.book import Book

logger = logging.getLogger(__name__)

Publish: TypeAlias = Callable[[AccountId, OrderUpdate], None]


class Shard:
    """Accounts, their book of working orders, and the number of the last event."""

    def __init__(self, journal: Journal, publish: Publish, number: int = 0) -> None:
        self._journal, self._publish, self._number = journal, publish, number
        self._accounts: dict[AccountId, AccountState] = {}
        self._last: dict[AccountId, Commit] = {}
        self._seq = 0
        self._running = False
        self._loading = asyncio.Lock()
        self.book = Book()

    @property
    def running(self) -> bool:
        """Whether commands are taken; not before the first load, nor after a failed commit."""
        return self._running

    @property
    def accounts(self) -> Sequence[AccountState]:
        """Every account, as it stands in memory."""
        return tuple(self._accounts.values())

    def knows(self, account: AccountId) -> bool:
        """Whether an account exists."""
        return account in self._accounts

    def account(self, account: AccountId) -> AccountState:
        """Return an account as it stands in memory: show nothing of it before committed()."""
        if not self._running:
            raise unavailable()
        state = self._accounts.get(account)
        if state is None:
            raise not_found("account not found")
        return state

    async def load(self) -> None:
        """Rebuild everything from the journal and run; JournalFailed leaves it stopped.

        A running shard is left alone: whoever came second has nothing to rebuild.
        """
        async with self._loading:
            if not self._running:
                await self._rebuild()

    def open(self, account: AccountId, command: Command, market: Market, now: datetime) -> Commit:
        """Let an account begin; its first event."""
        if not self._running:
            raise unavailable()
        state = AccountState(id=account)
        events = decide(state, command, market, now)
        self._accounts[account] = state
        return self._apply(state, events)

    def do(
        self, account: AccountId, command: Command, market: Market, now: datetime
    ) -> tuple[Sequence[Event], Commit | None]:
        """Carry out a command in memory; return its events, and what to wait for.

        Raises Refused, the exchange's unavailability included.
        """
        state = self.account(account)
        events = decide(state, command, market, now)
        return events, self._apply(state, events) if events else self._last.get(account)

    async def committed(self, commit: Commit | None) -> None:
        """Wait until what was done is durable; Refused when that is not known."""
        if commit is None:
            return
        try:
            await asyncio.shield(commit)
        except JournalFailed:
            raise unavailable() from None

    async def settled(self, account: AccountId) -> None:
        """Wait until everything done to an account so far is durable."""
        await self.committed(self._last.get(account))

    async def _rebuild(self) -> None:
        records = await self._journal.load(self._number)
        accounts: dict[AccountId, AccountState] = {}
        for record in records:
            state = accounts.setdefault(record.account_id, AccountState(id=record.account_id))
            evolve(state, record.event)
        self._accounts, self._last = accounts, {}
        self._seq = records[-1].seq if records else 0
        self.book = Book(
            (state.id, order) for state in accounts.values() for order in state.working_orders()
        )
        self._running = True
        logger.info("shard %d stands at event %d", self._number, self._seq)

    def _apply(self, state: AccountState, events: Sequence[Event]) -> Commit:
        updates: list[OrderUpdate] = []
        touched: dict[OrderId, OrderState] = {}  # as each stands at last
        whole = False
        try:
            records = [self._evolve(state, event, updates, touched) for event in events]
            for order in touched.values():
                self.book.put(state.id, order)
            commit = self._journal.append(records)
            whole = True
        finally:
            if not whole:  # a bug half way: memory can no longer be trusted
                self._stop("an event could not be applied")
        commit.add_done_callback(lambda done: self._committed(state.id, done, updates))
        self._last[state.id] = commit
        return commit

    def _evolve(
        self,
        state: AccountState,
        event: Event,
        updates: list[OrderUpdate],
        touched: dict[OrderId, OrderState],
    ) -> Record:
        evolve(state, event)
        self._seq += 1
        if (order_id := _order_id(event)) is not None:
            order = touched[order_id] = state.orders[order_id]
            update = update_of(state.id, event, order, f"{self._number:04d}{self._seq:022d}")
            if update is not None:
                updates.append(update)
        return Record(shard=self._number, seq=self._seq, account_id=state.id, event=event)

    def _committed(self, account: AccountId, commit: Commit, updates: list[OrderUpdate]) -> None:
        if commit.cancelled() or commit.exception() is not None:
            self._stop("a commit failed")
            return
        if self._last.get(account) is commit:
            del self._last[account]
        for update in updates:
            self._publish(account, update)

    def _stop(self, why: str) -> None:
        if self._running:
            logger.error("shard %d stops at event %d: %s", self._number, self._seq, why)
        self._running = False


def _order_id(event: Event) -> OrderId | None:
    match event:
        case (
            AccountOpened()
            | AccountReset()
            | AccountConfigured()
            | DayEnded()
            | OptionEnded()
            | ExerciseDeclined()
        ):
            return None
        case OrderAccepted():
            return event.order.id
        case _:
            return event.order_id
