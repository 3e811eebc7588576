"""A working order at another limit or of another size: judged as if it were new."""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.exits import ExitTerms
from common.ids import OrderId
from common.money import Price
from common.quotes import MarketView
from services.strategies.base import Proposal
from services.strategies.custom import Custom


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Custom):
    """An order in place of one that works, in the same legs.

    of: the strategy whose order it is. standing: units and limit as they are. guard: the exits
    that watch the trade already, None where none does.
    """

    order: OrderId
    of: str
    standing: tuple[int, Price]
    guard: ExitTerms | None = None

    @property
    def name(self) -> str:
        """The name its orders carry: of the strategy that made it."""
        return self.of

    @property
    def replaces(self) -> OrderId | None:
        """The working order whose place it takes."""
        return self.order

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return f"qty={self.qty}"

    def propose(self, view: MarketView) -> Proposal:
        """Return the order that takes the other's place; raises as Custom does."""
        found = Custom.propose(self, view)
        units, limit = self.standing
        return replace(
            found,
            facts=(("takes the place of", f"{units} at {limit} net a share"), *found.facts),
            exits=found.exits if self.guard is None else self.guard,
        )
