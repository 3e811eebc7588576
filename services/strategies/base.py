"""What every strategy is: frozen parameters and a pure proposal from what the market shows.

A strategy decides what to trade and at which limit. It neither sizes by the account nor looks
at clocks, positions or limits: those are risk's, checked once for every strategy alike.

The limit is the natural price, every leg at its far touch. Nothing here walks an order towards
the market, so an order between mid and natural could be left behind while the market runs, and
an exit belongs only to what has filled. What that costs against the mid is bounded by the
spread limit of each leg and shown in every preview. A strategy never proposes worse than
natural; how far a price may run while an order is sent is the desk's to bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from common.contracts import Right
from common.errors import MarketDataMissing, MarketError, NoSuchContract, QuoteUnusable
from common.money import Price, plain
from common.orders import Leg, OrderIntent
from common.quotes import ChainRow, DeltaPick, MarketView, Quote, natural

DELTA_MISS_MAX = 0.10  # strikes are coarse late in the day; beyond this it is another trade


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

    def propose(self, view: MarketView) -> Proposal:
        """Return what to trade now.

        Raises a MarketError carrying the numbers when there is nothing to trade.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An intent, why it is this one, and what to beware of.

    facts are (label, value) in reading order. narrower are smaller versions of the same trade,
    nearest first, for risk to name the first that would pass.
    """

    intent: OrderIntent
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()
    narrower: tuple[Strategy, ...] = ()

    def alternatives(self, view: MarketView) -> Iterator[tuple[str, OrderIntent]]:
        """Yield (terms, intent) of each narrower version the market allows, lazily."""
        for strategy in self.narrower:
            try:
                yield strategy.terms, strategy.propose(view).intent
            except MarketError:
                continue


def nearest_delta(view: MarketView, right: Right, target: float) -> DeltaPick:
    """Return the same-day contract nearest a delta given without sign.

    Raises NoSuchContract, with the neighbours, when it misses by more than 0.10, and
    MarketDataMissing when the chain held is another day's.
    """
    if view.chain.expiry != view.session.day:
        raise MarketDataMissing(
            f"the chain held expires {view.chain.expiry}, the session is {view.session.day}"
        )
    pick = view.chain.by_delta(right, target)
    if abs(pick.achieved - pick.target) > DELTA_MISS_MAX:
        raise NoSuchContract(
            f"a {right.name.lower()} within {DELTA_MISS_MAX:.2f} of {pick.target:+.2f} delta "
            f"(nearest: {neighbours(pick)})"
        )
    return pick


def neighbours(pick: DeltaPick) -> str:
    """Return the pick between its neighbours, each as strike and delta."""
    rows = [row for row in (pick.below, pick.row, pick.above) if row is not None]
    return ", ".join(
        f"{plain(row.contract.strike)} at {row.greeks.delta:+.3f}" for row in rows if row.greeks
    )


def takeable(row: ChainRow, *, sold: bool) -> Quote:
    """Return a quote whose far touch can be priced: an ask to buy at, a bid to sell at.

    Whether it is fresh and tight enough to trade on is risk's to say. Raises QuoteUnusable.
    """
    quote = row.quote
    if quote is None or quote.ask <= 0 or quote.bid > quote.ask or (sold and quote.bid <= 0):
        raise QuoteUnusable(row.contract.symbol, row.flag)
    return quote


def natural_limit(legs: tuple[Leg, ...], view: MarketView) -> Price:
    """Return the limit of an order: its natural price, per share, a credit negative."""
    return natural(
        (leg.signed_ratio, takeable(view.chain.row(leg.contract), sold=leg.signed_ratio < 0))
        for leg in legs
    )
