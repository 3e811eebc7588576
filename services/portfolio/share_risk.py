"""What an order in a stock or a coin can lose, and how it leans: pure and never too little.

The same move is counted against it that is counted against what is held. An order without a
limit may fill beyond its price by a slip; coins pay the broker's fee in and out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from common.money import CENT, ZERO, Dollars, Price, Qty, ceil_to_tick
from common.orders import OrderType, Side
from common.quotes import Quote
from common.shares import PendingShares, ShareIntent
from services.portfolio.worst_case import stress_move

SLIP: Final = Decimal("0.01")  # of the price, where no limit bounds a fill
COIN_FEE: Final = Decimal("0.0025")  # of what is traded, each way: the broker's dearest tier


def reference_price(intent: ShareIntent, quote: Quote) -> Price:
    """Return the price an order is reckoned to fill at, before any slip."""
    touch = quote.ask if intent.side is Side.BUY else quote.bid
    if intent.limit is not None:
        return intent.limit if intent.side is Side.BUY else max(intent.limit, touch)
    if intent.stop is not None:
        return intent.stop
    if intent.type is OrderType.TRAILING_STOP:
        away = intent.trail_price or touch * (intent.trail_percent or ZERO) / 100
        return max(touch + intent.side.sign * away, CENT)
    return touch


def pending_shares(
    intent: ShareIntent, reference: Price, filled: Qty = ZERO, paid: Dollars = ZERO
) -> PendingShares:
    """Return what an order may still do. filled and paid: units and dollars already traded."""
    if intent.qty is not None:
        qty = max(intent.qty - filled, ZERO)
        value = qty * reference
    else:
        value = max((intent.notional or ZERO) - paid, ZERO)
        qty = value / reference
    sign = intent.side.sign
    return PendingShares(
        symbol=intent.symbol,
        qty=sign * qty,
        value=sign * value,
        worst=_worst(intent, value),
    )


def share_worst_case(intent: ShareIntent, reference: Price) -> Dollars:
    """Return what an order may lose with its fees, dollars, rounded up to the cent."""
    return pending_shares(intent, reference).worst


def _worst(intent: ShareIntent, value: Dollars) -> Dollars:
    move = stress_move(intent.symbol) + (ZERO if intent.priced else SLIP)
    fees = 2 * COIN_FEE if intent.is_coin else ZERO
    return ceil_to_tick(value * (move + fees), CENT)
