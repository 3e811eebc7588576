"""Holdings and orders as legs to be revalued."""

from __future__ import annotations

from collections.abc import Iterable

from common.errors import MarketDataMissing
from common.money import ZERO
from common.orders import OrderIntent
from common.portfolio import Position
from common.quotes import ChainSnapshot
from services.analysis.scenarios import HeldLeg


def holding_legs(positions: Iterable[Position], chain: ChainSnapshot) -> tuple[HeldLeg, ...]:
    """Return what is held, profit counted from the model's value now.

    Other shares and coins count as shares of the underlying of equal value, a beta of 1, as in
    the greeks. Raises MarketDataMissing for one without a price.
    """
    return tuple(_holding(position, chain) for position in positions if position.qty)


def order_legs(intent: OrderIntent, *, at_limit: bool = False) -> tuple[HeldLeg, ...]:
    """Return what an order adds when it fills.

    Profit is counted from the model's value now, or from the order's limit; the net limit is
    then booked on the first leg, since profit depends on the sum alone.
    """
    first = intent.legs[0]
    net = intent.limit / first.signed_ratio
    return tuple(
        HeldLeg(
            contract=leg.contract,
            qty=float(leg.signed_ratio * intent.qty),
            price=(net if leg is first else ZERO) if at_limit else None,
        )
        for leg in intent.legs
    )


def _holding(position: Position, chain: ChainSnapshot) -> HeldLeg:
    qty, contract = float(position.qty), position.contract
    if contract is not None:
        return HeldLeg(contract=contract, qty=qty)
    if position.symbol != chain.underlying:
        if position.current_price is None:
            raise MarketDataMissing(f"{position.symbol} has no price")
        qty *= float(position.current_price / chain.spot)
    return HeldLeg(contract=None, qty=qty)
