"""What an account was worth at any past instant: its movements replayed, marked at the market."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from common.contracts import multiplier
from common.money import ZERO, Dollars, Price, Qty, cent
from common.quotes import Quote
from paper_exchange.engine.delivery import option
from paper_exchange.engine.events import Event, OptionEnded, OrderFilled
from paper_exchange.engine.ledger import Book
from paper_exchange.engine.market import mark_of
from paper_exchange.venue.views import History

Quotes = Callable[[Sequence[str], datetime], Sequence[Quote | None]]


class EquityCurve:
    """Asked in the order of time: each answer starts from where the last one left off."""

    def __init__(self, history: History, quotes: Quotes) -> None:
        self._movements = [event for event, _ in history.movements]
        self._quotes = quotes
        self._next = 0
        self._cash = ZERO
        self._held: dict[str, tuple[Qty, Price]] = {}

    def at(self, at: datetime) -> Dollars:
        """Return cash and the marks of all that was held at an instant."""
        while self._next < len(self._movements) and self._movements[self._next].at <= at:
            self._move(self._movements[self._next])
            self._next += 1
        symbols = tuple(self._held)
        worth = self._cash
        for symbol, quote in zip(symbols, self._quotes(symbols, at), strict=True):
            qty, otherwise = self._held[symbol]
            worth += cent(qty * multiplier(symbol) * mark_of(quote, otherwise))
        return worth

    def _move(self, event: Event) -> None:
        if isinstance(event, OrderFilled):
            for fill in event.fills:
                self._hold(fill.symbol, fill.position_qty, fill.price)
        elif isinstance(event, OptionEnded):
            contract = option(event.symbol)
            self._change(event.symbol, -event.qty, ZERO)
            self._change(contract.underlying, event.shares, contract.strike)
        self._cash += sum(
            (
                entry.amount
                for entry in getattr(event, "posting", ())
                if entry.book in (Book.CASH, Book.HELD)
            ),
            ZERO,
        )

    def _change(self, symbol: str, by: Qty, price: Price) -> None:
        qty, before = self._held.get(symbol, (ZERO, price))
        self._hold(symbol, qty + by, before)

    def _hold(self, symbol: str, qty: Qty, price: Price) -> None:
        if qty:
            self._held[symbol] = (qty, price)
        else:
            self._held.pop(symbol, None)
