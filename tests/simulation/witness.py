"""The witness: folds every event a second time, as it would be read back, and compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from common.ids import AccountId, OrderId
from common.quotes import Quote
from paper_exchange.engine import account as engine
from paper_exchange.engine.events import (
    AccountReset,
    DayEnded,
    Ending,
    OptionEnded,
    OrderAccepted,
    OrderFilled,
    Record,
)
from paper_exchange.engine.margin import excess
from paper_exchange.engine.market import Market
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.state import AccountState
from tests.simulation.journal import read_back
from tests.simulation.ledger_checks import (
    check_books,
    check_cover,
    check_fill,
    check_groups,
    check_orders,
    differences,
    of_event,
    regressed,
    require,
)

fold = engine.evolve  # as the product has it, whatever a mutant does to those who call it


class Prices(Protocol):
    """What the witness asks of the world: the quotes of now."""

    def quotes_now(self) -> Mapping[str, Quote | None]:
        """Return every standing quote."""
        ...

    def market_of(self, state: AccountState, at: datetime) -> Market:
        """Return what marking an account needs."""
        ...

    def close_of(self, day: date) -> Decimal:
        """Return what SPY closed a day at."""
        ...


class Witness:
    """Accounts by the journal alone, and what clients have been told."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.accounts: dict[AccountId, AccountState] = {}
        self.kinds: dict[str, int] = {}
        self.last = 0
        self._resets: Counter[AccountId] = Counter()
        self._seen: dict[tuple[AccountId, OrderId], tuple[int, OrderState]] = {}
        self._refused: set[tuple[AccountId, str]] = set()

    def observe(self, batch: Sequence[Record]) -> None:
        """Fold a batch as it is appended, checking after each of its events."""
        account = batch[0].account_id
        state = self.accounts.setdefault(account, AccountState(id=account))
        before = self._power(state, batch)
        for record in batch:
            self._event(state, read_back(record))
            if isinstance(record.event, OptionEnded) and record.event.ending is Ending.ASSIGNED:
                before = self._power(state, batch)  # nobody is asked whether it can be borne
        after = self._power(state, batch)
        forced = any(_liquidates(state, record) for record in batch)
        paid = forced or after >= 0 or after >= before
        require(paid, f"buying power fell from {before} to {after}")
        check_cover(state)
        check_groups(state)

    def _power(self, state: AccountState, batch: Sequence[Record]) -> Decimal:
        """Return the equity free, shares of what was delivered at the day's official close."""
        market = self._prices.market_of(state, batch[0].event.at)
        last = batch[-1].event
        if isinstance(last, DayEnded):
            marks = {"SPY": self._prices.close_of(last.day)}
            return excess(state, market, marks=marks)
        return excess(state, market)

    def restart(self, durable: Iterable[Record]) -> None:
        """Forget what was not durable; the numbers of what was have no gap."""
        self.accounts, self.last = {}, 0
        self._resets.clear()
        for record in durable:
            self._number(record)
            self._resets[record.account_id] += isinstance(record.event, AccountReset)
            state = self.accounts.setdefault(record.account_id, AccountState(id=record.account_id))
            fold(state, read_back(record).event)
        for state in self.accounts.values():
            check_books(state)
            check_orders(state)
        self._check_promises()

    def compare(self, states: Iterable[AccountState]) -> None:
        """The product's memory is the fold of the journal."""
        actual = {state.id: state for state in states}
        require(actual.keys() == self.accounts.keys(), "accounts are missing or made up")
        for account, state in actual.items():
            wrong = differences(state, self.accounts[account])
            require(not wrong, f"memory is not the replay of its events: {wrong}")

    def told(self, account: AccountId, order: OrderState) -> None:
        """Remember what a client saw: from now on it may not be undone."""
        state = self.accounts.get(account)
        if state is None or order.id not in state.orders:
            require(self._resets[account] > 0, f"told of {order.id}, which never was")
            return
        _, before = self._seen.get((account, order.id), (0, None))
        if before is None or regressed(before, order) is None:
            self._seen[account, order.id] = (self._resets[account], order)

    def refused(self, account: AccountId, client_order_id: str) -> None:
        """Remember a definite no: no such order may ever appear."""
        self._refused.add((account, client_order_id))

    def _event(self, state: AccountState, record: Record) -> None:
        self._number(record)
        event = record.event
        name = of_event(event)
        self._resets[record.account_id] += isinstance(event, AccountReset)
        self.kinds[name] = self.kinds.get(name, 0) + 1
        if isinstance(event, OrderFilled):
            check_fill(event, state, self._prices.quotes_now())
        if isinstance(event, OrderAccepted):
            named = event.order.client_order_id
            require(named not in state.client_ids, f"{named} was accepted twice")
            require((state.id, named) not in self._refused, f"{named} was refused and exists")
        fold(state, event)
        check_books(state)
        check_orders(state)

    def _number(self, record: Record) -> None:
        require(record.seq == self.last + 1, f"event {record.seq} follows {self.last}")
        self.last = record.seq

    def _check_promises(self) -> None:
        for (account, order_id), (resets, seen) in self._seen.items():
            if resets < self._resets[account]:
                continue  # forgotten, as was asked for
            state = self.accounts.get(account)
            now = state.orders.get(order_id) if state is not None else None
            lost = regressed(seen, now)
            require(lost is None, f"a client was told of {order_id} as {seen.status}, but {lost}")


def _liquidates(state: AccountState, record: Record) -> bool:
    """Whether the exchange closes something here, whatever that costs."""
    event = record.event
    return isinstance(event, OrderFilled) and state.orders[event.order_id].liquidation
