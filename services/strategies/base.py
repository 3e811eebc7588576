"""What every strategy is: frozen parameters and a pure proposal from what the market shows.

A strategy decides what to trade and at which limit. It neither sizes by the account nor looks
at clocks, positions or limits: those are the desk's and risk's, alike for every strategy.

The limit is the natural price, every leg at its far touch, unless the caller named one. A
strategy never proposes worse than natural of its own accord; how an order walks there from the
mid, and how far a price may run while it is sent, is the desk's to bound. What it costs against
the mid is bounded by the spread limit of each leg and shown in every preview.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from common.errors import MarketError
from common.exits import ExitTerms
from common.ids import OrderId
from common.money import Dollars, Price
from common.orders import Leg, OrderIntent
from common.quotes import MarketView, natural
from services.strategies.choice import takeable


class Strategy(Protocol):
    """Frozen parameters and one pure function. Equal parameters compare equal."""

    @property
    def name(self) -> str:
        """The name its orders carry."""
        ...

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it: "width=4, contracts=1"."""
        ...

    @property
    def qty(self) -> int:
        """How many units; with risk, the most."""
        ...

    @property
    def closes(self) -> bool:
        """Whether it only closes what is held, which a halt never stops."""
        ...

    @property
    def risk(self) -> Dollars | None:
        """The most the trade may lose, fees included, if the desk is to find the size."""
        ...

    @property
    def replaces(self) -> OrderId | None:
        """The working order whose place its order takes, None for a new one."""
        ...

    def sized(self, qty: int) -> Strategy:
        """Return the same trade of just so many units."""
        ...

    def propose(self, view: MarketView) -> Proposal:
        """Return what to trade now.

        Raises a MarketError carrying the numbers when there is nothing to trade.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller says of any trade beside the strategy's own parameters.

    risk: dollars the trade may lose, fees included, if the desk is to find the size; qty is then
    the most. stop, target and trail: exits as text, each in place of the strategy's own.
    """

    qty: int = 1
    risk: Dollars | None = None
    stop: str | None = None
    target: str | None = None
    trail: str | None = None

    def sized(self, qty: int) -> Self:
        """Return the same trade of just so many units."""
        return replace(self, qty=qty, risk=None)

    @property
    def closes(self) -> bool:
        """Whether it only closes what is held."""
        return False

    @property
    def replaces(self) -> OrderId | None:
        """The working order whose place its order takes: a new trade takes nobody's."""
        return None

    @property
    def contracts(self) -> str:
        """The size as the tool's arguments say it."""
        return f"contracts={self.qty}"

    def fewer(self) -> tuple[Self, ...]:
        """Return the same trade with fewer units, the nearest first."""
        return tuple(self.sized(qty) for qty in range(self.qty - 1, 0, -1))

    def exits(self, own: ExitTerms) -> ExitTerms:
        """Return a strategy's own exits with the caller's in their place."""
        return own.overridden(stop=self.stop, target=self.target, trail=self.trail)

    def require_size(self) -> None:
        """Refuse a size that is none, by ValueError."""
        if self.qty < 1 or not (self.risk is None or (self.risk.is_finite() and self.risk > 0)):
            raise ValueError(f"not a size: {self!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An intent, why it is this one, and what to beware of.

    facts are (label, value) in reading order. narrower are smaller versions of the same trade,
    nearest first, for risk to name the first that would pass. limit_given: the intent's limit is
    the caller's own price, which the desk neither moves nor walks, and which may rest unfilled.
    entries_max: how many orders of this name may open in one session, None for any number.
    exits: when to leave what fills, beside the desk's own time exit.
    """

    intent: OrderIntent
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()
    narrower: tuple[Strategy, ...] = ()
    limit_given: bool = False
    entries_max: int | None = None
    exits: ExitTerms = field(default_factory=ExitTerms)

    def alternatives(self, view: MarketView) -> Iterator[tuple[str, OrderIntent]]:
        """Yield (terms, intent) of each narrower version the market allows, lazily."""
        for strategy in self.narrower:
            try:
                yield strategy.terms, strategy.propose(view).intent
            except MarketError:
                continue


def natural_limit(legs: tuple[Leg, ...], view: MarketView) -> Price:
    """Return the limit of an order: its natural price, per share, a credit negative."""
    return natural(
        (leg.signed_ratio, takeable(view.chain.row(leg.contract), sold=leg.signed_ratio < 0))
        for leg in legs
    )
