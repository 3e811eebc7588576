"""The trade journal, as a table for a model and as CSV for a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from services.execution.journal import Entry, Summary, summaries
from services.runtime import Services
from tools.toolset import READS, SWITCHES, Toolset
from tools.views import View, dollars, new_york_text, number, price
from tools.wants import Desk

journal = Toolset("journal")

SHOWN_MAX = 50


class JournalTrade(BaseModel):
    """One trade: prices net per share, a credit negative; amounts in dollars, after fees."""

    client_order_id: str
    strategy: str
    opened_at: str
    closed_at: str | None
    quantity: int
    planned_natural: str | None
    planned_limit: str | None
    planned_max_loss: str | None
    planned_max_profit: str | None
    agreed_by: str | None
    entry: str | None
    exit: str | None
    exit_reason: str
    slippage: str | None
    fees: str | None
    result: str | None = Field(description="null while open, or closed by others")
    result_in_risk: float | None = Field(description="as a multiple of the planned max loss")
    best_mark: str | None = Field(description="most it stood at, at mid, before fees")
    worst_mark: str | None
    captured: float | None = Field(description="result as a share of the best mark")

    @classmethod
    def of(cls, entry: Entry) -> JournalTrade:
        """Return the view of an entry."""
        trip, plan, went = entry.trip, entry.plan, entry.excursion
        opening = trip.opening
        return cls(
            client_order_id=opening.client_order_id,
            strategy=opening.intent.strategy,
            opened_at=new_york_text(opening.created_at),
            closed_at=None if trip.closed_at is None else new_york_text(trip.closed_at),
            quantity=opening.filled_qty,
            planned_natural=price(plan.natural) if plan else None,
            planned_limit=price(plan.limit) if plan else None,
            planned_max_loss=dollars(plan.max_loss) if plan else None,
            planned_max_profit=dollars(plan.max_profit) if plan else None,
            agreed_by=plan.agreed if plan else None,
            entry=price(opening.filled_avg_price),
            exit=price(trip.exit_average),
            exit_reason=entry.exit,
            slippage=dollars(trip.slippage),
            fees=dollars(trip.fees),
            result=dollars(trip.result),
            result_in_risk=None if entry.multiple is None else number(float(entry.multiple), 3),
            best_mark=dollars(went.best) if went else None,
            worst_mark=dollars(went.worst) if went else None,
            captured=None if entry.captured is None else number(float(entry.captured), 3),
        )


class JournalGroup(BaseModel):
    """Closed trades of one strategy, or of one hour of entry in New York; dollars after fees."""

    group: str
    trades: int
    wins: int
    total: str | None
    expectancy: str | None
    average_win: str | None
    average_loss: str | None
    slippage_a_trade: str | None

    @classmethod
    def of(cls, found: Summary) -> JournalGroup:
        """Return the view of a summary."""
        return cls(
            group=found.group,
            trades=found.trades,
            wins=found.wins,
            total=dollars(found.total),
            expectancy=dollars(found.expectancy),
            average_win=dollars(found.average_win),
            average_loss=dollars(found.average_loss),
            slippage_a_trade=dollars(found.slippage),
        )


class JournalView(View):
    """The newest trades, oldest first, and what all of them say. Few trades say little."""

    trades: list[JournalTrade]
    not_shown: int
    by_strategy: list[JournalGroup]
    by_hour: list[JournalGroup]

    @classmethod
    def of(cls, desk: Services, entries: Sequence[Entry]) -> JournalView:
        """Return the view of the journal."""
        trades = [JournalTrade.of(entry) for entry in entries[-SHOWN_MAX:]]
        return cls(
            mode=desk.mode,
            trades=trades,
            not_shown=len(entries) - len(trades),
            by_strategy=[
                JournalGroup.of(one)
                for one in summaries(entries, lambda e: e.trip.opening.intent.strategy)
            ],
            by_hour=[JournalGroup.of(one) for one in summaries(entries, lambda e: e.hour)],
        )


class ExportView(View):
    """A file that was written, and how many trades are in it."""

    file: str
    trades: int

    @classmethod
    async def of(cls, desk: Services, entries: Sequence[Entry]) -> ExportView:
        """Write the trades as CSV and return where."""
        rows = [JournalTrade.of(entry).model_dump() for entry in entries]
        file = await desk.journal.export(list(JournalTrade.model_fields), rows)
        return cls(mode=desk.mode, file=str(file), trades=len(rows))


Days = Annotated[int, Field(ge=1, le=250, description="days with orders, newest first")]
Of = Annotated[str | None, Field(max_length=40, description="one strategy only")]


@journal.tool(READS)
async def trade_journal(desk: Desk, days: Days = 1, strategy: Of = None) -> JournalView:
    """Show trades planned against actual: slippage, best and worst mark, result, expectancy.

    Expectancy by strategy and by hour of entry counts closed trades only.
    """
    return JournalView.of(desk, await desk.journal.entries(days, strategy))


@journal.tool(SWITCHES)
async def export_trade_journal(desk: Desk, days: Days = 30, strategy: Of = None) -> ExportView:
    """Write the trade journal as a CSV file on the desk's machine and tell where it is."""
    return await ExportView.of(desk, await desk.journal.entries(days, strategy))
