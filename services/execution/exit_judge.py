"""Whether a position's exits fire on what the market shows now. Pure; see docs/exits.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.contracts import OptionContract, Right
from common.exits import ExitCondition, ExitKind, ExitTerms, ExitTrigger
from common.money import ZERO, Price
from common.orders import Leg
from common.quotes import Quote
from services.execution.exit_prices import (
    Entry,
    beyond,
    closing_price,
    give_back,
    stop_price,
    target_price,
)
from services.execution.records import OrderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A position as it stands: what it was opened at, and the legs still held."""

    entry: Entry
    held: tuple[Leg, ...]

    @classmethod
    def of(
        cls,
        record: OrderRecord,
        own: Mapping[OptionContract, int],
        closings: Sequence[OrderRecord],
    ) -> Standing | None:
        """Return how an opening order's position stands, None when there is none."""
        held = tuple(leg for leg in record.intent.legs if own.get(leg.contract))
        if not held or record.filled_avg_price is None:
            return None
        entry = Entry(
            price=record.filled_avg_price,
            qty=record.intent.qty,
            legs=record.intent.legs,
            closed=_closed(record, held, closings),
        )
        return cls(entry=entry, held=held)

    def side(self, right: Right) -> tuple[Leg, ...]:
        """Return the legs held of one side."""
        return tuple(leg for leg in self.held if leg.contract.right is right)

    @property
    def sides(self) -> tuple[Right, ...]:
        """The sides still held."""
        return tuple(right for right in Right if self.side(right))


@dataclass(frozen=True, slots=True)
class Fired:
    """An exit that fires: its words, and the side it closes, None for all that is left."""

    cause: str
    side: Right | None = None


def fired(
    terms: ExitTerms,
    standing: Standing,
    quotes: Mapping[str, Quote],
    *,
    spot: Decimal | None,
    best: Price | None,
) -> Fired | None:
    """Return the first exit whose condition holds: stops, then the trail, then targets.

    spot: the underlying's mid, None when it is not fresh: levels do not fire then. best: the
    best closing price so far.
    """
    return next(_fired(terms, standing, quotes, spot, best), None)


def _fired(
    terms: ExitTerms,
    standing: Standing,
    quotes: Mapping[str, Quote],
    spot: Decimal | None,
    best: Price | None,
) -> Iterator[Fired]:
    entry, now = standing.entry, closing_price(standing.held, quotes)
    for condition in _conditions(terms.stop):
        if terms.per_side and len(entry.sides) > 1:
            yield from _sides(condition, standing, quotes, spot)
        elif _level(condition, spot) or _at_least(now, stop_price(condition, entry)):
            yield Fired(f"stop {condition}")
    for condition in _conditions(terms.trail):
        if best is not None and now >= best + give_back(condition, entry, best):
            yield Fired(f"trail {condition}")
    for condition in _conditions(terms.target):
        price = target_price(condition, entry)
        if _level(condition, spot) or (price is not None and now <= price):
            yield Fired(f"target {condition}")


def _sides(
    condition: ExitCondition,
    standing: Standing,
    quotes: Mapping[str, Quote],
    spot: Decimal | None,
) -> Iterator[Fired]:
    """Yield the sides that a stop takes off: each measured alone against the whole entry."""
    whole = Entry(price=standing.entry.price, qty=standing.entry.qty, legs=standing.entry.legs)
    for right in standing.sides:
        if condition.kind is ExitKind.LEVEL:
            hit = condition.below is (right is Right.PUT) and _level(condition, spot)
        else:
            price = closing_price(standing.side(right), quotes)
            hit = _at_least(price, stop_price(condition, whole))
        if hit:
            alone = len(standing.sides) == 1
            words = f"stop {condition} of the {right.name.lower()} side"
            yield Fired(words, None if alone else right)


def _closed(record: OrderRecord, held: Sequence[Leg], closings: Sequence[OrderRecord]) -> Price:
    """Return the net price per unit at which sides that are gone were closed."""
    alive = {leg.contract for leg in held}
    total = ZERO
    for closing in closings:
        gone = alive.isdisjoint(leg.contract for leg in closing.intent.legs)
        if gone and closing.filled_avg_price is not None:
            total += closing.filled_avg_price * closing.filled_qty
    return total / record.filled_qty if record.filled_qty else ZERO


def _conditions(trigger: ExitTrigger | None) -> tuple[ExitCondition, ...]:
    return () if trigger is None else trigger.conditions


def _level(condition: ExitCondition, spot: Decimal | None) -> bool:
    return condition.kind is ExitKind.LEVEL and spot is not None and beyond(condition, spot)


def _at_least(now: Price, threshold: Price | None) -> bool:
    return threshold is not None and now >= threshold
