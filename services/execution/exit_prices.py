"""At what price each exit fires. Pure: terms, entry and quotes in, thresholds out.

Everything is measured on one number: the net price at which the position could be closed now
at the natural side of every quote, a credit negative. Less is better, bought or sold; closing
at minus the entry price comes out even.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from common.contracts import OPTION_MULTIPLIER, Right
from common.errors import BadArgument
from common.exits import ExitCondition, ExitKind, ExitTerms, ExitTrigger
from common.money import ZERO, Dollars, Price
from common.orders import Leg, OrderIntent
from common.quotes import Quote, natural


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a position was opened at: net price per share of a unit, units, and its legs.

    closed: net price at which a side of it was closed before, 0 while it is whole.
    """

    price: Price
    qty: int  # as previewed: what a dollar exit is of
    legs: tuple[Leg, ...]
    closed: Price = ZERO

    @classmethod
    def of(cls, intent: OrderIntent, price: Price) -> Entry:
        """Take the legs and size of an order that opens at a price."""
        return cls(price=price, qty=intent.qty, legs=intent.legs)

    @property
    def sold(self) -> bool:
        """Whether a credit was received."""
        return self.price < 0

    @property
    def even(self) -> Price:
        """The price of closing what is left at which the whole trade comes out even."""
        return -(self.price + self.closed)

    @property
    def shares(self) -> int:
        """Shares the whole order stands for, of which one costs the price."""
        return OPTION_MULTIPLIER * self.qty

    @property
    def sides(self) -> frozenset[Right]:
        """Calls, puts or both."""
        return frozenset(leg.contract.right for leg in self.legs)

    def result(self, closing: Price) -> Dollars:
        """Return what the whole order makes when it is closed at a net price."""
        return (self.even - closing) * self.shares


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitLine:
    """One exit as a person reads it. closing: the net price it fires at; result in dollars."""

    kind: str
    trigger: str
    closing: Price | None
    result: Dollars | None
    note: str = ""


def stop_price(condition: ExitCondition, entry: Entry) -> Price | None:
    """Return the closing price at or above which a stop fires, None for a level."""
    return _threshold(condition, entry, 1)


def target_price(condition: ExitCondition, entry: Entry) -> Price | None:
    """Return the closing price at or below which a target fires, None for a level."""
    return _threshold(condition, entry, -1)


def give_back(condition: ExitCondition, entry: Entry, best: Price) -> Price:
    """Return what a trail lets the closing price rise above its best.

    A percentage is of what the position was worth at its best where it was bought, and of
    the credit where it was sold: what is left to buy back may come near nothing.
    """
    if condition.kind is ExitKind.DOLLARS:
        return condition.amount / entry.shares
    return condition.share * (abs(entry.price) if entry.sold else abs(best))


def closing_price(legs: tuple[Leg, ...], quotes: Mapping[str, Quote]) -> Price:
    """Return the net price of closing opening legs at the far touches, a credit negative."""
    return natural((-leg.signed_ratio, quotes[leg.contract.symbol]) for leg in legs)


def require_sense(terms: ExitTerms, entry: Entry, spot: Price | None = None) -> None:
    """Refuse exits that could never fire, or would at once. Raises BadArgument.

    spot: the underlying now, None where levels were checked before.
    """
    even = entry.even
    if terms.per_side and (len(entry.sides) < 2 or not entry.sold):
        raise BadArgument("per_side: only what was sold on both sides has sides to stop")
    for condition in _conditions(terms.stop):
        price = stop_price(condition, entry)
        _require_level("stop", condition, entry, spot)
        if price is not None and ((price <= even and not terms.per_side) or price <= 0 < even):
            raise BadArgument(f"stop {condition}: it would fire at the entry price")
        if price is not None and not entry.sold and price > 0:
            raise BadArgument(f"stop {condition}: that is more than the premium paid")
    for condition in _conditions(terms.target):
        price = target_price(condition, entry)
        _require_level("target", condition, entry, spot)
        if price is not None and price >= even:
            raise BadArgument(f"target {condition}: it would fire at the entry price")
        if price is not None and entry.sold and price < 0:
            raise BadArgument(f"target {condition}: that is more than the credit received")
    for condition in _conditions(terms.trail):
        if condition.kind not in (ExitKind.PERCENT, ExitKind.DOLLARS):
            raise BadArgument(f"trail {condition}: write a percentage or dollars")


def lines(terms: ExitTerms, entry: Entry) -> tuple[ExitLine, ...]:
    """Return the exits in prices and dollars, as the position stands when it is opened."""
    return tuple(_lines(terms, entry))


def _lines(terms: ExitTerms, entry: Entry) -> Iterator[ExitLine]:
    note = "each side by itself" if terms.per_side else ""
    for condition in _conditions(terms.stop):
        price = stop_price(condition, entry)
        result = None if price is None or terms.per_side else entry.result(price)
        yield ExitLine(kind="stop", trigger=str(condition), closing=price, result=result, note=note)
    for condition in _conditions(terms.target):
        price = target_price(condition, entry)
        result = None if price is None else entry.result(price)
        yield ExitLine(kind="target", trigger=str(condition), closing=price, result=result)
    for condition in _conditions(terms.trail):
        price = entry.even + give_back(condition, entry, entry.even)
        yield ExitLine(
            kind="trail",
            trigger=str(condition),
            closing=price,
            result=entry.result(price),
            note="at first; it follows the best price",
        )


def _threshold(condition: ExitCondition, entry: Entry, way: int) -> Price | None:
    even = entry.even
    match condition.kind:
        case ExitKind.PERCENT:
            return even + way * condition.share * abs(entry.price)
        case ExitKind.DOLLARS:
            return even + way * condition.amount / entry.shares
        case ExitKind.MULTIPLE:
            return -entry.price * condition.amount - entry.closed
        case ExitKind.LEVEL:
            return None


def _conditions(trigger: ExitTrigger | None) -> tuple[ExitCondition, ...]:
    return () if trigger is None else trigger.conditions


def _require_level(name: str, condition: ExitCondition, entry: Entry, spot: Price | None) -> None:
    if condition.kind is not ExitKind.LEVEL:
        return
    underlying = entry.legs[0].contract.underlying
    if condition.underlying != underlying:
        raise BadArgument(f"{name} {condition}: the position is in {underlying}")
    if spot is not None and beyond(condition, spot):
        raise BadArgument(f"{name} {condition}: {underlying} is at {spot}, it would fire at once")


def beyond(condition: ExitCondition, spot: Decimal) -> bool:
    """Tell whether the underlying has passed a level."""
    return spot < condition.amount if condition.below else spot > condition.amount
