"""What is held."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from common.portfolio import Position
from tools.toolset import READS, Toolset
from tools.views import View, dollars, price, quantity
from tools.wants import Desk

positions = Toolset("positions")


class PositionView(BaseModel):
    """One holding; a short has a negative quantity. Prices per share, amounts in dollars."""

    symbol: str
    qty: str
    qty_available: str
    average_entry: str
    current_price: str | None
    market_value: str | None
    cost_basis: str
    unrealized_pl: str | None

    @classmethod
    def of(cls, held: Position) -> PositionView:
        """Return the view of a position."""
        return cls(
            symbol=held.symbol,
            qty=quantity(held.qty),
            qty_available=quantity(held.qty_available),
            average_entry=price(held.avg_entry_price) or "",
            current_price=price(held.current_price),
            market_value=dollars(held.market_value),
            cost_basis=dollars(held.cost_basis) or "",
            unrealized_pl=dollars(held.unrealized_pl),
        )


class PositionsView(View):
    """Everything held, as the broker has it."""

    positions: list[PositionView]

    @classmethod
    def of(cls, mode: str, held: Iterable[Position]) -> PositionsView:
        """Return the view of what is held."""
        return cls(mode=mode, positions=[PositionView.of(position) for position in held])


@positions.tool(READS)
async def get_positions(desk: Desk) -> PositionsView:
    """List every open position at the broker; a spread shows as its legs."""
    return PositionsView.of(desk.mode, await desk.reader.positions())
