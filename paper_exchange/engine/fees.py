"""What a fill costs besides its price, charged to the ledger as it happens.

The rates are common.fees' dated table (options) and a taker fee on coins; shares trade
free. Each kind accrues per account and day without rounding, and what is charged is the
growth of its total rounded up to the cent: a day's fees are exactly the broker's, and a
fill never costs more than the same fill taken alone. Coins pay in dollars, a
simplification: the broker takes them from the coins received.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Final

from common.contracts import AssetClass
from common.fees import option_fees
from common.money import CENT, ZERO, Dollars, Qty
from common.orders import Side

CRYPTO_TAKER: Final = Decimal("0.0025")  # of the dollars traded

Accruals = tuple[Dollars, ...]  # occ, orf, taf, cat, coins
NONE: Final[Accruals] = (ZERO,) * 5


def option_accruals(trades: Iterable[tuple[Side, Qty]], day: date) -> Accruals:
    """Return the exact fees of one execution in (side, contracts) of each leg."""
    legs = tuple(trades)
    contracts = sum((qty for _, qty in legs), ZERO)
    sold = sum((qty for side, qty in legs if side is Side.SELL), ZERO)
    rates = option_fees(day)
    return (
        min(rates.occ * contracts, rates.occ_cap),
        rates.orf * contracts,
        rates.taf * sold,
        rates.cat * contracts,
        ZERO,
    )


def accruals(
    asset: AssetClass, trades: Iterable[tuple[Side, Qty]], value: Dollars, day: date
) -> Accruals:
    """Return the exact fees of one execution; value: the dollars traded, unsigned."""
    if asset is AssetClass.OPTION:
        return option_accruals(trades, day)
    if asset is AssetClass.CRYPTO:
        return (*NONE[:4], value * CRYPTO_TAKER)
    return NONE


def charge(before: Accruals, new: Accruals) -> tuple[Accruals, Dollars]:
    """Return the day's accruals after an execution, and the dollars it is charged."""
    after = tuple(old + fee for old, fee in zip(before or NONE, new, strict=True))
    return after, total(after) - total(before)


def total(fees: Accruals) -> Dollars:
    """Return accruals as dollars, each kind rounded up to the cent."""
    return sum((fee.quantize(CENT, rounding=ROUND_CEILING) for fee in fees), ZERO)
