"""The iron condor: sell a call and a put near a delta, buy the wings a width away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from common.contracts import Right
from common.errors import NotTriggered
from common.exits import ExitTerms, parse_exit
from common.money import plain
from common.orders import Leg, OrderIntent, PositionIntent
from common.quotes import DeltaPick, MarketView
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

THIN_CREDIT = Decimal("0.25")  # of the width; a 30-delta condor usually brings a third
# Each side by itself, once closing it costs the whole credit: the other side's share is then
# still to be kept. Half the credit is enough.
EXITS = ExitTerms(stop=parse_exit("1x"), target=parse_exit("50%"), per_side=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class IronCondor(Request):
    """Same-day shorts nearest short_delta on each side, wings width dollars beyond them.

    credit_min: the least natural credit that is sold, as a share of the width.
    """

    width: int = 10
    short_delta: float = 0.30
    credit_min: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse parameters that are no condor, by ValueError."""
        self.require_size()
        shares = 0 < self.short_delta < 1 and 0 <= self.credit_min < 1
        if self.width < 1 or not shares:
            raise ValueError(f"not a condor: {self!r}")

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return "iron_condor"

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return f"width={self.width}, {self.contracts}"

    def propose(self, view: MarketView) -> Proposal:
        """Return one order of four legs at its natural credit.

        Raises NoSuchContract where a strike is missing, QuoteUnusable where a leg cannot be
        priced, NotTriggered when the natural price brings no credit or less than credit_min.
        """
        put = nearest_delta(view, Right.PUT, self.short_delta)
        call = nearest_delta(view, Right.CALL, self.short_delta)
        self._require_apart(put, call)
        legs = (
            self._leg(view, put, Decimal(-self.width), PositionIntent.BUY_TO_OPEN),
            self._leg(view, put, Decimal(0), PositionIntent.SELL_TO_OPEN),
            self._leg(view, call, Decimal(0), PositionIntent.SELL_TO_OPEN),
            self._leg(view, call, Decimal(self.width), PositionIntent.BUY_TO_OPEN),
        )
        limit = natural_limit(legs, view)
        self._require_credit(legs, -limit)
        return Proposal(
            intent=OrderIntent(strategy=self.name, legs=legs, qty=self.qty, limit=limit),
            facts=self._facts(put, call, legs, -limit),
            warnings=self._warnings(view, put, call, -limit),
            narrower=self._narrower(),
            exits=self.exits(EXITS),
        )

    def _require_credit(self, legs: tuple[Leg, ...], credit: Decimal) -> None:
        strikes = self._strikes(legs)
        if credit <= 0:
            raise NotTriggered(
                f"a condor of {strikes} brings no credit: the natural price is a debit of {-credit}"
            )
        if credit < self.credit_min * self.width:
            raise NotTriggered(
                f"a condor of {strikes} brings {credit}, {credit / self.width:.1%} of its width; "
                f"at least {self.credit_min:.0%} is wanted",
                remedy="choose narrower wings, or another short delta",
            )

    def _narrower(self) -> tuple[IronCondor, ...]:
        """Fewer contracts, then narrower wings, then the two together: the nearest first."""
        fewer = self.fewer()
        narrow = [replace(self, width=width) for width in range(self.width - 1, 0, -1)]
        both = [condor.sized(1) for condor in narrow] if self.qty > 1 else []
        return (*fewer, *narrow, *both)

    @staticmethod
    def _require_apart(put: DeltaPick, call: DeltaPick) -> None:
        low, high = put.row.contract, call.row.contract
        if low.strike >= high.strike:
            raise NotTriggered(
                f"{label(low)} would not lie below {label(high)}; too little time is left for "
                f"strikes this coarse"
            )

    @staticmethod
    def _leg(view: MarketView, pick: DeltaPick, away: Decimal, intent: PositionIntent) -> Leg:
        short = pick.row.contract
        row = view.chain.at_strike(short.right, short.strike + away)
        return Leg(contract=row.contract, intent=intent)

    @staticmethod
    def _strikes(legs: tuple[Leg, ...]) -> str:
        return "/".join(plain(leg.contract.strike) for leg in legs)

    def _facts(
        self, put: DeltaPick, call: DeltaPick, legs: tuple[Leg, ...], credit: Decimal
    ) -> tuple[tuple[str, str], ...]:
        return (
            ("strikes", self._strikes(legs)),
            ("expiry", put.row.contract.expiry.isoformat()),
            ("short put delta", achieved(put)),
            ("put strikes near", neighbours(put)),
            ("short put market", market(put.row)),
            ("short call delta", achieved(call)),
            ("call strikes near", neighbours(call)),
            ("short call market", market(call.row)),
            ("credit", f"{credit} a share at the natural price"),
            ("credit of width", f"{credit / self.width:.1%}"),
        )

    def _warnings(
        self, view: MarketView, put: DeltaPick, call: DeltaPick, credit: Decimal
    ) -> tuple[str, ...]:
        thin = credit < THIN_CREDIT * self.width
        share = f"the credit is {credit / self.width:.1%} of the width, below {THIN_CREDIT:.0%}"
        return (*misses(put, call), *([share] if thin else []), *forward_warning(view))
