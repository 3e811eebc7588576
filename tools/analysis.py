"""Analyses: what the market shows, what the account may lose, a preview in full."""

from __future__ import annotations

from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field

from common.ids import ConfirmToken
from tools.analysis_views import ContextView, PortfolioGreeksView, RiskMetricsView, StraddleView
from tools.details_view import DetailsView
from tools.progress import Reporting
from tools.toolset import READS, Toolset
from tools.wants import Caller, Desk

analysis = Toolset("analysis")


@analysis.tool(READS, basic=True)
async def market_context(desk: Desk) -> ContextView:
    """Show SPY's day: VWAP, opening ranges, realized and implied vol, expected move, events.

    With gamma exposure and max pain of the day before's open interest, and early closes.
    """
    return ContextView.of(desk.mode, await desk.analyst.context())


@analysis.tool(READS, basic=True)
async def straddle_scan(desk: Desk, progress: Reporting) -> StraddleView:
    """Compare the at-the-money straddle with what the rest of the session may move.

    Says "no edge" unless the gap is worth twice its round-trip cost. Trades nothing.
    """
    return StraddleView.of(desk.mode, await progress.during(desk.analyst.straddle()))


@analysis.tool(READS, basic=True)
async def portfolio_greeks(desk: Desk) -> PortfolioGreeksView:
    """Show every greek of each holding and in total, and delta within one sigma either way."""
    return PortfolioGreeksView.of(desk.mode, await desk.analyst.greeks())


@analysis.tool(READS, basic=True)
async def risk_metrics(desk: Desk, progress: Reporting) -> RiskMetricsView:
    """Show value at risk, expected shortfall, worst scenario and jumps of everything held.

    Each path revalued on the smile; with a count of past days on which VaR was exceeded.
    """
    return RiskMetricsView.of(desk.mode, await progress.during(desk.analyst.risk()))


@analysis.tool(READS, basic=True)
async def preview_details(
    desk: Desk,
    by: Caller,
    token: Annotated[str, Field(description="confirm_token of the preview", max_length=64)],
    picture: Annotated[bool, Field(description="add the payoff as an image")] = False,
) -> Annotated[CallToolResult, DetailsView]:
    """Show a waiting preview's profit at every price, time and volatility. Confirms nothing."""
    preview = desk.trading.shown(ConfirmToken(token), by)
    return DetailsView.of(preview).result(preview, picture=picture)
