"""What is held."""

from __future__ import annotations

from pydantic import BaseModel

from tools.toolset import READS, Toolset
from tools.views import View, dollars, price
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


class PositionsView(View):
    """Everything held, as the broker has it."""

    positions: list[PositionView]


@positions.tool(READS)
async def get_positions(desk: Desk) -> PositionsView:
    """List every open position at the broker; a spread shows as its legs."""
    return PositionsView(
        mode=desk.mode,
        positions=[
            PositionView(
                symbol=held.symbol,
                qty=price(held.qty) or "",
                qty_available=price(held.qty_available) or "",
                average_entry=price(held.avg_entry_price) or "",
                current_price=price(held.current_price),
                market_value=dollars(held.market_value),
                cost_basis=dollars(held.cost_basis) or "",
                unrealized_pl=dollars(held.unrealized_pl),
            )
            for held in await desk.reader.positions()
        ],
    )
