"""Verticals: one strike sold and one bought, of one right, as one order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.contracts import OptionContract, Right
from common.errors import BadArgument, NotTriggered
from common.exits import ExitTerms, parse_exit
from common.money import CENT, Price, on_tick, plain
from common.orders import Leg, OrderIntent, PositionIntent
from common.quotes import ChainRow, DeltaPick, MarketView
from services.strategies.base import Proposal, Request, natural_limit
from services.strategies.choice import (
    Facts,
    achieved,
    forward_warning,
    listed,
    market,
    misses,
    nearest_delta,
    neighbours,
)

CREDIT_EXITS = ExitTerms(stop=parse_exit("2x"), target=parse_exit("50%"))
DEBIT_EXITS = ExitTerms(stop=parse_exit("50%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertical(Request):
    """A same-day spread for a credit or a debit, by strikes or by delta and width.

    sold and bought: strikes. Without them the leg nearer the money is the one nearest delta, and
    the other lies width dollars further out. limit: dollars a share, the least credit or the
    most debit; None is the natural price.
    """

    credit: bool
    right: Right
    delta: float = 0.30
    width: int = 2
    sold: Price | None = None
    bought: Price | None = None
    limit: Price | None = None

    def __post_init__(self) -> None:
        """Refuse what is no such spread: BadArgument for what a caller said, else ValueError."""
        self.require_size()
        if self.width < 1 or not 0 < self.delta < 1:
            raise ValueError(f"not a vertical: {self!r}")
        if (self.sold is None) != (self.bought is None):
            raise BadArgument("sell_strike and buy_strike go together")
        if self.limit is not None and not _price(self.limit):
            raise BadArgument(f"limit: {self.limit} is not a positive multiple of {CENT}")
        if self.sold is not None and self.bought is not None:
            self._require_order(self.sold, self.bought)

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return f"option_{self._kind}_spread"

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return self.contracts if self.sold else f"width={self.width}, {self.contracts}"

    def propose(self, view: MarketView) -> Proposal:
        """Return one order of two legs, at the caller's limit or at its natural price.

        Raises NoSuchContract where a strike is missing, QuoteUnusable where a leg cannot be
        priced, NotTriggered when the price is no credit, or no debit, at all.
        """
        near, sold, bought = self._rows(view)
        legs = (
            Leg(contract=bought.contract, intent=PositionIntent.BUY_TO_OPEN),
            Leg(contract=sold.contract, intent=PositionIntent.SELL_TO_OPEN),
        )
        natural = natural_limit(legs, view)
        if self.limit is None:
            self._require_price(natural, legs)
        limit = natural if self.limit is None else self._sign * self.limit
        return Proposal(
            intent=OrderIntent(strategy=self.name, legs=legs, qty=self.qty, limit=limit),
            facts=(*_strikes(sold, bought), *self._choice(near), *self._price(natural, legs)),
            warnings=(*(misses(near) if near else ()), *forward_warning(view)),
            narrower=self._narrower(),
            limit_given=self.limit is not None,
            exits=self.exits(CREDIT_EXITS if self.credit else DEBIT_EXITS),
        )

    @property
    def _kind(self) -> str:
        return "credit" if self.credit else "debit"

    @property
    def _sign(self) -> int:
        return -1 if self.credit else 1

    @property
    def _outward(self) -> int:
        """+1 where further from the money is a higher strike."""
        return 1 if self.right is Right.CALL else -1

    def _require_order(self, sold: Price, bought: Price) -> None:
        """Refuse legs the other way round: they would be the other kind of spread."""
        near, far = (sold, bought) if self.credit else (bought, sold)
        if (far - near) * self._outward <= 0:
            nearer = "lower" if self.right is Right.CALL else "higher"
            verb = "sells" if self.credit else "buys"
            raise BadArgument(
                f"inverted legs: a {self.right.name.lower()} {self._kind} spread {verb} the "
                f"{nearer} strike; sold {plain(sold)}, bought {plain(bought)}",
                remedy="swap the strikes, or ask for the other kind of spread",
            )

    def _rows(self, view: MarketView) -> tuple[DeltaPick | None, ChainRow, ChainRow]:
        """Return how the nearer leg was chosen, the leg sold and the leg bought."""
        if self.sold is not None and self.bought is not None:
            return None, self._at(view, self.sold), self._at(view, self.bought)
        near = nearest_delta(view, self.right, self.delta)
        far = self._at(view, near.row.contract.strike + self._outward * self.width)
        return (near, near.row, far) if self.credit else (near, far, near.row)

    def _at(self, view: MarketView, strike: Price) -> ChainRow:
        contract = OptionContract(
            underlying=view.chain.underlying,
            expiry=view.session.day,
            strike=strike,
            right=self.right,
        )
        return listed(view, contract)

    def _require_price(self, natural: Price, legs: tuple[Leg, ...]) -> None:
        if natural * self._sign <= 0:
            strikes = "/".join(plain(leg.contract.strike) for leg in legs)
            raise NotTriggered(
                f"{strikes} brings no {self._kind}: the natural price is {natural} net"
            )

    def _choice(self, near: DeltaPick | None) -> Facts:
        if near is None:
            return ()
        leg = "sold" if self.credit else "bought"
        return ((f"delta {leg}", achieved(near)), ("strikes near", neighbours(near)))

    def _price(self, natural: Price, legs: tuple[Leg, ...]) -> Facts:
        width = abs(legs[0].contract.strike - legs[1].contract.strike)
        price = natural * self._sign
        given = () if self.limit is None else (("limit given", f"{self.limit} a share"),)
        return (
            (self._kind, f"{price} a share at the natural price"),
            (f"{self._kind} of width", f"{price / width:.1%}"),
            *given,
        )

    def _narrower(self) -> tuple[Vertical, ...]:
        """Fewer contracts, then narrower: the nearest first. A price given is of one width."""
        if self.sold is not None or self.limit is not None:
            return self.fewer()
        narrow = [replace(self, width=width) for width in range(self.width - 1, 0, -1)]
        both = [spread.sized(1) for spread in narrow] if self.qty > 1 else []
        return (*self.fewer(), *narrow, *both)


def _price(limit: Price) -> bool:
    return limit.is_finite() and limit > 0 and on_tick(limit, CENT)


def _strikes(sold: ChainRow, bought: ChainRow) -> Facts:
    return (
        ("strikes", f"sold {plain(sold.contract.strike)}, bought {plain(bought.contract.strike)}"),
        ("expiry", sold.contract.expiry.isoformat()),
        ("market sold", market(sold)),
        ("market bought", market(bought)),
    )
