"""Reads market and account together and hands both to the analysis."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.analysis.context import MarketContext, market_context
from services.analysis.metrics import RiskMetrics, risk_metrics
from services.analysis.option_chain import ChainAnalysis, analyse_chain
from services.analysis.straddle import StraddleScan, scan_straddle
from services.market.chain import ChainService
from services.market.watch import MarketWatch
from services.portfolio.greeks import GreeksReport, greeks_of_positions
from services.portfolio.portfolio import Portfolio
from services.portfolio.sigma import STEPS, deltas_of_positions

Drift = dict[float, float]  # share equivalents by sigmas of the session's remainder


class Analyst:
    """Analyses of now. Each call reads anew and raises as MarketWatch.view and Portfolio do."""

    def __init__(
        self,
        watch: MarketWatch,
        chain: ChainService,
        portfolio: Portfolio,
        *,
        quote_age_max: timedelta,
    ) -> None:
        self._watch = watch
        self._chain = chain
        self._portfolio = portfolio
        self._quote_age_max = quote_age_max

    async def context(self) -> MarketContext:
        """Return where the market stands."""
        return market_context(await self._watch.view(), self._chain.open_interest)

    async def chain(self, around: int) -> ChainAnalysis:
        """Return what today's chain says, with so many strikes to either side of the money."""
        chain, interest = self._chain.snapshot(), self._chain.open_interest
        return await asyncio.to_thread(analyse_chain, chain, interest, around)

    async def straddle(self) -> StraddleScan:
        """Return the scan of the straddle at the money."""
        view = await self._watch.view()
        return scan_straddle(view, self._chain.open_interest, self._quote_age_max)

    async def risk(self) -> RiskMetrics:
        """Return the tail of what is held; it may take the time of some frames, off the loop."""
        view, book = await asyncio.gather(self._watch.view(), self._portfolio.book())
        return await asyncio.to_thread(risk_metrics, book.positions, view)

    async def greeks(self) -> tuple[GreeksReport, Drift | None]:
        """Return the greeks of every holding, and where delta comes to within one sigma."""
        book = await self._portfolio.book()
        drift = deltas_of_positions(book.positions, book.chain)
        report = greeks_of_positions(book.positions, book.chain)
        return report, None if drift is None else dict(zip(STEPS, drift.tolist(), strict=True))
