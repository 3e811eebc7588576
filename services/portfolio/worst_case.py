"""The most that orders and holdings can lose: pure, exact, and never too little.

Worst cases of separate things are added up. The worst of a sum is never below the sum of the
worsts, so what hedges across orders, expiries or underlyings is ignored, on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from common.contracts import OPTION_MULTIPLIER, OptionContract
from common.fees import round_trip_fees
from common.money import ZERO, Dollars, Price
from common.orders import OrderIntent
from common.portfolio import Position
from common.pricing.payoff import Payoff, PayoffLeg
from common.session import LATE_CLOSE

# How far a share may run against its holder within one session. A broad fund is halted at 7%,
# the first market-wide circuit breaker; one company or coin has no such stop, so 20%.
BROAD_MOVE = Decimal("0.07")
SINGLE_MOVE = Decimal("0.20")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """Dollars, >= 0, that may still be lost from here; None with the reasons when unknown."""

    at_risk: Dollars | None
    unknown: tuple[str, ...] = ()


def order_payoff(intent: OrderIntent, *, fees: Dollars = ZERO) -> Payoff:
    """Return an order's payoff at expiry as filled at its limit; fees: for the whole order.

    The net limit is booked on the first leg: profit depends on the sum of prices alone.
    """
    first = intent.legs[0]
    return Payoff(
        legs=tuple(
            PayoffLeg(
                qty=leg.signed_ratio * intent.qty,
                price=intent.limit / first.signed_ratio if leg is first else ZERO,
                right=leg.contract.right,
                strike=leg.contract.strike,
            )
            for leg in intent.legs
        ),
        fees=fees,
    )


def order_worst_case(intent: OrderIntent, day: date) -> Dollars | None:
    """Return what an order may lose with its round-trip fees; None when without bound.

    An order that closes loses nothing beyond what the position already has at risk. No bound is
    claimed for legs of different expiries, which the desk does not send.
    """
    fees = round_trip_fees(intent, day)
    if not intent.opens:
        return fees
    if len({leg.contract.expiry for leg in intent.legs}) > 1:
        return None
    return order_payoff(intent, fees=fees).max_loss


def holdings_worst_case(
    positions: Iterable[Position], exit_prices: Mapping[str, Price | None]
) -> WorstCase:
    """Return what open positions may still lose from their natural exit value.

    exit_prices: per share by symbol, the touch each holding would leave at; None is unknown.
    Options are taken to expiry at their worst underlying price, per underlying and expiry;
    shares and coins by a move of 7% (broad funds) or 20% against them.
    """
    reasons: list[str] = []
    at_risk = ZERO
    books: dict[tuple[str, date], list[tuple[int, Price, OptionContract]]] = {}
    for position in positions:
        price = exit_prices.get(position.symbol)
        contract = position.contract
        if price is None:
            reasons.append(f"{position.symbol} has no price to leave at")
        elif contract is not None:
            book = books.setdefault((contract.underlying, contract.expiry), [])
            book.append((int(position.qty), price, contract))
        else:
            at_risk += abs(position.qty) * price * stress_move(position.symbol)
    for (underlying, expiry), book in books.items():
        floor = _expiry_floor(book)
        if floor is None:
            reasons.append(f"{underlying} {expiry} holds uncovered short calls: no bound")
        else:
            at_risk += max(-floor, ZERO)
    return WorstCase(at_risk=None if reasons else at_risk, unknown=tuple(reasons))


def least_values(positions: Iterable[Position]) -> Mapping[tuple[str, date], Dollars | None]:
    """Return what the options of each underlying and expiry are worth there at the least.

    Dollars, owed ones negative; None without bound. No price to leave at is a truer value than
    this when it is lower: they can be held.
    """
    books: dict[tuple[str, date], list[tuple[int, Price, OptionContract]]] = {}
    for position in positions:
        if (contract := position.contract) is not None:
            book = books.setdefault((contract.underlying, contract.expiry), [])
            book.append((int(position.qty), ZERO, contract))
    return {group: _expiry_floor(book) for group, book in books.items()}


def stress_move(symbol: str) -> Decimal:
    """Return the move against a share or coin that is counted as its worst of a session."""
    return BROAD_MOVE if symbol in LATE_CLOSE else SINGLE_MOVE


def _expiry_floor(book: list[tuple[int, Price, OptionContract]]) -> Dollars | None:
    """Return the least profit at expiry of (qty, price, contract); None when without bound."""
    legs = tuple(
        PayoffLeg(
            qty=qty,
            price=price,
            right=contract.right,
            strike=contract.strike,
            multiplier=OPTION_MULTIPLIER,
        )
        for qty, price, contract in book
        if qty != 0
    )
    return Payoff(legs=legs).worst if legs else ZERO
