"""The net holding in one symbol, at cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from common.contracts import AssetClass, OptionContract, asset_class, multiplier
from common.money import ZERO, Dollars, Price, Qty, cent


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionState:
    """qty and cost are signed: a short has both below zero. Never flat: then it is gone.

    cost: dollars paid (received, when negative) for what is still held.
    """

    symbol: str
    qty: Qty
    cost: Dollars

    @property
    def asset_class(self) -> AssetClass:
        """What kind of thing is held."""
        return asset_class(self.symbol)

    @property
    def multiplier(self) -> int:
        """Shares per unit held."""
        return multiplier(self.symbol)

    @property
    def contract(self) -> OptionContract | None:
        """The option held, None for a stock or a coin."""
        if self.asset_class is AssetClass.OPTION:
            return OptionContract.from_occ(self.symbol)
        return None

    @property
    def avg_entry_price(self) -> Price:
        """Cost per share, unsigned."""
        return self.cost / (self.qty * self.multiplier)

    def value(self, price: Price) -> Dollars:
        """Return what it is worth at a price per share, signed, on the cent."""
        return cent(self.qty * self.multiplier * price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
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


def signed(qty: Qty, sign: int) -> Decimal:
    """Return a quantity with a sign."""
    return qty if sign > 0 else -qty
