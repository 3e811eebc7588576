"""What trading options costs besides the price: a dated table, and an order's estimate.

Commission is zero. What is passed through is per contract and accumulates per account and
day, each kind rounded up to the cent, so an order taken alone is estimated a cent or two high
and never low. Source: Alpaca's brokerage fee schedule; rates change, hence the dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Final

from common.money import CENT, Dollars
from common.orders import Leg, OrderIntent, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFees:
    """Dollars per contract from a day on. occ is capped per trade; taf is for sales alone."""

    since: date
    occ: Decimal
    occ_cap: Dollars
    orf: Decimal
    taf: Decimal
    cat: Decimal

    def total(self, *, bought: int, sold: int) -> Dollars:
        """Return the fees of contracts bought and sold in one order, each kind rounded up."""
        contracts = bought + sold
        kinds = (
            min(self.occ * contracts, self.occ_cap),
            self.orf * contracts,
            self.taf * sold,
            self.cat * contracts,
        )
        return sum((kind.quantize(CENT, rounding=ROUND_CEILING) for kind in kinds), Decimal(0))


OPTION_FEES: Final = (  # oldest first
    OptionFees(
        since=date(2025, 1, 1),
        occ=Decimal("0.02"),
        occ_cap=Decimal(55),
        orf=Decimal("0.02685"),
        taf=Decimal("0.00279"),
        cat=Decimal("0.000046"),
    ),
)


def option_fees(day: date) -> OptionFees:
    """Return the rates in force on a day; before the first, the first."""
    return max(
        (fees for fees in OPTION_FEES if fees.since <= day),
        key=lambda fees: fees.since,
        default=OPTION_FEES[0],
    )


def entry_fees(intent: OrderIntent, day: date) -> Dollars:
    """Return the estimated fees of filling an order once."""
    bought, sold = (_contracts(intent.legs, side) * intent.qty for side in (Side.BUY, Side.SELL))
    return option_fees(day).total(bought=bought, sold=sold)


def round_trip_fees(intent: OrderIntent, day: date) -> Dollars:
    """Return the estimated fees of filling an order and of undoing it the same day."""
    bought, sold = (_contracts(intent.legs, side) * intent.qty for side in (Side.BUY, Side.SELL))
    rates = option_fees(day)
    return rates.total(bought=bought, sold=sold) + rates.total(bought=sold, sold=bought)


def added_fees(intent: OrderIntent, day: date, dealt: Dealt) -> Dollars:
    """Return what filling an order once adds to the fees of a day with such fills before it.

    Each kind is rounded up once a day, so it is up to a cent a kind less than entry_fees.
    """
    bought, sold = (_contracts(intent.legs, side) * intent.qty for side in (Side.BUY, Side.SELL))
    rates = option_fees(day)
    after = rates.total(bought=dealt.bought + bought, sold=dealt.sold + sold)
    return after - rates.total(bought=dealt.bought, sold=dealt.sold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """Contracts filled on a day so far."""

    bought: int = 0
    sold: int = 0

    @classmethod
    def of(cls, fills: Iterable[tuple[OrderIntent, int]]) -> Dealt:
        """Return the contracts of orders, each with the units of it that filled."""
        filled = tuple(fills)
        bought, sold = (
            sum(_contracts(intent.legs, side) * units for intent, units in filled)
            for side in (Side.BUY, Side.SELL)
        )
        return cls(bought=bought, sold=sold)


def _contracts(legs: Iterable[Leg], side: Side) -> int:
    return sum(leg.ratio for leg in legs if leg.side is side)
