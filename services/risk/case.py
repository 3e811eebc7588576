"""The one case that every limit is applied to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from common.errors import MarketDataMissing
from common.fees import round_trip_fees
from common.limits import Halt
from common.money import ZERO, Dollars, Price
from common.orders import OrderIntent
from common.portfolio import Exposure
from common.pricing.payoff import Payoff, universal_spread_margin
from common.quotes import ChainRow, MarketView, natural
from services.analysis.book import holding_legs, order_legs
from services.analysis.var import HORIZON_MINUTES, BookRisk, book_risk, unknown_risk
from services.portfolio.worst_case import order_payoff
from services.risk.activity import Activity
from services.risk.lean import Lean
from services.risk.limits import RiskLimits

RECKONABLE: Final = 1_000_000  # units or ratio; above, money would leave decimal's exact digits


class Judged(Protocol):
    """What the limits look at that hold for every order, whatever it trades."""

    @property
    def limits(self) -> RiskLimits:
        """The bounds."""
        ...

    @property
    def exposure(self) -> Exposure:
        """The account."""
        ...

    @property
    def halt(self) -> Halt:
        """How far trading is halted."""
        ...

    @property
    def activity(self) -> Activity:
        """The session's past."""
        ...

    @property
    def intent(self) -> object | None:
        """The order, if there is one."""
        ...

    @property
    def order_risk(self) -> Dollars | None:
        """The most the order can lose with its fees; None when there is no bound."""
        ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a rule looks at: the account, the market, the past, and the order if there is one.

    entries_max: how often the order's strategy enters in a session, None for any number.
    """

    limits: RiskLimits
    exposure: Exposure
    view: MarketView
    halt: Halt
    intent: OrderIntent | None
    activity: Activity
    entries_max: int | None = None

    @cached_property
    def rows(self) -> dict[str, ChainRow | None]:
        """Each leg's row of the chain by symbol, None where the chain does not list it."""
        legs = self.intent.legs if self.intent is not None else ()
        return {leg.contract.symbol: self.view.chain.find(leg.contract) for leg in legs}

    @cached_property
    def formed(self) -> OrderIntent | None:
        """The order if it can be reckoned with at all; the rules on its form say what is wrong."""
        intent = self.intent
        if intent is None or not intent.legs or not intent.limit.is_finite():
            return None
        sizes = (intent.qty, *(leg.ratio for leg in intent.legs))
        return intent if all(1 <= size <= RECKONABLE for size in sizes) else None

    @cached_property
    def fees(self) -> Dollars:
        """The order's estimated fees, in and out."""
        return round_trip_fees(self.formed, self.view.session.day) if self.formed else ZERO

    @cached_property
    def payoff(self) -> Payoff | None:
        """The order's payoff at expiry as filled at its limit, with its fees.

        None when it cannot be had: no order, a malformed one, or legs of several expiries.
        """
        intent = self.formed
        if intent is None or len({leg.contract.expiry for leg in intent.legs}) > 1:
            return None
        return order_payoff(intent, fees=self.fees)

    @cached_property
    def order_risk(self) -> Dollars | None:
        """The most the order can lose with its fees; None when there is no bound."""
        return self.payoff.max_loss if self.payoff is not None else None

    @cached_property
    def order_cost(self) -> Dollars | None:
        """What the broker asks for: universal spread margin, net price and fees.

        Infinite where a short call is uncovered; None as for payoff.
        """
        if self.payoff is None or self.intent is None:
            return None
        legs = [
            (leg.signed_ratio * self.intent.qty, leg.contract.right, leg.contract.strike)
            for leg in self.intent.legs
        ]
        return universal_spread_margin(legs) + self.intent.net_cost + self.fees

    @cached_property
    def natural(self) -> Price | None:
        """The natural price of the order now; None when any leg cannot be taken."""
        if self.intent is None:
            return None
        quotes = []
        for leg in self.intent.legs:
            row = self.rows[leg.contract.symbol]
            if row is None or row.quote is None or not row.quote.two_sided:
                return None
            quotes.append((leg.signed_ratio, row.quote))
        return natural(quotes)

    @cached_property
    def lean(self) -> Lean:
        """How the account would lean with the order; without it where it is malformed."""
        return Lean(
            limits=self.limits,
            exposure=self.exposure,
            chain=self.view.chain,
            session=self.view.session,
            now=self.view.now,
            intent=self.formed,
            reckonable=self.intent is None or self.formed is not None,
        )

    @cached_property
    def tails(self) -> tuple[BookRisk, ...]:
        """What the book may lose in half an hour with this order filled.

        Twice where orders are pending: without them and with all of them.
        """
        pending = self.exposure.pending
        wanted = (self.formed,) if self.formed is not None else ()
        books = [wanted] if not pending else [wanted, (*pending, *wanted)]
        return tuple(self._tail(orders) for orders in books)

    def _tail(self, orders: tuple[OrderIntent, ...]) -> BookRisk:
        chain = self.view.chain
        try:
            held = holding_legs(self.exposure.positions, chain)
            if (held or orders) and not chain.minutes > 0:
                raise MarketDataMissing("the session is over")
        except MarketDataMissing as e:
            return unknown_risk(HORIZON_MINUTES, str(e))
        legs = (*held, *(leg for order in orders for leg in order_legs(order)))
        return book_risk(legs, chain, self.view.moves, HORIZON_MINUTES)
