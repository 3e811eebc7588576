"""Working orders of all accounts, arranged so that a quote touches only what it may fire.

Simple orders wait per symbol and side in three kinds of queue, each in the order in which
prices reach it: limits, stops, and the marks of trails. Of equal ones the earlier comes first.
Multi-leg orders are in one list, for their net depends on several quotes. Orders that wait for
a session and orders whose time runs out are kept by when. All of it follows from the accounts'
states and a new book is built from them at any time.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from common.ids import AccountId, OrderId
from common.money import ZERO
from common.orders import OrderType, Side
from common.quotes import Quote
from paper_exchange.engine.matching import marketable, touch
from paper_exchange.engine.orders import OrderState, Status

_ALWAYS: Final = Decimal("-Infinity")  # the place of what any price reaches, ahead of all


class Kind(IntEnum):
    """What of an order a price is compared with."""

    LIMIT = 0
    STOP = 1
    MARK = 2

    def falling(self, side: Side) -> bool:
        """Whether a falling price reaches it: the limit of a buy, the stop of a sale."""
        return (side is Side.BUY) is not (self is Kind.STOP)


Queue: TypeAlias = tuple[str, Side, Kind]


class Ref(NamedTuple):
    """Where an order is found."""

    account: AccountId
    order: OrderId


class _Place(NamedTuple):
    """An order's place in a queue: the price (negated where it must fall), then its arrival."""

    key: Decimal
    arrival: int
    ref: Ref


class Book:
    """Fed with every order that works or no longer does; built from working ones, oldest first."""

    def __init__(self, orders: Iterable[tuple[AccountId, OrderState]] = ()) -> None:
        self._arrivals = 0
        self._queues: dict[Queue, list[_Place]] = {}
        self._places: dict[OrderId, tuple[tuple[Queue, _Place], ...]] = {}
        self._spreads: dict[OrderId, tuple[Ref, OrderState]] = {}
        self._waiting: dict[OrderId, Ref] = {}
        self._opening: dict[OrderId, Ref] = {}
        self._openings: list[tuple[datetime, Ref]] = []
        self._deadlines: list[tuple[datetime, Ref]] = []
        for account, order in orders:
            self.put(account, order)

    def put(self, account: AccountId, order: OrderState) -> None:
        """Take note of an order as it is now."""
        if order.status.terminal:
            self._remove(order.id)
            return
        if order.status is Status.HELD:
            return
        ref = Ref(account, order.id)
        if not self._knows(order.id) and order.expires_at is not None:
            heapq.heappush(self._deadlines, (order.expires_at, ref))
        if order.status is Status.ACCEPTED:
            if order.id not in self._waiting:
                heapq.heappush(self._openings, (order.opens_at or order.created_at, ref))
            self._waiting[order.id] = ref
            return
        self._opening.pop(order.id, None)
        self._waiting.pop(order.id, None)
        if order.is_mleg:
            self._spreads[order.id] = (ref, order)
        else:
            self._enqueue(order, ref)

    def symbols(self) -> list[str]:
        """Return what working orders need quotes of."""
        symbols = {symbol for symbol, _, _ in self._queues}
        symbols.update(s for _, order in self._spreads.values() for s in order.symbols)
        return sorted(symbols)

    def fired(self, quotes: Mapping[str, Quote | None]) -> list[Ref]:
        """Return, once each, the orders that the quotes fill, elect or move.

        Those of a queue come best first.
        """
        found: dict[Ref, None] = {}
        for (symbol, side, kind), queue in self._queues.items():
            quote = quotes.get(symbol)
            if quote is not None:
                found.update((place.ref, None) for place in _crossed(queue, side, kind, quote))
        for ref, order in self._spreads.values():
            at = touch(order, quotes)
            if at is not None and marketable(order, at):
                found[ref] = None
        return list(found)

    def waiting(self) -> tuple[Ref, ...]:
        """Return the orders queued for a session to open, oldest first."""
        return tuple(self._waiting.values())

    def opening(self, now: datetime) -> tuple[Ref, ...]:
        """Return those of them whose session should have opened."""
        while self._openings and self._openings[0][0] <= now:
            ref = heapq.heappop(self._openings)[1]
            if ref.order in self._waiting:
                self._opening[ref.order] = ref
        return tuple(self._opening.values())

    def due(self, now: datetime) -> Iterator[Ref]:
        """Yield, once each, the orders whose time has run out; ended ones among them."""
        while self._deadlines and self._deadlines[0][0] <= now:
            yield heapq.heappop(self._deadlines)[1]

    def _knows(self, order_id: OrderId) -> bool:
        return order_id in self._waiting or order_id in self._places or order_id in self._spreads

    def _enqueue(self, order: OrderState, ref: Ref) -> None:
        """Put an order where its prices are now; leave it where it is if they are the same."""
        before = self._places.get(order.id, ())
        if before:
            arrival = before[0][1].arrival
        else:
            self._arrivals += 1
            arrival = self._arrivals
        places = tuple((queue, _Place(key, arrival, ref)) for queue, key in _keys(order))
        if places == before:
            return
        self._dequeue(before)
        for queue, place in places:
            insort(self._queues.setdefault(queue, []), place)
        self._places[order.id] = places

    def _dequeue(self, places: tuple[tuple[Queue, _Place], ...]) -> None:
        for name, place in places:
            queue = self._queues[name]
            del queue[bisect_left(queue, place)]
            if not queue:
                del self._queues[name]

    def _remove(self, order_id: OrderId) -> None:
        self._waiting.pop(order_id, None)
        self._opening.pop(order_id, None)
        self._spreads.pop(order_id, None)
        self._dequeue(self._places.pop(order_id, ()))


def _keys(order: OrderState) -> Iterator[tuple[Queue, Decimal]]:
    """Yield the queues an order waits in, and its key in each."""
    side = order.side or Side.BUY
    if not order.watching:
        yield _key(order.symbol, side, Kind.LIMIT, order.bound)
        return
    if order.stop_price is not None:
        yield _key(order.symbol, side, Kind.STOP, order.stop_price)
    if order.type is OrderType.TRAILING_STOP:
        yield _key(order.symbol, side, Kind.MARK, order.hwm)


def _key(symbol: str, side: Side, kind: Kind, price: Decimal | None) -> tuple[Queue, Decimal]:
    key = _ALWAYS if price is None else -price if kind.falling(side) else price
    return (symbol, side, kind), key


def _crossed(queue: list[_Place], side: Side, kind: Kind, quote: Quote) -> Iterator[_Place]:
    """Yield the head of a queue as far as the touch reaches; a mark must be beaten."""
    price = quote.ask if side is Side.BUY else quote.bid
    if price <= ZERO:
        return
    reach = -price if kind.falling(side) else price
    for place in queue:
        if place.key > reach or (place.key == reach and kind is Kind.MARK):
            return
        yield place
