"""The exchange's journal, read while the exchange is dead and checked event by event.

The events are folded by the engine's own evolve, but what must hold of the sums is added up
here anew: an error in the ledger must not vouch for itself.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from common.contracts import OptionContract
from common.ids import AccountId
from paper_exchange.engine.account import evolve
from paper_exchange.engine.events import (
    Event,
    OptionEnded,
    OrderAccepted,
    OrderFilled,
    decode,
)
from paper_exchange.engine.ledger import Book, Entry
from paper_exchange.engine.state import AccountState

Figures: TypeAlias = tuple[Decimal, frozenset[tuple[str, Decimal]]]  # cash, and qty by symbol


class Violated(AssertionError):
    """Something that was promised did not hold."""


def require(holds: bool, what: str) -> None:
    """Raise Violated unless it holds."""
    if not holds:
        raise Violated(what)


@dataclass
class Seen:
    """What one account went through, added up apart from the engine."""

    client_ids: Counter[str] = field(default_factory=Counter)
    books: dict[Book, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    held: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    figures: set[Figures] = field(default_factory=set)  # since the last reading


class Journal:
    """Follows a journal from reading to reading; what was read once may never change."""

    def __init__(self) -> None:
        self.states: dict[AccountId, AccountState] = {}
        self.events = 0
        self._seen: dict[AccountId, Seen] = {}

    def read(self, database: Path, scratch: Path) -> None:
        """Take in what is new, from a copy: the exchange must find its file as it fell."""
        for seen in self._seen.values():
            seen.figures.clear()
        for state in self.states.values():
            self._seen[state.id].figures.add(figures(state))
        for seq, account, body in self._rows(database, scratch):
            self.events += 1
            require(seq == self.events, f"event {self.events} is numbered {seq}")
            self._take(AccountId(account), decode(body))
        for state in self.states.values():
            self._balance(state)

    def passed(self, account: AccountId, observed: Figures) -> bool:
        """Whether an account stood so at any time from the reading before to the last."""
        return observed in self._seen[account].figures

    def _rows(self, database: Path, scratch: Path) -> Iterator[tuple[int, str, bytes]]:
        for part in ("", "-wal"):
            source = database.with_name(database.name + part)
            if source.exists():
                shutil.copyfile(source, scratch.with_name(scratch.name + part))
        connection = sqlite3.connect(scratch)
        try:
            query = "SELECT COUNT(*) FROM events WHERE seq <= ?"
            (kept,) = connection.execute(query, (self.events,)).fetchone()
            require(kept == self.events, f"of {self.events} events read before, {kept} are left")
            query = "SELECT seq, account_id, body FROM events WHERE seq > ? ORDER BY seq"
            yield from connection.execute(query, (self.events,))
        finally:
            connection.close()
            scratch.unlink()
            for part in ("-wal", "-shm"):
                scratch.with_name(scratch.name + part).unlink(missing_ok=True)

    def _take(self, account: AccountId, event: Event) -> None:
        seen = self._seen.setdefault(account, Seen())
        state = self.states.setdefault(account, AccountState(id=account))
        if isinstance(event, OrderAccepted):
            name = event.order.client_order_id
            seen.client_ids[name] += 1
            require(seen.client_ids[name] == 1, f"client_order_id {name} was accepted twice")
        posting: tuple[Entry, ...] = getattr(event, "posting", ())
        leak = sum((entry.amount for entry in posting), Decimal(0))
        require(leak == 0, f"a posting leaks {leak}: {event}")
        for entry in posting:
            seen.books[entry.book] += entry.amount
        for symbol, qty in _moved(event):
            seen.held[symbol] += qty
        evolve(state, event)
        seen.figures.add(figures(state))

    def _balance(self, state: AccountState) -> None:
        """Require that money and holdings are where the sum of all events put them."""
        seen = self._seen[state.id]
        books, working = seen.books, list(state.working_orders())
        require(sum(books.values()) == 0, f"the books of {state.id} do not sum to zero: {books}")
        require(dict(state.ledger.balances) == {b: books[b] for b in Book}, "the ledger drifted")
        held = sum((order.hold for order in working), Decimal(0))
        require(books[Book.HELD] == held, f"held {books[Book.HELD]}, orders reserve {held}")
        cost = sum((position.cost for position in state.positions.values()), Decimal(0))
        require(books[Book.POSITIONS] == cost, f"{books[Book.POSITIONS]} at cost, not {cost}")
        summed = {symbol: qty for symbol, qty in seen.held.items() if qty}
        holdings = {symbol: position.qty for symbol, position in state.positions.items()}
        require(holdings == summed, f"holdings {holdings} are not the sum of fills {summed}")
        require(not any(order.status.terminal for order in working), "an ended order works")


def figures(state: AccountState) -> Figures:
    """Return what of an account a client can read back exactly."""
    holdings = ((symbol, position.qty) for symbol, position in state.positions.items())
    return state.cash, frozenset(holdings)


def _moved(event: Event) -> Iterable[tuple[str, Decimal]]:
    match event:
        case OrderFilled():
            return [(fill.symbol, fill.qty * fill.side.sign) for fill in event.fills]
        case OptionEnded():
            underlying = OptionContract.from_occ(event.symbol).underlying
            return [(event.symbol, -event.qty), (underlying, event.shares)]
        case _:
            return []
