"""Closing orders: whatever can only make a position smaller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from common.limits import Breach
from common.money import Qty, plain
from common.orders import Leg, OrderIntent
from common.portfolio import Position

_REMEDY = "read the positions again; close no more than is held and not claimed by another order"


def reduce_only(intent: OrderIntent, positions: Sequence[Position]) -> tuple[Breach, ...]:
    """Return why an order could do more than reduce what is held; nothing when it cannot.

    Every leg closes, on the side opposite to the holding, at most what no working order has
    claimed. A symbol in two legs is counted in sum.
    """
    if not intent.legs or intent.qty < 1 or any(leg.ratio < 1 for leg in intent.legs):
        return (_breach("1 contract or more of 1 leg or more", f"qty {intent.qty}"),)
    held = {position.symbol: position for position in positions}
    return tuple(_leg_breaches(intent, held))


def _leg_breaches(intent: OrderIntent, held: dict[str, Position]) -> Iterator[Breach]:
    for leg in intent.legs:
        symbol = leg.contract.symbol
        position = held.get(symbol)
        if leg.intent.opens:
            yield _breach(f"closing {symbol}", leg.intent.value.replace("_", " "))
        elif position is None or position.qty * leg.side.sign >= 0:
            have = "nothing" if position is None else plain(position.qty)
            yield _breach(f"closing a holding of {symbol}", f"{leg.side.value} against {have}")
        elif _wanted(intent, leg) > abs(position.qty_available):
            yield _breach(
                f"{plain(abs(position.qty_available))} of {symbol}",
                plain(_wanted(intent, leg)),
            )


def _wanted(intent: OrderIntent, leg: Leg) -> Qty:
    same = sum(other.ratio for other in intent.legs if other.contract == leg.contract)
    return Qty(same * intent.qty)


def _breach(allowed: str, projected: str) -> Breach:
    return Breach(limit="reduce_only", allowed=allowed, projected=projected, remedy=_REMEDY)
