"""The iron condor: sell a call and a put near a delta, buy the wings a width away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from common.contracts import OptionContract, Right
from common.errors import NotTriggered
from common.money import plain
from common.orders import Leg, OrderIntent, PositionIntent
from common.quotes import DeltaPick, MarketView
from services.strategies.base import Proposal, natural_limit, nearest_delta, neighbours

THIN_CREDIT = Decimal("0.25")  # of the width; a 30-delta condor usually brings a third
WIDE_MISS = 0.05  # of delta, worth a warning


@dataclass(frozen=True, slots=True, kw_only=True)
class IronCondor:
    """Same-day shorts nearest short_delta on each side, wings width dollars beyond them."""

    width: int = 10
    short_delta: float = 0.30
    qty: int = 1

    def __post_init__(self) -> None:
        """Refuse parameters that are no condor, by ValueError."""
        if self.width < 1 or self.qty < 1 or not 0 < self.short_delta < 1:
            raise ValueError(f"not a condor: {self!r}")

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return "iron_condor"

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return f"width={self.width}, contracts={self.qty}"

    def propose(self, view: MarketView) -> Proposal:
        """Return one order of four legs at its natural credit.

        Raises NoSuchContract where a strike is missing, QuoteUnusable where a leg cannot be
        priced, NotTriggered when the natural price brings no credit.
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
        if limit >= 0:
            raise NotTriggered(
                f"a condor of {self._strikes(legs)} brings no credit: the natural price is a "
                f"debit of {limit}"
            )
        return Proposal(
            intent=OrderIntent(strategy=self.name, legs=legs, qty=self.qty, limit=limit),
            facts=self._facts(put, call, legs, -limit),
            warnings=self._warnings(view, put, call, -limit),
            narrower=self._narrower(),
        )

    def _narrower(self) -> tuple[IronCondor, ...]:
        """Fewer contracts, then narrower wings, then the two together: the nearest first."""
        fewer = [replace(self, qty=qty) for qty in range(self.qty - 1, 0, -1)]
        narrow = [replace(self, width=width) for width in range(self.width - 1, 0, -1)]
        both = [replace(condor, qty=1) for condor in narrow] if self.qty > 1 else []
        return (*fewer, *narrow, *both)

    @staticmethod
    def _require_apart(put: DeltaPick, call: DeltaPick) -> None:
        low, high = put.row.contract, call.row.contract
        if low.strike >= high.strike:
            raise NotTriggered(
                f"{_label(low)} would not lie below {_label(high)}; too little time is left for "
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
            ("short put delta", f"{put.achieved:+.3f}, wanted {put.target:+.2f}"),
            ("put strikes near", neighbours(put)),
            ("short call delta", f"{call.achieved:+.3f}, wanted {call.target:+.2f}"),
            ("call strikes near", neighbours(call)),
            ("credit", f"{credit} a share at the natural price"),
            ("credit of width", f"{credit / self.width:.1%}"),
        )

    def _warnings(
        self, view: MarketView, put: DeltaPick, call: DeltaPick, credit: Decimal
    ) -> tuple[str, ...]:
        found = [
            f"{_label(pick.row.contract)} is {abs(pick.achieved - pick.target):.3f} away from "
            f"the wanted delta"
            for pick in (put, call)
            if abs(pick.achieved - pick.target) > WIDE_MISS
        ]
        if credit < THIN_CREDIT * self.width:
            found.append(
                f"the credit is {credit / self.width:.1%} of the width, below {THIN_CREDIT:.0%}"
            )
        if view.chain.forward_source != "parity":
            found.append(f"the forward is {view.chain.forward_source}, not from put-call parity")
        return tuple(found)


def _label(contract: OptionContract) -> str:
    return f"the {plain(contract.strike)} {contract.right.name.lower()}"
