"""Profit and loss, greeks, limits, and the ways out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from common.errors import ReleaseRefused
from common.limits import Limit
from services.execution.unwinder import Flattened
from services.portfolio.greeks import GreeksReport
from services.portfolio.pnl import PositionPnl, SessionPnl
from services.runtime import Services
from tools.candidate import Candidate, TradeName
from tools.orders_view import OrderView
from tools.progress import Reporting
from tools.toolset import HALTS, READS, Toolset
from tools.views import GreeksView, LimitView, View, dollars, price, quantity
from tools.wanted import RightName
from tools.wants import Caller, Desk

risk = Toolset("risk")


class HeldGreeks(BaseModel):
    """One holding's sensitivities; null when unknown, estimated when off the smile."""

    symbol: str
    qty: float
    greeks: GreeksView | None
    estimated: bool


class DeltaView(View):
    """The portfolio's greeks; total is null when any holding's is unknown."""

    total: GreeksView | None
    holdings: list[HeldGreeks]
    unknown: list[str]

    @classmethod
    def of(cls, mode: str, found: GreeksReport) -> DeltaView:
        """Return the view of a report."""
        return cls(
            mode=mode,
            total=None if found.total is None else GreeksView.of(found.total),
            holdings=[
                HeldGreeks(
                    symbol=held.symbol,
                    qty=held.qty,
                    greeks=None if held.sensitivity is None else GreeksView.of(held.sensitivity),
                    estimated=held.estimated,
                )
                for held in found.holdings
            ],
            unknown=list(found.unknown),
        )


class HeldPnl(BaseModel):
    """One holding's open result, dollars, at the price it would leave at and at mid."""

    symbol: str
    qty: str
    average_entry: str
    exit_price: str | None
    open_at_exit: str | None
    open_at_mid: str | None


class PnlView(View):
    """The session's result in dollars, marked where positions would leave, not at mid."""

    day: str
    opening_equity: str | None
    equity_at_broker: str
    session: str | None = Field(description="at natural exit prices")
    session_at_mid: str | None
    realized: str | None
    open: str | None
    fees: str | None
    positions: list[HeldPnl]
    greeks: GreeksView | None
    unknown: list[str]


class RiskView(View):
    """Every limit with value, use and room; ok is whether all hold."""

    ok: bool
    halt: str
    halted_because: list[str]
    limits: list[LimitView]

    @classmethod
    def of(cls, desk: Services, limits: Sequence[Limit]) -> RiskView:
        """Return the view of checked limits."""
        return cls(
            mode=desk.mode,
            ok=all(limit.ok for limit in limits),
            halt=desk.kill_switch.halt().value,
            halted_because=[str(cause) for cause in desk.kill_switch.causes()],
            limits=LimitView.of(limits),
        )


class KillView(View):
    """The kill switch after the call."""

    halt: str
    message: str


class FlattenView(View):
    """What flattening did, and what the broker still shows."""

    flat: bool
    message: str
    canceled_orders: int
    closing_orders: list[OrderView]
    positions_left: list[str]
    orders_left: list[str]
    notes: list[str]

    @classmethod
    def of(cls, desk: Services, done: Flattened) -> FlattenView:
        """Return the view of what flattening did."""
        return cls(
            mode=desk.mode,
            flat=done.flat,
            message=_flattened(done),
            canceled_orders=done.canceled,
            closing_orders=[
                *(OrderView.of(desk.orders.held(record)) for record in done.closing),
                *(OrderView.of_share(record) for record in done.shares),
            ],
            positions_left=[f"{quantity(held.qty)} {held.symbol}" for held in done.positions_left],
            orders_left=list(done.orders_left),
            notes=list(dict.fromkeys(done.notes)),
        )


@risk.tool(READS, basic=True)
async def show_pnl(desk: Desk) -> PnlView:
    """Show the session's profit and loss: realized, open at exit prices and at mid, greeks."""
    found = await desk.portfolio.pnl()
    return _pnl(desk.mode, found, await desk.portfolio.greeks())


@risk.tool(READS, basic=True)
async def portfolio_delta(desk: Desk) -> DeltaView:
    """Show delta and the other greeks of everything held, each holding and in total."""
    return DeltaView.of(desk.mode, await desk.portfolio.greeks())


@risk.tool(READS, basic=True)
async def risk_check(
    desk: Desk,
    strategy: Annotated[
        TradeName | None, Field(description="also check this tool's trade, priced now")
    ] = None,
    right: Annotated[RightName, Field(description="of a spread, a lotto or a single")] = "call",
    delta: Annotated[int | None, Field(ge=2, le=95, description="percent")] = None,
    width: Annotated[int | None, Field(ge=1, le=50, description="dollars")] = None,
    contracts: Annotated[int | None, Field(ge=1, le=100)] = None,
    limit: Annotated[float | None, Field(gt=0, le=1e5, description="net a share")] = None,
) -> RiskView:
    """Show every limit with its value, use and room; with a strategy, as after that trade.

    Arguments not given are as that tool has them.
    """
    asked = Candidate(
        name=strategy, right=right, delta=delta, width=width, contracts=contracts, limit=limit
    )
    return RiskView.of(desk, await desk.option_desk.check(asked.strategy(desk.settings)))


@risk.tool(HALTS, basic=True)
async def kill_switch(desk: Desk, by: Caller, enable: bool = True) -> KillView:
    """Stop all new risk at once and cancel working opening orders. Survives restarts.

    Positions stay: flatten_all closes them. Only a person releases it, on a terminal.
    """
    if not enable:
        raise ReleaseRefused("the kill switch is not released over MCP")
    await desk.kill(by)
    return KillView(
        mode=desk.mode,
        halt=desk.kill_switch.halt().value,
        message="Latched. Working opening orders are being canceled; flatten_all closes positions.",
    )


@risk.tool(HALTS, basic=True)
async def flatten_all(desk: Desk, by: Caller, progress: Reporting) -> FlattenView:
    """Cancel every order and close every position, spreads as spreads, until it reads flat.

    Works with the kill switch set. Safe to repeat. Takes up to 25 seconds.
    """
    return FlattenView.of(desk, await progress.during(desk.flatten(by), desk.flattening))


def _pnl(mode: str, found: SessionPnl, greeks: GreeksReport) -> PnlView:
    return PnlView(
        mode=mode,
        day=found.day.isoformat(),
        opening_equity=dollars(found.opening_equity),
        equity_at_broker=dollars(found.equity) or "",
        session=dollars(found.session),
        session_at_mid=dollars(found.session_mid),
        realized=dollars(found.realized),
        open=dollars(found.open_natural),
        fees=dollars(found.fees),
        positions=[_held(held) for held in found.positions],
        greeks=None if greeks.total is None else GreeksView.of(greeks.total),
        unknown=list(dict.fromkeys([*found.unknown, *greeks.unknown])),
    )


def _flattened(done: Flattened) -> str:
    if done.flat and done.kept:
        return f"Flat: no position; {len(done.kept)} orders were left open, as asked."
    if done.flat:
        return "Flat: no position, no order."
    if done.unsellable:
        return "NOT flat: nobody bids for what is left; it is on offer at the least price."
    return "NOT flat; call it again."


def _held(held: PositionPnl) -> HeldPnl:
    return HeldPnl(
        symbol=held.symbol,
        qty=quantity(held.qty),
        average_entry=price(held.avg_entry_price) or "",
        exit_price=price(held.exit),
        open_at_exit=dollars(held.open_natural),
        open_at_mid=dollars(held.open_mid),
    )
