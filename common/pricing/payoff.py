"""What a combination is worth at expiry: exact money, so Decimal; nothing here is a float.

The payoff of options and stock of one underlying and one expiry is piecewise linear in the
price at expiry, with knots at the strikes: its extremes lie at 0, at a strike or beyond the last
one, where only the slope matters. Probabilities, which are floats, are in odds.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Final

from common.contracts import OPTION_MULTIPLIER, Right
from common.money import ZERO

UNLIMITED: Final = Decimal("Infinity")  # what universal_spread_margin says of an uncovered call


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoffLeg:
    """One holding of a combination.

    qty: contracts, or shares of stock; positive is held, negative is owed. right: None is stock.
    strike and price: dollars per share; price is what was or would be paid (or, for a negative
    qty, received) per share. multiplier: shares per unit of qty.
    """

    qty: int
    price: Decimal
    right: Right | None = None
    strike: Decimal | None = None
    multiplier: int = OPTION_MULTIPLIER

    def __post_init__(self) -> None:
        """Refuse what is no holding, by ValueError."""
        if (self.right is None) != (self.strike is None):
            raise ValueError(f"an option has a right and a strike, stock neither: was {self!r}")
        if self.strike is not None and not (self.strike.is_finite() and self.strike > 0):
            raise ValueError(f"strike must be finite and positive, was {self.strike}")
        if not self.price.is_finite():
            raise ValueError(f"price must be finite, was {self.price}")
        if self.qty == 0 or self.multiplier <= 0:
            raise ValueError(f"qty must not be 0 nor multiplier below 1: was {self!r}")

    @classmethod
    def stock(cls, *, qty: int, price: Decimal) -> PayoffLeg:
        """Return a holding of shares bought, or sold short, at a price per share."""
        return cls(qty=qty, price=price, multiplier=1)

    @property
    def shares(self) -> int:
        """Shares the leg stands for, signed."""
        return self.qty * self.multiplier

    @property
    def cost(self) -> Decimal:
        """Dollars paid, negative when received."""
        return self.shares * self.price

    def value(self, spot: Decimal) -> Decimal:
        """Return what the leg is worth at expiry, dollars, signed."""
        return self.shares * _worth(self.right, self.strike, spot)


@dataclass(frozen=True, kw_only=True)
class Payoff:
    """Profit and loss at expiry of one combination, fees included. Dollars throughout.

    fees: dollars for the whole combination, >= 0, whatever the caller counts in (entry alone or
    the round trip). Raises ValueError for no legs or fees that are negative or not finite.
    """

    legs: tuple[PayoffLeg, ...]
    fees: Decimal = ZERO

    def __post_init__(self) -> None:
        """Refuse what has no payoff."""
        if not self.legs:
            raise ValueError("a payoff needs at least one leg")
        if not (self.fees.is_finite() and self.fees >= 0):
            raise ValueError(f"fees must be finite and not negative, was {self.fees}")

    @cached_property
    def net_cost(self) -> Decimal:
        """Premium paid for all legs, negative for a credit; without fees."""
        return sum((leg.cost for leg in self.legs), ZERO)

    @cached_property
    def knots(self) -> tuple[tuple[Decimal, Decimal], ...]:
        """(price at expiry, profit) at 0 and at every strike, ascending."""
        strikes = {leg.strike for leg in self.legs if leg.strike is not None}
        return tuple((spot, self.at(spot)) for spot in sorted({ZERO, *strikes}))

    @cached_property
    def slope_beyond(self) -> int:
        """Dollars of profit per $1 above the last strike."""
        return sum(leg.shares for leg in self.legs if leg.right is not Right.PUT)

    def at(self, spot: Decimal) -> Decimal:
        """Return profit when the underlying ends at spot, spot >= 0."""
        return sum((leg.value(spot) for leg in self.legs), -self.net_cost - self.fees)

    @property
    def unlimited_loss(self) -> bool:
        """Whether the loss grows without bound as the price rises."""
        return self.slope_beyond < 0

    @property
    def unlimited_profit(self) -> bool:
        """Whether the profit grows without bound as the price rises."""
        return self.slope_beyond > 0

    @property
    def worst(self) -> Decimal | None:
        """The least profit, negative for a loss; None when the loss is unlimited."""
        return None if self.unlimited_loss else min(profit for _, profit in self.knots)

    @property
    def best(self) -> Decimal | None:
        """The most profit, negative for a sure loss; None when it is unlimited."""
        return None if self.unlimited_profit else max(profit for _, profit in self.knots)

    @property
    def max_loss(self) -> Decimal | None:
        """The most that can be lost, >= 0; None is unlimited."""
        return None if self.worst is None else max(-self.worst, ZERO)

    @property
    def max_profit(self) -> Decimal | None:
        """The most that can be made, >= 0; None is unlimited."""
        return None if self.best is None else max(self.best, ZERO)

    @cached_property
    def breakevens(self) -> tuple[Decimal, ...]:
        """Prices at expiry where profit is zero, ascending; of a flat stretch at zero, its ends.

        Exact where the quotient terminates, else to the decimal context's 28 digits.
        """
        roots = {spot for spot, profit in self.knots if profit == 0}
        for (low, first), (high, last) in pairwise(self.knots):
            if first * last < 0:
                roots.add(low - first * (high - low) / (last - first))
        spot, profit = self.knots[-1]
        if profit * self.slope_beyond < 0:
            roots.add(spot - profit / self.slope_beyond)
        return tuple(sorted(roots))

    def stretches(self) -> Iterator[tuple[Decimal, Decimal | None, Decimal, Decimal | None]]:
        """Yield (from, to, profit there, profit at to) between knots and breakevens.

        The last stretch runs to infinity: its end is None, and so is its profit unless flat.
        No stretch changes the sign of profit inside.
        """
        spots = sorted({spot for spot, _ in self.knots} | set(self.breakevens))
        # A root is rounded; its profit is zero by definition, not what the rounding leaves.
        profits = [ZERO if spot in self.breakevens else self.at(spot) for spot in spots]
        for (low, first), (high, last) in pairwise(zip(spots, profits, strict=True)):
            yield low, high, first, last
        yield spots[-1], None, profits[-1], None if self.slope_beyond else profits[-1]


def universal_spread_margin(
    legs: Sequence[tuple[int, Right, Decimal]], *, multiplier: int = OPTION_MULTIPLIER
) -> Decimal:
    """Return the maintenance margin of all options of one underlying and expiry, dollars >= 0.

    legs: (signed contracts, right, strike). Premiums are ignored: it is the most the combined
    expiry payoff can owe. UNLIMITED where more calls are owed than held. A cash-secured put needs
    strike x multiplier by this rule, as it should.

    Source: Alpaca, "Options Level 3 Trading", universal spread rule (SR-CBOE-2012-043).
    """
    if sum(qty for qty, right, _ in legs if right is Right.CALL) < 0:
        return UNLIMITED
    # One sweep upwards: the value at 0, then the slope between strikes. Right of the last strike
    # the slope is the net calls, which is not negative.
    worth = sum((qty * strike for qty, right, strike in legs if right is Right.PUT), ZERO)
    slope = -sum(qty for qty, right, _ in legs if right is Right.PUT)
    least, at = min(worth, ZERO), ZERO
    for strike, qty in sorted((strike, qty) for qty, _, strike in legs):
        worth += slope * (strike - at)
        slope += qty  # a call starts to rise here, a put stops falling: +qty either way
        at = strike
        least = min(least, worth)
    return abs(least) * multiplier


def _worth(right: Right | None, strike: Decimal | None, spot: Decimal) -> Decimal:
    """Return what one share's worth of a leg is worth at expiry."""
    if right is None or strike is None:
        return spot
    return max(spot - strike if right is Right.CALL else strike - spot, ZERO)
