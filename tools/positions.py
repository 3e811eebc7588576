"""What is held."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from common.portfolio import Position
from services.execution.reconcile import Reconciled
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


class DifferenceView(BaseModel):
    """One thing that desk and broker do not agree on."""

    kind: str = Field(description="ghost, orphan, external, quantity or unknown")
    what: str
    ours: str
    theirs: str
    next: str


class ReconciledView(View):
    """Both sides compared; agrees only when nothing differs after two readings."""

    agrees: bool
    positions_at_broker: int
    open_orders_at_broker: int
    differences: list[DifferenceView]

    @classmethod
    def of(cls, mode: str, found: Reconciled) -> ReconciledView:
        """Return the view of a comparison."""
        return cls(
            mode=mode,
            agrees=not found.differences,
            positions_at_broker=found.positions,
            open_orders_at_broker=found.orders,
            differences=[
                DifferenceView(
                    kind=one.kind.value,
                    what=one.what,
                    ours=one.ours,
                    theirs=one.theirs,
                    next=one.remedy,
                )
                for one in found.differences
            ],
        )


@positions.tool(READS, basic=True)
async def reconcile_positions(desk: Desk) -> ReconciledView:
    """Compare holdings and working orders with the broker's own; list each difference."""
    return ReconciledView.of(desk.mode, await desk.dealing.reconciler.reconcile())


@positions.tool(READS, basic=True)
async def get_positions(desk: Desk) -> PositionsView:
    """List every open position at the broker; a spread shows as its legs."""
    return PositionsView.of(desk.mode, await desk.reader.positions())
