"""The exchange's clock and today's session."""

from __future__ import annotations

from services.runtime import Hours
from tools.toolset import READS, Toolset
from tools.views import View, new_york_text
from tools.wants import Desk

reference = Toolset("reference")


class ClockView(View):
    """The market's time and today's edges, all New York time."""

    now: str
    is_open: bool
    next_open: str
    next_close: str
    session: str
    early_close: bool
    minutes_to_close: float
    no_entry_after: str
    positions_flat_by: str
    broker_last_order: str
    market_seconds_per_second: float

    @classmethod
    def of(cls, mode: str, hours: Hours) -> ClockView:
        """Return the view of the market's hours."""
        return cls(
            mode=mode,
            now=new_york_text(hours.now),
            is_open=hours.is_open,
            next_open=new_york_text(hours.next_open),
            next_close=new_york_text(hours.next_close),
            session=hours.session.day.isoformat(),
            early_close=hours.session.early,
            minutes_to_close=round(hours.session.minutes_to_close(hours.now), 1),
            no_entry_after=new_york_text(hours.no_entry_after),
            positions_flat_by=new_york_text(hours.flat_by),
            broker_last_order=new_york_text(hours.broker_last_order),
            market_seconds_per_second=round(hours.rate, 3),
        )


@reference.tool(READS, basic=True)
async def get_market_clock(desk: Desk) -> ClockView:
    """Show the market's time, whether it is open, and today's cut-offs for 0DTE trading."""
    return ClockView.of(desk.mode, await desk.hours())
