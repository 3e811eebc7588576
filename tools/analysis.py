"""Analyses: what the market shows, what the account may lose, a preview in full."""

from __future__ import annotations

from tools.analysis_views import ContextView, PortfolioGreeksView, RiskMetricsView, StraddleView
from tools.toolset import READS, Toolset
from tools.wants import Desk

analysis = Toolset("analysis")


@analysis.tool(READS)
async def market_context(desk: Desk) -> ContextView:
    """Show SPY's day: VWAP, opening ranges, realized and implied vol, expected move, events.

    With gamma exposure and max pain of the day before's open interest, and early closes.
    """
    return ContextView.of(desk.mode, await desk.analyst.context())


@analysis.tool(READS)
async def straddle_scan(desk: Desk) -> StraddleView:
    """Compare the at-the-money straddle with what the rest of the session may move.

    Says "no edge" unless the gap is worth twice its round-trip cost. Trades nothing.
    """
    return StraddleView.of(desk.mode, await desk.analyst.straddle())


@analysis.tool(READS)
async def portfolio_greeks(desk: Desk) -> PortfolioGreeksView:
    """Show every greek of each holding and in total, and delta within one sigma either way."""
    return PortfolioGreeksView.of(desk.mode, await desk.analyst.greeks())


@analysis.tool(READS)
async def risk_metrics(desk: Desk) -> RiskMetricsView:
    """Show value at risk, expected shortfall, worst scenario and jumps of everything held.

    Each path revalued on the smile; with a count of past days on which VaR was exceeded.
    """
    return RiskMetricsView.of(desk.mode, await desk.analyst.risk())
