"""Options by hand: one to four legs that the caller names, opened or closed as one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from common.contracts import option_tick
from common.errors import BadArgument, QuoteUnusable
from common.exits import ExitTerms
from common.money import CENT, Price, on_tick, plain
from common.orders import Leg, OrderIntent
from common.quotes import MarketView
from services.strategies.base import Proposal, Request, natural_limit
from services.strategies.choice import Facts, forward_warning, label, listed, market
from services.strategies.vertical import CREDIT_EXITS, DEBIT_EXITS

LEGS_MAX: Final = 4
OPENING, CLOSING = "option_order", "close_position"  # what the orders are named
MARKETABLE: Final = (
    "sent as a limit order at the market, never as a market order: it fills no worse than the "
    "limit shown, and is canceled where it does not fill"
)

WITHOUT_A_MARKET: Final = "close_all_positions offers what nobody bids for at the least price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom(Request):
    """One order of contracts that expire today: all its legs open, or all close what is held.

    limit: net dollars a share, a debit positive and a credit negative; None is the natural
    price. beware: what is to be told about it besides. Whether every short leg is covered, and
    whether what it closes is held, is risk's to say.
    """

    legs: tuple[Leg, ...]
    limit: Price | None = None
    beware: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no order: BadArgument for what a caller said, else ValueError."""
        self.require_size()
        if not 1 <= len(self.legs) <= LEGS_MAX:
            raise BadArgument(f"legs: 1 to {LEGS_MAX}, not {len(self.legs)}")
        if len({leg.contract for leg in self.legs}) < len(self.legs):
            raise BadArgument("legs: a contract stands in two of them", remedy="use ratio_qty")
        if len({leg.intent.opens for leg in self.legs}) > 1:
            raise BadArgument(
                "legs: some open and some close",
                remedy="close what is held first, then open the new position",
            )
        if self.limit is not None:
            self._require_price(self.limit)

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return CLOSING if self.closes else OPENING

    @property
    def closes(self) -> bool:
        """Whether it only closes what is held."""
        return not any(leg.intent.opens for leg in self.legs)

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return f"quantity={self.qty}"

    def propose(self, view: MarketView) -> Proposal:
        """Return the order at the caller's limit or at its natural price.

        Raises NoSuchContract for what does not expire today, QuoteUnusable where a leg cannot
        be priced.
        """
        rows = [listed(view, leg.contract) for leg in self.legs]
        natural = self._natural(view)
        intent = OrderIntent(
            strategy=self.name,
            legs=self.legs,
            qty=self.qty,
            limit=natural if self.limit is None else self.limit,
        )
        return Proposal(
            intent=intent,
            facts=(
                ("expiry", view.chain.expiry.isoformat()),
                *((f"market of {label(row.contract)}", market(row)) for row in rows),
                *self._price(natural),
            ),
            warnings=(*self.beware, *self._rests(natural), *forward_warning(view)),
            narrower=() if self.closes else self.fewer(),
            limit_given=self.limit is not None,
            exits=self._exits(natural),
        )

    def _natural(self, view: MarketView) -> Price:
        try:
            return natural_limit(self.legs, view)
        except QuoteUnusable as e:
            if self.closes:
                e.remedy = WITHOUT_A_MARKET
            raise

    def _exits(self, natural: Price) -> ExitTerms:
        if self.closes:
            return ExitTerms()
        if natural == 0:
            return self.exits(ExitTerms())  # a share of nothing is no exit
        return self.exits(CREDIT_EXITS if natural < 0 else DEBIT_EXITS)

    def _price(self, natural: Price) -> Facts:
        if self.limit is None:
            return (("order type", MARKETABLE),)
        return (("limit given", f"{self.limit} net a share, natural is {natural}"),)

    def _rests(self, natural: Price) -> tuple[str, ...]:
        if self.limit is None or self.limit >= natural:
            return ()
        return (f"the limit is better than the natural price {natural}: it may rest unfilled",)

    def _require_price(self, limit: Price) -> None:
        """Refuse a limit off the price grid, and one that pays to sell or is paid to buy."""
        tick = CENT
        if len(self.legs) == 1:
            [leg] = self.legs
            tick = option_tick(leg.contract.underlying, limit)
            if not limit * leg.side.sign > 0:
                raise BadArgument(f"limit_price: {plain(abs(limit))} is no price to trade at")
        if not (limit.is_finite() and on_tick(limit, tick)):
            raise BadArgument(f"limit_price: {limit} is not a multiple of the tick {tick}")
