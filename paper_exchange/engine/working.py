"""What working orders mean together, kept as they change so that no decision walks them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from common.ids import OrderId
from common.money import ZERO, Qty
from common.orders import Side
from paper_exchange.engine.orders import GROUPS, OrderState
from paper_exchange.engine.positions import contract_of


@dataclass(frozen=True, slots=True)
class Working:
    """Derived from the working orders of an account; each of them is put as it changes.

    simple: orders in one symbol by it and their side. options: orders in options by what
    these are on. grouped: those of a bracket, OCO or OTO. claims: what will be taken off each
    holding, unsigned. leaving: shares and coins that will be sold, unsigned, from holdings or
    short.
    """

    simple: dict[tuple[str, Side], dict[OrderId, None]] = field(default_factory=dict)
    options: dict[str, dict[OrderId, None]] = field(default_factory=dict)
    claims: dict[str, Qty] = field(default_factory=dict)
    leaving: dict[str, Qty] = field(default_factory=dict)
    grouped: dict[OrderId, None] = field(default_factory=dict)

    def put(self, before: OrderState | None, after: OrderState) -> None:
        """Take note of an order as it is now; before: as it was last put, None at first."""
        if before is None:
            self._enter(after)
        else:
            self._count(before, -1)
        if after.status.terminal:
            self._leave(after)
        else:
            self._count(after, 1)

    def without(self, order: OrderState) -> Working:
        """Return what would be, had a working order never been; this stays as it is."""
        other = Working(
            dict(self.simple),
            dict(self.options),
            dict(self.claims),
            dict(self.leaving),
            dict(self.grouped),
        )
        key = (order.symbol, order.side or Side.BUY)
        if key in other.simple:
            other.simple[key] = dict(other.simple[key])
        if (underlying := _underlying(order)) is not None:
            other.options[underlying] = dict(other.options[underlying])
        other._count(order, -1)
        other._leave(order)
        return other

    def opposing(self, symbol: str, side: Side) -> Iterable[OrderId]:
        """Return the orders in one symbol on the other side, oldest first."""
        return self.simple.get((symbol, side.opposite), ())

    def _enter(self, order: OrderState) -> None:
        if not order.legs:
            key = (order.symbol, order.side or Side.BUY)
            self.simple.setdefault(key, {})[order.id] = None
        if (underlying := _underlying(order)) is not None:
            self.options.setdefault(underlying, {})[order.id] = None
        if order.order_class in GROUPS:
            self.grouped[order.id] = None

    def _leave(self, order: OrderState) -> None:
        if not order.legs:
            del self.simple[order.symbol, order.side or Side.BUY][order.id]
        if (underlying := _underlying(order)) is not None:
            del self.options[underlying][order.id]
        self.grouped.pop(order.id, None)

    def _count(self, order: OrderState, sign: int) -> None:
        for symbol, qty in order.closing().items():
            _add(self.claims, symbol, sign * qty)
        if order.side is Side.SELL and contract_of(order.symbol) is None:
            for symbol, qty in order.changes().items():
                _add(self.leaving, symbol, sign * -qty)


def _add(totals: dict[str, Qty], symbol: str, qty: Qty) -> None:
    total = totals.get(symbol, ZERO) + qty
    if total:
        totals[symbol] = total
    else:
        totals.pop(symbol, None)


def _underlying(order: OrderState) -> str | None:
    """Return what the options of an order are on, None for shares and coins."""
    contract = contract_of(order.legs[0].symbol if order.legs else order.symbol)
    return None if contract is None else contract.underlying
