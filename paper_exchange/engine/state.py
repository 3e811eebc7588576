"""An account as the fold of its events: one writer changes it, by evolve alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from common.ids import AccountId, OrderId
from common.money import ZERO, Dollars, Price, Qty
from paper_exchange.engine.ledger import Book, Ledger
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import PositionState


@dataclass(slots=True, kw_only=True)
class AccountState:
    """Mutable, and mutated by evolve only. orders: all ever, by id, oldest first.

    working: ids of orders not ended, also by each symbol they trade. last_equity: at the
    end of the last day, before the first one the opening cash. marks: closing prices of
    what was held over night. fee_accruals: the fees of fee_day so far by kind, exact.
    """

    id: AccountId
    number: str = ""
    options_level: int = 0
    opened_at: datetime | None = None
    ledger: Ledger = field(default_factory=Ledger)
    positions: dict[str, PositionState] = field(default_factory=dict)
    orders: dict[OrderId, OrderState] = field(default_factory=dict)
    working: dict[OrderId, None] = field(default_factory=dict)
    working_by_symbol: dict[str, dict[OrderId, None]] = field(default_factory=dict)
    client_ids: dict[str, OrderId] = field(default_factory=dict)
    last_equity: Dollars = ZERO
    last_maintenance_margin: Dollars = ZERO
    last_day: date | None = None
    marks: dict[str, Price] = field(default_factory=dict)
    fee_day: date | None = None
    fee_accruals: tuple[Decimal, ...] = ()

    @property
    def cash(self) -> Dollars:
        """Dollars in the account, what working orders reserve included."""
        return self.ledger.balance(Book.CASH) + self.ledger.balance(Book.HELD)

    @property
    def held(self) -> Dollars:
        """Dollars that working orders reserve."""
        return self.ledger.balance(Book.HELD)

    def working_orders(self) -> Iterator[OrderState]:
        """Yield the orders not ended, oldest first."""
        return (self.orders[order_id] for order_id in self.working)

    def working_in(self, symbol: str) -> Iterator[OrderState]:
        """Yield the orders not ended that trade a symbol, oldest first."""
        return (self.orders[order_id] for order_id in self.working_by_symbol.get(symbol, ()))

    def work(self, order: OrderState) -> None:
        """Note a new order."""
        self.orders[order.id] = order
        self.client_ids[order.client_order_id] = order.id
        self.working[order.id] = None
        for symbol in order.symbols:
            self.working_by_symbol.setdefault(symbol, {})[order.id] = None

    def rest(self, order: OrderState) -> None:
        """Note that an order has ended."""
        del self.working[order.id]
        for symbol in order.symbols:
            ids = self.working_by_symbol[symbol]
            del ids[order.id]
            if not ids:
                del self.working_by_symbol[symbol]

    def qty(self, symbol: str) -> Qty:
        """Return the signed holding in a symbol, 0 for none."""
        position = self.positions.get(symbol)
        return position.qty if position else ZERO
