"""The net holding in one symbol, at cost."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from common.contracts import OPTION_MULTIPLIER, AssetClass, OptionContract, asset_class
from common.money import ZERO, Dollars, Price, Qty, cent

NINE_PLACES: Final = Decimal("0.000000001")


@lru_cache(maxsize=8192)
def contract_of(symbol: str) -> OptionContract | None:
    """Return the option a symbol names, None for a stock or a coin."""
    if asset_class(symbol) is AssetClass.OPTION:
        return OptionContract.from_occ(symbol)
    return None


def shares_per_unit(symbol: str) -> int:
    """Return the shares one unit stands for: 100 for an option, else 1."""
    return OPTION_MULTIPLIER if contract_of(symbol) else 1


class PositionState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """qty and cost are signed: a short has both below zero. Never flat: then it is gone.

    cost: dollars paid (received, when negative) for what is still held.
    """

    symbol: str
    qty: Qty
    cost: Dollars

    @property
    def contract(self) -> OptionContract | None:
        """The option held, None for a stock or a coin."""
        return contract_of(self.symbol)

    @property
    def multiplier(self) -> int:
        """Shares per unit held."""
        return shares_per_unit(self.symbol)

    @property
    def avg_entry_price(self) -> Price:
        """Cost per share, unsigned, on nine places."""
        return (self.cost / (self.qty * self.multiplier)).quantize(NINE_PLACES)

    def value(self, price: Price) -> Dollars:
        """Return what it is worth at a price per share, signed, on the cent."""
        return cent(self.qty * self.multiplier * price)


class Trade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a trade does to a holding: the cost that stays and the profit that is taken."""

    qty: Qty
    cost: Dollars
    realised: Dollars


def trade(held: PositionState | None, qty: Qty, value: Dollars) -> Trade:
    """Return a holding after trading a signed qty for value dollars (positive: paid).

    Closing takes cost out in proportion, on the cent; going through zero closes all and
    opens the rest at the same price.
    """
    before = held.qty if held else ZERO
    cost = held.cost if held else ZERO
    after = before + qty
    if before * qty >= 0:
        return Trade(qty=after, cost=cost + value, realised=ZERO)
    if abs(qty) <= abs(before):
        released = cost if after == 0 else cent(cost * -qty / before)
        return Trade(qty=after, cost=cost - released, realised=-value - released)
    closing = cent(value * -before / qty)
    return Trade(qty=after, cost=value - closing, realised=-closing - cost)
