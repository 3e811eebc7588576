"""Faults planted in the ledger, the matching and the recovery: each must be found.

They are put in place of the product's functions for the length of a run, and only here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from common.quotes import Quote
from paper_exchange.engine import account, admission, exercise, expiry, groups, matching
from paper_exchange.engine.events import OrderAccepted
from paper_exchange.engine.ledger import Entry, Ledger
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import PositionState, Trade
from paper_exchange.venue import book, shard


@dataclass(frozen=True, slots=True)
class Mutant:
    """A planted fault: where, what stands there instead, and what that does."""

    part: str  # ledger, matching or recovery
    name: str
    owner: Any
    attribute: str
    instead: Callable[[Any], Any]  # given the original, return the faulty one

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have it in place for a while."""
        with pytest.MonkeyPatch.context() as patch:
            original = getattr(self.owner, self.attribute)
            patch.setattr(self.owner, self.attribute, self.instead(original))
            yield


def _half_posted(original: Any) -> Any:
    def post(self: Ledger, entries: Iterable[Entry]) -> None:
        for entry in tuple(entries)[:-1] or entries:
            self._balances[entry.book] += entry.amount

    return post


def _cost_kept(original: Any) -> Any:
    """Closing takes profit, and leaves the cost of what was closed in the books of another."""

    def trade(held: PositionState | None, qty: Decimal, value: Decimal) -> Trade:
        done: Trade = original(held, qty, value)
        if held is None or held.qty * qty >= 0 or done.qty == 0:
            return done
        return Trade(qty=done.qty, cost=done.cost + 1, realised=done.realised - 1)

    return trade


def _nothing_released(original: Any) -> Any:
    def release(amount: Decimal) -> tuple[Entry, ...]:
        return ()

    return release


def _near_touch(original: Any) -> Any:
    def touch(order: OrderState, quotes: Mapping[str, Quote | None]) -> Any:
        turned = {
            symbol: quote
            if quote is None or quote.bid <= 0
            else Quote(
                bid=quote.bid,
                ask=quote.bid,
                bid_size=quote.bid_size,
                ask_size=quote.ask_size,
                at=quote.at,
            )
            for symbol, quote in quotes.items()
        }
        return original(order, turned)

    return touch


def _always(original: Any) -> Any:
    return lambda *given, **named: True


def _nothing(original: Any) -> Any:
    return lambda *given, **named: None


def _last_missed(original: Any) -> Any:
    """A queue's walk ends one order early."""

    def crossed(*given: Any) -> Iterator[Any]:
        reached = list(original(*given))
        yield from reached[:-1]

    return crossed


def _ended_kept(original: Any) -> Any:
    def put(self: book.Book, account_id: Any, order: OrderState) -> None:
        if not order.status.terminal:
            original(self, account_id, order)

    return put


def _last_forgotten(original: Any) -> Any:
    async def load(self: shard.Shard) -> None:
        journal, read = self._journal, self._journal.load

        async def cut(number: int) -> Sequence[Any]:
            return (await read(number))[:-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal, "load", cut)
            await original(self)

    return load


def _empty_book(original: Any) -> Any:
    async def load(self: shard.Shard) -> None:
        await original(self)
        self.book = book.Book()

    return load


def _promised_early(original: Any) -> Any:
    async def committed(self: shard.Shard, commit: Any) -> None:
        return

    return committed


def _told_early(original: Any) -> Any:
    def evolve(
        self: shard.Shard, state: Any, event: Any, updates: list[Any], touched: dict[Any, Any]
    ) -> Any:
        record = original(self, state, event, updates, touched)
        while updates:
            self._publish(state.id, updates.pop())
        return record

    return evolve


def _runs_on(original: Any) -> Any:
    """A failed commit does not stop the shard: memory goes on with what never happened."""
    return lambda self, why: None


def _names_forgotten(original: Any) -> Any:
    def evolve(state: Any, event: Any) -> Any:
        after = original(state, event)
        if isinstance(event, OrderAccepted):
            after.client_ids.pop(event.order.client_order_id, None)
        return after

    return evolve


def _none(original: Any) -> Any:
    return lambda *given, **named: []


MUTANTS = (
    Mutant("ledger", "a posting loses its last entry", Ledger, "post", _half_posted),
    Mutant("ledger", "partial closings keep a dollar of cost", matching, "trade", _cost_kept),
    Mutant("ledger", "canceled orders keep their hold", account, "release", _nothing_released),
    Mutant("matching", "purchases trade at the bid", matching, "touch", _near_touch),
    Mutant("matching", "limits are ignored", matching, "marketable", _always),
    Mutant("matching", "fills are not checked for money", matching, "_affordable", _always),
    Mutant("matching", "orders are not checked for cover", admission, "check_coverage", _nothing),
    Mutant("matching", "orders are not checked for money", admission, "check_funds", _nothing),
    Mutant("matching", "the last order reached is missed", book, "_crossed", _last_missed),
    Mutant("matching", "what replaces an exit leaves its group", account, "relinked", _none),
    Mutant("matching", "an exit's fill leaves the other at work", groups, "_consequences", _none),
    Mutant("recovery", "the book keeps ended orders", book.Book, "put", _ended_kept),
    Mutant("recovery", "the last event is not replayed", shard.Shard, "load", _last_forgotten),
    Mutant("recovery", "the book is not rebuilt", shard.Shard, "load", _empty_book),
    Mutant(
        "recovery", "answers do not wait for the disk", shard.Shard, "committed", _promised_early
    ),
    Mutant("recovery", "updates do not wait for the disk", shard.Shard, "_evolve", _told_early),
    Mutant("recovery", "a failed commit is ignored", shard.Shard, "_stop", _runs_on),
    Mutant("recovery", "client order ids are forgotten", shard, "evolve", _names_forgotten),
)
RARE = (  # found too, but after too many seeds for the daily tests
    Mutant("matching", "a day's end leaves calls uncovered", expiry, "restored", _none),
    Mutant(
        "matching", "an exercise leaves orders for shares it took", exercise, "displaced", _none
    ),
)
