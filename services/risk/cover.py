"""What is sold by hand may not have been another leg's cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from common.contracts import OptionContract, Right
from common.limits import Breach
from common.orders import OrderIntent
from common.portfolio import Position

_REMEDY = "close the whole spread, or buy the short back first"

_Book = tuple[str, date, Right]  # what covers what: one underlying, expiry and right


def uncovered(intent: OrderIntent, positions: Sequence[Position]) -> tuple[Breach, ...]:
    """Return which shorts an order would leave without a long of their right and expiry.

    Longs that a working order has claimed count as sold already.
    """
    longs: Counter[_Book] = Counter()
    shorts: Counter[_Book] = Counter()
    for position in positions:
        contract = position.contract
        if contract is None:
            continue
        if position.qty > 0:
            longs[_book(contract)] += int(position.qty_available)
        else:
            shorts[_book(contract)] -= int(position.qty)
    for leg in intent.legs:
        moved = leg.signed_ratio * intent.qty
        (longs if moved < 0 else shorts)[_book(leg.contract)] -= abs(moved)
    sold = {_book(leg.contract) for leg in intent.legs if leg.signed_ratio < 0}
    return tuple(
        Breach(
            limit="cover",
            allowed=f"a long {book[2].name.lower()} for each short one",
            projected=f"{max(longs[book], 0)} for {shorts[book]}",
            remedy=_REMEDY,
        )
        for book in sorted(sold)
        if shorts[book] > max(longs[book], 0)
    )


def _book(contract: OptionContract) -> _Book:
    return contract.underlying, contract.expiry, contract.right
