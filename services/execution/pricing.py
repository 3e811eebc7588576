"""What a proposal becomes on the desk: its size from the budget, its limit with room to fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeAlias

from common.contracts import option_tick
from common.money import CENT, Price, floor_to_tick
from common.orders import OrderIntent
from common.portfolio import Account
from common.quotes import MarketView
from services.strategies.base import Proposal, Strategy, natural_limit
from services.strategies.sizing import SizeLimits, size_of

TOLERANCE_MIN = 2 * CENT

Broken: TypeAlias = Callable[[Proposal], Sequence[str]]  # the limits it would break


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """How far a price may run, as a share of the net price, and what bounds a size."""

    price_tolerance: Decimal
    sizes: SizeLimits = field(default_factory=SizeLimits)

    def proposal(
        self,
        strategy: Strategy,
        view: MarketView,
        account: Account,
        broken: Broken = lambda _: (),
    ) -> Proposal:
        """Return what a strategy proposes, of the size its risk buys if it names one.

        A size found is made smaller until it breaks no limit, and left as it is when every
        size breaks one. Raises TooLarge when not
        one unit fits, and what propose raises.
        """
        if strategy.risk is None:
            return strategy.propose(view)
        size = size_of(
            self.intent(strategy.sized(1).propose(view)),
            strategy.risk,
            most=strategy.qty,
            view=view,
            account=account,
            limits=self.sizes,
        )
        bought = _told(strategy.sized(size.qty).propose(view), size.facts)
        limits = broken(bought)
        return self._smaller(strategy, view, bought, broken, limits) if limits else bought

    def intent(self, proposal: Proposal) -> OrderIntent:
        """Return the order with the limit it may be sent with; a caller's own is kept as it is."""
        return proposal.intent if proposal.limit_given else self._collared(proposal.intent)

    def smaller(self, proposal: Proposal, view: MarketView) -> Iterator[tuple[str, OrderIntent]]:
        """Yield (terms, order) of each smaller version the market allows, the nearest first."""
        for terms, intent in proposal.alternatives(view):
            yield terms, self.intent(replace(proposal, intent=intent))

    def _smaller(
        self,
        strategy: Strategy,
        view: MarketView,
        bought: Proposal,
        broken: Broken,
        limits: Sequence[str],
    ) -> Proposal:
        """Return the most units that break no limit, or what the risk bought if all sizes do.

        Limits mostly tighten with size, so halving finds it; what is found has been checked.
        """
        found, passes, fails = bought, 0, bought.intent.qty
        while fails - passes > 1:
            middle = (passes + fails) // 2
            tried = strategy.sized(middle).propose(view)
            if broken(tried):
                fails = middle
            else:
                found, passes = tried, middle
        if not passes:
            return bought
        sizes = dict(bought.facts)
        others = f"{sizes['size']}; {sizes['size would be']}"
        why = f"{passes} by risk's limits ({', '.join(limits)})"
        return _told(found, (("size", why), ("size would be", others)))

    def tolerance(self, price: Price) -> Price:
        """Return how far a price may run from what was shown."""
        return max(abs(price) * self.price_tolerance, TOLERANCE_MIN)

    def moved(self, shown: Price, intent: OrderIntent, view: MarketView) -> Price | None:
        """Return the natural price now if it left the tolerance of the one shown, else None."""
        now = natural_limit(intent.legs, view)
        within = abs(now - shown) <= self.tolerance(shown)
        return None if within and now <= intent.limit else now

    def _collared(self, intent: OrderIntent) -> OrderIntent:
        """Return the intent with its limit as far from natural as a price may run.

        The limit is the worst that is accepted, and what the maximum loss is reckoned at;
        the broker fills at the market's price, which was natural a moment ago.
        """
        worst = intent.limit + self.tolerance(intent.limit)
        tick = CENT if len(intent.legs) > 1 else _tick(intent)
        limit = floor_to_tick(worst, tick)
        return replace(intent, limit=min(limit, -tick) if intent.limit < 0 else limit)


def _told(proposal: Proposal, facts: tuple[tuple[str, str], ...]) -> Proposal:
    return replace(proposal, facts=(*proposal.facts, *facts))


def _tick(intent: OrderIntent) -> Price:
    return option_tick(intent.legs[0].contract.underlying, intent.limit)
