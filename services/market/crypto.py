"""Market data of coins, which trade around the clock."""

from __future__ import annotations

from collections.abc import Sequence

from common.clock import Clock
from common.contracts import AssetClass
from services.broker.library import Library
from services.broker.published import Depth, Found
from services.market.tape import Tape


class CoinData(Tape):
    """What coins trade at. Symbols are pairs: BTC/USD."""

    def __init__(self, library: Library, clock: Clock) -> None:
        super().__init__(library, clock, AssetClass.CRYPTO)

    async def depths(self, symbols: Sequence[str]) -> Found[Depth]:
        """Return order books, as deep as the venue tells."""
        return await self._library.depths(symbols)
