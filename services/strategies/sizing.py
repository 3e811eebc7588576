"""How many units a budget of risk buys: the least of four bounds, and which one it was.

floor(min(risk / worst loss, premium cap / premium, buying power / cost, share of what is
displayed)), by one unit as it would be sent: at its limit, with its fees. A price alone never
decides a size.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from common.errors import TooLarge
from common.fees import round_trip_fees
from common.money import ZERO, Dollars
from common.orders import OrderIntent
from common.portfolio import Account
from common.pricing.payoff import universal_spread_margin
from common.quotes import MarketView, Quote
from services.portfolio.worst_case import order_worst_case


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """What bounds a size beside the risk given. Values of Settings.

    premium_max: dollars of premium one order may pay. displayed_share: of the contracts shown on
    the thinnest touch the order would take; one contract is always allowed where one is shown.
    """

    premium_max: Dollars = Decimal(500)
    displayed_share: Decimal = Decimal("0.20")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A number of units and every bound on it, the deciding one first."""

    qty: int
    bounds: tuple[tuple[int, str], ...]  # units, and why

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The size and its bounds, for the preview."""
        (most, why), *others = self.bounds
        return (
            ("size", f"{most} by {why}"),
            ("size would be", "; ".join(f"{units} by {bound}" for units, bound in others)),
        )


def size_of(
    unit: OrderIntent,
    risk: Dollars,
    *,
    most: int,
    view: MarketView,
    account: Account,
    limits: SizeLimits,
) -> Size:
    """Return how many units of an order fit a risk in dollars, at most `most`.

    unit: the order with quantity 1 at the limit it would be sent with. Raises TooLarge, with
    the bound in numbers, when not even one fits or its loss has no bound.
    """
    worst = order_worst_case(unit, view.session.day)
    if worst is None:
        raise TooLarge("the loss of one unit has no bound, so no budget of risk can size it")
    costs = (
        (risk, worst, "the risk given"),
        (limits.premium_max, unit.net_cost, "the premium cap"),
        (account.options_buying_power, _cost(unit, view), "the buying power"),
    )
    bounds = [_by_dollars(*cost) for cost in costs if cost[1] > ZERO]
    bounds += [_by_display(unit, view, limits.displayed_share), (most, "the contracts allowed")]
    bounds.sort(key=lambda bound: bound[0])
    found = Size(qty=bounds[0][0], bounds=tuple(bounds))
    if found.qty < 1:
        raise TooLarge(f"not one unit fits {bounds[0][1]}")
    return found


def _cost(unit: OrderIntent, view: MarketView) -> Dollars:
    """Return what the broker asks for one unit: spread margin, net price and fees."""
    legs = [(leg.signed_ratio, leg.contract.right, leg.contract.strike) for leg in unit.legs]
    fees = round_trip_fees(unit, view.session.day)
    return universal_spread_margin(legs) + unit.net_cost + fees


def _by_dollars(budget: Dollars, each: Dollars, what: str) -> tuple[int, str]:
    """Return how many units of a positive price a budget pays for."""
    units = int((max(budget, ZERO) / each).to_integral_value(rounding=ROUND_FLOOR))
    return units, f"{what} (${budget:.2f} at ${each:.2f} each)"


def _by_display(unit: OrderIntent, view: MarketView, share: Decimal) -> tuple[int, str]:
    """Return how many units a share of the thinnest touch allows."""
    shown = min(
        _displayed(leg.signed_ratio, view.chain.row(leg.contract).quote) // leg.ratio
        for leg in unit.legs
    )
    units = max(int(shown * share), min(shown, 1))
    return units, f"the size displayed ({shown} at {share:.0%})"


def _displayed(signed_ratio: int, quote: Quote | None) -> int:
    """Return the contracts shown on the side a leg would take, 0 without a quote."""
    if quote is None:
        return 0
    return quote.ask_size if signed_ratio > 0 else quote.bid_size
