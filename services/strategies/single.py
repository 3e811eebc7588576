"""Single contracts at the caller's own limit: bought to open, sold to close."""

from __future__ import annotations

from dataclasses import dataclass

from common.contracts import OptionContract, Right, option_tick
from common.errors import BadArgument
from common.exits import ExitTerms, parse_exit
from common.money import Price, on_tick
from common.orders import Leg, OrderIntent, PositionIntent
from common.quotes import ChainRow, DeltaPick, MarketView, Quote
from services.strategies.base import Proposal, Request
from services.strategies.choice import (
    achieved,
    forward_warning,
    label,
    listed,
    market,
    misses,
    nearest_delta,
    neighbours,
    takeable,
)

EXITS = ExitTerms(stop=parse_exit("50%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Single(Request):
    """One contract expiring today, by its symbol, or by right and either strike or delta.

    limit: dollars a share, the most to pay or the least to take. It may rest below the ask, or
    above the bid, unfilled. A sale only closes: how much is held is risk's to say.
    """

    buys: bool
    limit: Price
    contract: OptionContract | None = None
    right: Right | None = None
    strike: Price | None = None
    delta: float | None = None

    def __post_init__(self) -> None:
        """Refuse what names no contract or no price, by BadArgument; no size, by ValueError."""
        self.require_size()
        chosen = (self.strike is not None) + (self.delta is not None)
        by_symbol = self.contract is not None and self.right is None and not chosen
        if not by_symbol and (self.contract is not None or self.right is None or chosen != 1):
            raise BadArgument("name the contract by symbol, or by right with strike or delta")
        if not (self.limit.is_finite() and self.limit > 0):
            raise BadArgument(f"limit: {self.limit} is not a price")

    @property
    def name(self) -> str:
        """The name its orders carry."""
        return f"{'buy' if self.buys else 'sell'}_option_limit"

    @property
    def closes(self) -> bool:
        """Whether it only closes what is held: a sale does."""
        return not self.buys

    @property
    def terms(self) -> str:
        """Its size as the tool's arguments say it."""
        return self.contracts

    def propose(self, view: MarketView) -> Proposal:
        """Return the order at the caller's limit.

        Raises BadArgument for a limit off the tick, NoSuchContract for what does not expire
        today, QuoteUnusable where there is no touch to hold the limit against.
        """
        pick, row = self._row(view)
        self._require_tick(row.contract)
        quote = takeable(row, sold=not self.buys)
        intent = PositionIntent.BUY_TO_OPEN if self.buys else PositionIntent.SELL_TO_CLOSE
        return Proposal(
            intent=OrderIntent(
                strategy=self.name,
                legs=(Leg(contract=row.contract, intent=intent),),
                qty=self.qty,
                limit=self.limit if self.buys else -self.limit,
            ),
            facts=(
                ("contract", label(row.contract)),
                ("expiry", row.contract.expiry.isoformat()),
                *(
                    (("delta", achieved(pick)), ("strikes near", neighbours(pick)))
                    if pick is not None
                    else ()
                ),
                ("market", market(row)),
                ("limit given", f"{self.limit} a share, ${self.limit * 100:.2f} a contract"),
            ),
            warnings=(*self._warnings(quote), *_of_choice(pick, view)),
            narrower=self.fewer(),
            limit_given=True,
            exits=self.exits(EXITS) if self.buys else ExitTerms(),
        )

    def _row(self, view: MarketView) -> tuple[DeltaPick | None, ChainRow]:
        """Return how it was chosen by delta, if it was, and its row."""
        if self.contract is not None:
            return None, listed(view, self.contract)
        if self.right is None:  # __post_init__ has refused it
            raise BadArgument("right: call or put")
        if self.strike is None:
            pick = nearest_delta(view, self.right, self.delta or 0.0)
            return pick, pick.row
        contract = OptionContract(
            underlying=view.chain.underlying,
            expiry=view.session.day,
            strike=self.strike,
            right=self.right,
        )
        return None, listed(view, contract)

    def _require_tick(self, contract: OptionContract) -> None:
        tick = option_tick(contract.underlying, self.limit)
        if not on_tick(self.limit, tick):
            raise BadArgument(f"limit: {self.limit} is not a multiple of the tick {tick}")

    def _warnings(self, quote: Quote) -> tuple[str, ...]:
        if self.buys and self.limit < quote.ask:
            return (f"the limit lies below the ask {quote.ask}: it may rest unfilled all day",)
        if not self.buys and self.limit > quote.bid:
            return (f"the limit lies above the bid {quote.bid}: it may rest unfilled all day",)
        if not self.buys and self.limit < quote.bid:
            return (f"the limit lies {quote.bid - self.limit} below the bid {quote.bid}",)
        return ()


def _of_choice(pick: DeltaPick | None, view: MarketView) -> tuple[str, ...]:
    return () if pick is None else (*misses(pick), *forward_warning(view))
