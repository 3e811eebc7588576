"""Taking positions off: one, a part of one, or all."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tools.risk import FlattenView
from tools.toolset import HALTS, Toolset
from tools.wants import Caller, Desk

closing = Toolset("positions")

Units = Annotated[float | None, Field(gt=0, le=1e9, description="default all")]
Percent = Annotated[float | None, Field(gt=0, le=100, description="in place of qty; rounded down")]


@closing.tool(HALTS)
async def close_all_positions(
    desk: Desk,
    by: Caller,
    cancel_orders: Annotated[bool, Field(description="cancel open orders first")] = False,
) -> FlattenView:
    """Close every position, spreads as spreads, until the broker shows none.

    Without cancel_orders open orders stay and hold what they would close. Up to 25 seconds.
    """
    return FlattenView.of(desk, await desk.flatten(by, cancel=cancel_orders))
