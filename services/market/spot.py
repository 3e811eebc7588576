"""The price of the underlying: its quote, polled, with the age of what is held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from common.clock import MarketClock, WallClock
from common.errors import MarketDataMissing, QuoteUnusable, StaleQuote
from common.quotes import Quote
from services.broker.reader import BrokerReader

_FROZEN: Final = timedelta(seconds=60)  # exchange time after which an unchanged quote is a halt
_IDLE: Final = 5  # times slower while the market is closed


class SpotFeed:
    """The latest quote of one stock, asked of the broker every interval of wall time."""

    def __init__(
        self,
        reader: BrokerReader,
        symbol: str,
        *,
        interval: timedelta,
        clock: MarketClock,
        wall: WallClock,
        is_open: Callable[[], bool] = lambda: True,
    ) -> None:
        self._reader = reader
        self._symbol = symbol
        self._interval = interval
        self._clock = clock
        self._wall = wall
        self._is_open = is_open
        self._quote: Quote | None = None
        self._received_ns = 0
        self._lock = asyncio.Lock()

    @property
    def symbol(self) -> str:
        """The stock."""
        return self._symbol

    @property
    def latest(self) -> Quote | None:
        """The newest two-sided quote received, however old."""
        return self._quote

    @property
    def age(self) -> timedelta | None:
        """Wall time since the quote was asked for, None without one."""
        if self._quote is None:
            return None
        return timedelta(microseconds=(self._wall.ns() - self._received_ns) / 1000)

    async def fresh(self, age_max: timedelta) -> Quote:
        """Return a quote young enough to trade on, asking the broker when the held one is not.

        Raises QuoteUnusable, or StaleQuote when the exchange has not changed it for a minute
        of its own time; and what the reader raises.
        """
        async with self._lock:
            if self.age is None or self.age > age_max:
                await self._poll()
        return self.held(age_max)

    def held(self, age_max: timedelta) -> Quote:
        """Return the quote as it is held, asking nobody; raises as fresh does."""
        if self._quote is None or self.age is None:
            raise MarketDataMissing(f"no quote of {self._symbol} was received")
        if self.age > age_max:
            raise StaleQuote(self._symbol, age=self.age, age_max=age_max)
        unchanged = self._clock.now() - self._quote.at
        if unchanged > (limit := _FROZEN * max(self._clock.rate, 1.0)):
            raise StaleQuote(self._symbol, age=unchanged, age_max=limit)
        return self._quote

    async def run(self) -> None:
        """Poll for ever, slower while the market is closed."""
        while True:
            async with self._lock:
                await self._poll(tolerant=True)
            pause = self._interval if self._is_open() else self._interval * _IDLE
            await asyncio.sleep(pause.total_seconds())

    async def _poll(self, *, tolerant: bool = False) -> None:
        asked_ns = self._wall.ns()  # the quote may be as old as the question
        quote = await self._reader.stock_quote(self._symbol)
        if quote.two_sided:
            self._quote, self._received_ns = quote, asked_ns
        elif not tolerant:
            raise QuoteUnusable(self._symbol, "one-sided or crossed")
