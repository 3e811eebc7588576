"""Market data of stocks, and which of them move and trade most."""

from __future__ import annotations

from common.clock import Clock
from common.contracts import AssetClass
from services.broker.library import Library
from services.broker.published import Active, Found, Movers
from services.market.tape import Tape


class StockData(Tape):
    """What stocks trade at.

    Symbols are tickers. Bars: bars() for one page, series() for all of a time.
    """

    def __init__(self, library: Library, clock: Clock) -> None:
        super().__init__(library, clock, AssetClass.EQUITY)

    async def most_active(self, by: str = "volume", top: int = 10) -> Found[Active]:
        """Return the stocks most traded today, by "volume" or "trades"; top: at most 100."""
        return await self._library.most_active(by, top)

    async def movers(self, market: str = "stocks", top: int = 10) -> Movers:
        """Return today's largest moves of "stocks" or "crypto"; top: at most 50."""
        return await self._library.movers(market, top)
