"""An account as the fold of its events: one writer changes it, by evolve alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from common.ids import AccountId, OrderId
from common.money import ZERO, Dollars, Price, Qty
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.events import Event
from paper_exchange.engine.ledger import Book, Ledger
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import PositionState
from paper_exchange.engine.working import Working

# Asked for several times an order; before Python 3.12 naming a member of an enum is slow.
_CASH: Final = Book.CASH
_HELD: Final = Book.HELD


@dataclass(slots=True, kw_only=True)
class AccountState:
    """Mutable, and mutated by evolve only. orders: all ever, by id, oldest first.

    working: ids of orders not ended; together: what they add up to. last_equity: at the end
    of the last day, before the first one the opening cash. marks: closing prices of what was
    held over night.
    fee_accruals: the fees of fee_day so far by kind, exact. declined: options not to be
    exercised when they expire. movements: every event that moved cash or holdings, oldest
    first, with the order it filled as it stood after it.
    """

    id: AccountId
    number: str = ""
    options_level: int = 0
    opened_at: datetime | None = None
    ledger: Ledger = field(default_factory=Ledger)
    positions: dict[str, PositionState] = field(default_factory=dict)
    orders: dict[OrderId, OrderState] = field(default_factory=dict)
    working: dict[OrderId, None] = field(default_factory=dict)
    together: Working = field(default_factory=Working)
    client_ids: dict[str, OrderId] = field(default_factory=dict)
    last_equity: Dollars = ZERO
    last_maintenance_margin: Dollars = ZERO
    last_day: date | None = None
    marks: dict[str, Price] = field(default_factory=dict)
    fee_day: date | None = None
    fee_accruals: tuple[Decimal, ...] = ()
    configuration: Configuration = field(default_factory=Configuration)
    declined: set[str] = field(default_factory=set)
    movements: list[tuple[Event, OrderState | None]] = field(default_factory=list)

    @property
    def cash(self) -> Dollars:
        """Dollars in the account, what working orders reserve included."""
        balances = self.ledger.balances
        return balances[_CASH] + balances[_HELD]

    @property
    def held(self) -> Dollars:
        """Dollars that working orders reserve."""
        return self.ledger.balances[_HELD]

    @property
    def options_trading_level(self) -> int:
        """The level in force: what is approved, within the owner's own bound."""
        bound = self.configuration.max_options_trading_level
        return self.options_level if bound is None else min(self.options_level, bound)

    def working_orders(self) -> Iterator[OrderState]:
        """Yield the orders not ended, oldest first."""
        return (self.orders[order_id] for order_id in self.working)

    def qty(self, symbol: str) -> Qty:
        """Return the signed holding in a symbol, 0 for none."""
        position = self.positions.get(symbol)
        return position.qty if position else ZERO
