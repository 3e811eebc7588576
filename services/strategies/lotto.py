"""The lotto: a cheap same-day option far from the money, late in the day, all of it at stake."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite

from common.contracts import OptionContract, Right
from common.errors import MarketClosed, NotTriggered
from common.exits import ExitTerms, parse_exit
from common.money import Price
from common.orders import Leg, OrderIntent, PositionIntent
from common.pricing.smile import Smile
from common.quotes import DeltaPick, MarketView
from common.session import CutOffs, Session, new_york_text
from services.strategies.base import Proposal, Request, natural_limit
from services.strategies.choice import (
    achieved,
    forward_warning,
    label,
    market,
    misses,
    nearest_delta,
    neighbours,
)

EXITS = ExitTerms(target=parse_exit("200%"))  # three times the premium; nothing else to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Lotto(Request):
    """Buy one same-day contract near a small delta between the window's ends.

    The window opens a distance before the session's own close and ends where the broker stops
    taking orders, so an early close moves both. premium_min: dollars a share; less cannot be
    left again at a price.
    """

    right: Right
    delta: float = 0.05
    premium_min: Price = Decimal("0.03")
    opens: timedelta = timedelta(minutes=60)
    cut_offs: CutOffs = field(default_factory=CutOffs)

    def __post_init__(self) -> None:
        """Refuse parameters that are no lotto, by ValueError."""
        self.require_size()
        if not 0 < self.delta < 1 or self.premium_min <= 0 or self.opens <= timedelta(0):
            raise ValueError(f"not a lotto: {self!r}")

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return "lotto_play_5_delta"

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return self.contracts

    def window(self, session: Session, underlying: str) -> tuple[datetime, datetime]:
        """Return when it may be bought: from the first instant until just before the second."""
        return session.close - self.opens, session.last_order(underlying, self.cut_offs)

    def propose(self, view: MarketView) -> Proposal:
        """Return the order to buy at its natural price, inside the window.

        Raises NotTriggered before the window or under the least premium, MarketClosed from the
        broker's cut-off on, and what nearest_delta raises: nothing is bought that nobody bids
        for.
        """
        first, last = self.require_window(view)
        pick = nearest_delta(view, self.right, self.delta)
        legs = (Leg(contract=pick.row.contract, intent=PositionIntent.BUY_TO_OPEN),)
        limit = natural_limit(legs, view)
        if limit < self.premium_min:
            raise NotTriggered(
                f"{label(pick.row.contract)} costs {limit}, less than the {self.premium_min} from "
                f"which it can be sold again",
                remedy="choose a larger delta",
            )
        return Proposal(
            intent=OrderIntent(strategy=self.name, legs=legs, qty=self.qty, limit=limit),
            facts=self._facts(view, pick, first, last),
            warnings=(
                "most such options expire worthless; the premium is the loss to expect",
                *misses(pick),
                *forward_warning(view),
            ),
            narrower=self.fewer(),
            exits=self.exits(EXITS),
        )

    def require_window(self, view: MarketView) -> tuple[datetime, datetime]:
        """Return the window, or raise NotTriggered before it and MarketClosed after it."""
        first, last = self.window(view.session, view.chain.underlying)
        if view.now < first:
            raise NotTriggered(
                f"the window opens at {new_york_text(first)}, "
                f"{self.opens.total_seconds() / 60:g} minutes before the close"
            )
        if view.now >= last:
            raise MarketClosed(
                f"the broker's cut-off for contracts expiring today was {new_york_text(last)}"
            )
        return first, last

    def _facts(
        self, view: MarketView, pick: DeltaPick, first: datetime, last: datetime
    ) -> tuple[tuple[str, str], ...]:
        contract = pick.row.contract
        worthless, touch = odds_of(view, contract)
        return (
            ("window", f"{new_york_text(first)} to {new_york_text(last)}, the broker's cut-off"),
            ("contract", label(contract)),
            ("expiry", contract.expiry.isoformat()),
            ("delta", achieved(pick)),
            ("strikes near", neighbours(pick)),
            ("market", market(pick.row)),
            ("expires worthless", _chance(worthless)),
            ("strike is touched", _chance(touch)),
        )


def odds_of(view: MarketView, contract: OptionContract) -> tuple[float, float]:
    """Return P(it expires worthless) and P(its strike is touched), risk-neutral.

    On the chain's own smile; NaN where that does not reach.
    """
    chain, strike = view.chain, float(contract.strike)
    if not chain.strikes or not isfinite(chain.forward):
        return float("nan"), float("nan")
    spread = Smile.through(chain.forward, chain.strikes, chain.total_vols).distribution()
    above = float(spread.prob_above(strike))
    return 1.0 - above if contract.is_call else above, spread.prob_touch(strike)


def _chance(value: float) -> str:
    return f"{value:.1%}, risk-neutral" if isfinite(value) else "unknown: beyond the smile"
