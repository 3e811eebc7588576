"""Working orders of all accounts, arranged so that a quote touches only what it may fire.

Simple orders wait per symbol and side, best limit first, then the earlier one; multi-leg
orders in one list, for their net depends on several quotes. Orders that wait for a session
and orders whose time runs out are kept by when. All of it follows from the accounts' states
and a new book is built from them at any time.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from common.ids import AccountId, OrderId
from common.money import ZERO
from common.orders import Side
from common.quotes import Quote
from paper_exchange.engine.matching import marketable, touch
from paper_exchange.engine.orders import OrderState, Status

_ALWAYS: Final = Decimal("-Infinity")  # the place of market orders, ahead of every limit


class Ref(NamedTuple):
    """Where an order is found."""

    account: AccountId
    order: OrderId


class _Place(NamedTuple):
    """An order's place in its queue: the limit (negated for buys), then its arrival."""

    key: Decimal
    arrival: int
    ref: Ref


class Book:
    """Fed with every order that works or no longer does; built from working ones, oldest first."""

    def __init__(self, orders: Iterable[tuple[AccountId, OrderState]] = ()) -> None:
        self._arrivals = 0
        self._queues: dict[tuple[str, Side], list[_Place]] = {}
        self._places: dict[OrderId, tuple[tuple[str, Side], _Place]] = {}
        self._spreads: dict[OrderId, tuple[Ref, OrderState]] = {}
        self._waiting: dict[OrderId, Ref] = {}
        self._deadlines: list[tuple[datetime, Ref]] = []
        for account, order in orders:
            self.put(account, order)

    def put(self, account: AccountId, order: OrderState) -> None:
        """Take note of an order as it is now."""
        if order.status.terminal:
            self._remove(order.id)
            return
        ref = Ref(account, order.id)
        if not self._knows(order.id) and order.expires_at is not None:
            heapq.heappush(self._deadlines, (order.expires_at, ref))
        if order.status is Status.ACCEPTED:
            self._waiting[order.id] = ref
            return
        self._waiting.pop(order.id, None)
        if order.is_mleg:
            self._spreads[order.id] = (ref, order)
        elif order.id not in self._places:
            self._enqueue(order, ref)

    def symbols(self) -> list[str]:
        """Return what working orders need quotes of."""
        symbols = {symbol for symbol, _ in self._queues}
        symbols.update(s for _, order in self._spreads.values() for s in order.symbols)
        return sorted(symbols)

    def fired(self, quotes: Mapping[str, Quote | None]) -> list[Ref]:
        """Return the orders that the quotes may fill, best first in each queue."""
        found: list[Ref] = []
        for (symbol, side), queue in self._queues.items():
            quote = quotes.get(symbol)
            if quote is not None:
                found += (place.ref for place in _crossed(queue, side, quote))
        for ref, order in self._spreads.values():
            at = touch(order, quotes)
            if at is not None and marketable(order, at):
                found.append(ref)
        return found

    def waiting(self) -> tuple[Ref, ...]:
        """Return the orders queued for a session to open, oldest first."""
        return tuple(self._waiting.values())

    def due(self, now: datetime) -> Iterator[Ref]:
        """Yield, once each, the orders whose time has run out; ended ones among them."""
        while self._deadlines and self._deadlines[0][0] <= now:
            yield heapq.heappop(self._deadlines)[1]

    def _knows(self, order_id: OrderId) -> bool:
        return order_id in self._waiting or order_id in self._places or order_id in self._spreads

    def _enqueue(self, order: OrderState, ref: Ref) -> None:
        side = order.side or Side.BUY
        limit = order.limit_price
        key = _ALWAYS if limit is None else -limit if side is Side.BUY else limit
        self._arrivals += 1
        place = _Place(key, self._arrivals, ref)
        queue = (order.symbol, side)
        insort(self._queues.setdefault(queue, []), place)
        self._places[order.id] = (queue, place)

    def _remove(self, order_id: OrderId) -> None:
        self._waiting.pop(order_id, None)
        self._spreads.pop(order_id, None)
        queued = self._places.pop(order_id, None)
        if queued is None:
            return
        name, place = queued
        queue = self._queues[name]
        del queue[bisect_left(queue, place)]
        if not queue:
            del self._queues[name]


def _crossed(queue: list[_Place], side: Side, quote: Quote) -> Iterator[_Place]:
    """Yield the head of a queue as far as the touch reaches."""
    price = quote.ask if side is Side.BUY else quote.bid
    if price <= ZERO:
        return
    reach = -price if side is Side.BUY else price
    for place in queue:
        if place.key > reach:
            return
        yield place
