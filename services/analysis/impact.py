"""What an order would make of the account: each figure before it and after its fill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from common.contracts import OptionContract, Right
from common.errors import MarketDataMissing
from common.money import ZERO, Dollars
from common.orders import OrderIntent
from common.portfolio import Exposure, Position
from common.pricing.payoff import universal_spread_margin
from common.quotes import MarketView
from services.analysis.book import holding_legs, order_legs
from services.analysis.scenarios import HeldLeg
from services.analysis.var import HORIZON_MINUTES, BookRisk, book_risk
from services.portfolio.greeks import Sensitivity, greeks_of_legs, greeks_of_positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account at one moment. None is not known.

    margin: what the broker holds for all positions. greeks: of everything held. var_99 and
    es_975: dollars over the next half hour. strike_contracts and expiry_contracts: the most at
    one strike of one right, and of one expiry, long and short together.
    """

    cash: Dollars
    options_buying_power: Dollars | None
    margin: Dollars | None
    greeks: Sensitivity | None
    var_99: float | None
    es_975: float | None
    strike_contracts: int
    expiry_contracts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """An account before an order and after it filled whole, at its limit, with its fees."""

    before: Standing
    after: Standing


def impact(
    intent: OrderIntent,
    exposure: Exposure,
    view: MarketView,
    entry_fees: Dollars,
    tail: BookRisk | None = None,
) -> Impact:
    """Return what filling an order at its limit makes of the account.

    The margin of the order's underlying and expiry is reckoned with what is held of them, by the
    universal spread rule; what other expiries hold stays. Only the price of the fill can differ:
    every cent a share better leaves a dollar a unit more of cash and of buying power. tail: of
    the account with the order filled, where it has been reckoned already.
    """
    account, chain = exposure.account, view.chain
    held = [(p, p.contract) for p in exposure.positions if p.contract is not None]
    contracts = Counter({contract: int(p.qty) for p, contract in held})
    filled = contracts.copy()
    for leg in intent.legs:
        filled[leg.contract] += leg.signed_ratio * intent.qty
    margins = _margin(contracts, intent), _margin(filled, intent)
    spent = intent.net_cost + entry_fees
    greeks = greeks_of_positions(exposure.positions, chain).total
    added = greeks_of_legs(intent.legs, intent.qty, chain).total
    risk, after = _risks(exposure.positions, intent, view, tail)
    known, margin = all(one.is_finite() for one in margins), account.maintenance_margin
    more = margins[1] - margins[0] if known else ZERO
    return Impact(
        before=_standing(
            account.cash, account.options_buying_power, margin, greeks, risk, contracts
        ),
        after=_standing(
            account.cash - spent,
            account.options_buying_power - spent - more if known else None,
            margin + more if known else None,
            None if greeks is None or added is None else greeks.plus(added),
            after,
            filled,
        ),
    )


def _standing(
    cash: Dollars,
    power: Dollars | None,
    margin: Dollars | None,
    greeks: Sensitivity | None,
    risk: BookRisk | None,
    contracts: Counter[OptionContract],
) -> Standing:
    by_expiry: Counter[tuple[str, object]] = Counter()
    for contract, qty in contracts.items():
        by_expiry[contract.underlying, contract.expiry] += abs(qty)
    return Standing(
        cash=cash,
        options_buying_power=power,
        margin=margin,
        greeks=greeks,
        var_99=None if risk is None else risk.var_99,
        es_975=None if risk is None else risk.es_975,
        strike_contracts=max((abs(qty) for qty in contracts.values()), default=0),
        expiry_contracts=max(by_expiry.values(), default=0),
    )


def _margin(contracts: Counter[OptionContract], intent: OrderIntent) -> Dollars:
    """Return the margin of the holdings the order belongs to; infinite where a call is naked."""
    first = intent.legs[0].contract
    legs: list[tuple[int, Right, Dollars]] = [
        (qty, contract.right, contract.strike)
        for contract, qty in contracts.items()
        if (contract.underlying, contract.expiry) == (first.underlying, first.expiry) and qty
    ]
    return universal_spread_margin(legs)


def _risks(
    positions: Iterable[Position], intent: OrderIntent, view: MarketView, tail: BookRisk | None
) -> tuple[BookRisk | None, BookRisk | None]:
    """Return the tail of the book without and with the order; None where it has no price."""
    try:
        held = holding_legs(positions, view.chain)
    except MarketDataMissing:
        return None, None

    def over(legs: tuple[HeldLeg, ...]) -> BookRisk:
        return book_risk(legs, view.chain, view.moves, HORIZON_MINUTES)

    return over(held), tail or over((*held, *order_legs(intent)))
