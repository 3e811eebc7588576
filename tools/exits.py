"""The exits that live with each trade: what is watched, and changing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, Field

from common.exits import ExitTerms
from services.execution.exit_editor import Guarded
from services.execution.exit_prices import ExitLine
from tools.toolset import HALTS, READS, SWITCHES, Toolset
from tools.views import View, dollars, new_york_text, price
from tools.wants import Desk

exits = Toolset("exits")

TradeId = Annotated[str, Field(description="order id of the opening order", max_length=128)]
PerSide = Annotated[bool, Field(description="stop each vertical of a condor by itself")]
Exit = Annotated[str | None, Field(description="50%, 2x, $150, SPY<598.50; none", max_length=100)]


class ExitLineView(BaseModel):
    """One exit: the net price of closing it fires at, and what the trade then makes."""

    kind: str
    trigger: str
    closing_price: str | None = Field(description="per share, a credit negative; null: a level")
    result: str | None
    note: str | None

    @classmethod
    def of(cls, lines: Iterable[ExitLine]) -> list[ExitLineView]:
        """Return the views of exits."""
        return [
            cls(
                kind=line.kind,
                trigger=line.trigger,
                closing_price=price(line.closing),
                result=dollars(line.result),
                note=line.note or None,
            )
            for line in lines
        ]


class GuardedView(BaseModel):
    """A trade and its exits; closing_price and result as of now, null while quotes are old."""

    order_id: str
    strategy: str
    state: str
    cause: str | None
    flat_by: str
    entry: str | None
    legs_held: list[str]
    exits: list[ExitLineView]
    best_closing_price: str | None
    closing_price: str | None
    result: str | None
    note: str | None

    @classmethod
    def of(cls, found: Guarded) -> GuardedView:
        """Return the view of a guarded trade."""
        plan, record = found.plan, found.record
        return cls(
            order_id=record.client_order_id,
            strategy=record.intent.strategy,
            state=plan.state.value,
            cause=plan.cause or None,
            flat_by=new_york_text(plan.flat_by),
            entry=price(record.filled_avg_price),
            legs_held=[leg.contract.symbol for leg in found.held],
            exits=ExitLineView.of(found.lines),
            best_closing_price=price(plan.best),
            closing_price=price(found.closing),
            result=dollars(found.result),
            note=plan.note or None,
        )


class ExitsView(View):
    """Every trade that is watched."""

    trades: list[GuardedView]


class ExitView(View):
    """One trade's exits after a change."""

    trade: GuardedView


@exits.tool(READS, basic=True)
async def list_exits(desk: Desk) -> ExitsView:
    """List every trade watched: its stop, target, trail, time exit, and result if closed now."""
    found = desk.dealing.editor.listed()
    return ExitsView(mode=desk.mode, trades=[GuardedView.of(one) for one in found])


@exits.tool(SWITCHES, basic=True)
async def attach_exit(
    desk: Desk,
    order_id: TradeId,
    stop: Exit = None,
    target: Exit = None,
    trail: Exit = None,
    per_side: PerSide = False,
) -> ExitView:
    """Give a held trade a stop, target or trail; the first to fire closes it, the rest end."""
    wanted = ExitTerms(per_side=per_side).overridden(stop=stop, target=target, trail=trail)
    found = await desk.dealing.editor.attach(order_id, wanted)
    return ExitView(mode=desk.mode, trade=GuardedView.of(found))


@exits.tool(SWITCHES)
async def edit_exit(
    desk: Desk,
    order_id: TradeId,
    stop: Exit = None,
    target: Exit = None,
    trail: Exit = None,
    per_side: PerSide | None = None,
) -> ExitView:
    """Change the exits that are named, "none" removes one. The time exit stays."""
    found = await desk.dealing.editor.edit(
        order_id, stop=stop, target=target, trail=trail, per_side=per_side
    )
    return ExitView(mode=desk.mode, trade=GuardedView.of(found))


@exits.tool(HALTS)
async def cancel_exit(desk: Desk, order_id: TradeId) -> ExitView:
    """Remove a trade's stop, target and trail. The time exit stays."""
    return ExitView(
        mode=desk.mode, trade=GuardedView.of(await desk.dealing.editor.cancel(order_id))
    )
