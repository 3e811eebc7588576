"""Probabilities of a payoff on the chain's own smile: the bridge from Decimal to float."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import inf, nan

from common.contracts import Right
from common.money import ZERO
from common.pricing.payoff import Payoff, PayoffLeg
from common.pricing.smile import Distribution, Smile


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Risk-neutral probabilities and expectation of holding a combination to expiry.

    profit is the probability of profit; max_profit and max_loss are of ending where profit is at
    its best or worst, 0 when that is a single price or unlimited. expected_value: dollars before
    fees, about 0 at fair prices; after_fees: with them. NaN: the smile does not reach far enough.
    """

    profit: float
    max_profit: float
    max_loss: float
    expected_value: float
    after_fees: float


def odds(payoff: Payoff, smile: Smile, distribution: Distribution | None = None) -> Odds:
    """Return the odds of a payoff; pass smile.distribution() to share it among many."""
    spread = smile.distribution() if distribution is None else distribution
    value = sum(_value(leg, smile) for leg in payoff.legs) - float(payoff.net_cost)
    best, worst, rising = payoff.best, payoff.worst, payoff.slope_beyond > 0
    return Odds(
        profit=_probability(
            payoff, spread, lambda first, last: max(first, _end(last, rising=rising)) > 0
        ),
        max_profit=_probability(payoff, spread, lambda first, last: first == last == best),
        max_loss=_probability(payoff, spread, lambda first, last: first == last == worst),
        expected_value=value,
        after_fees=value - float(payoff.fees),
    )


def _probability(
    payoff: Payoff, spread: Distribution, counts: Callable[[Decimal, Decimal | None], bool]
) -> float:
    """Add up the stretches that count; neighbours are joined, so only outer ends are looked up."""
    total, start, end = 0.0, None, 0.0
    for low, high, first, last in payoff.stretches():
        if counts(first, last):
            start = float(low) if start is None else start
            end = inf if high is None else float(high)
        elif start is not None:
            total += spread.prob_between(start, end)
            start = None
    return total if start is None else total + spread.prob_between(start, end)


def _end(last: Decimal | None, *, rising: bool) -> Decimal:
    """Return the profit at a stretch's end; of one that never ends, only its sign matters."""
    if last is not None:
        return last
    return Decimal("Infinity") if rising else ZERO


def _value(leg: PayoffLeg, smile: Smile) -> float:
    """Return what the smile says a leg is worth today, dollars."""
    if leg.strike is None:
        return leg.shares * smile.forward
    if not smile.strikes.size:
        return nan
    return leg.shares * float(smile.price(float(leg.strike), leg.right is Right.CALL))
