"""When the underlying goes ex-dividend next, as the broker tells it."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, timedelta
from typing import Final

from common.clock import Clock
from common.errors import BrokerError
from common.quotes import ExDividend
from common.session import trading_day
from services.broker.reader import BrokerReader

log = logging.getLogger(__name__)

AHEAD: Final = timedelta(days=10)
LOOK_AGAIN: Final = timedelta(minutes=30)


class DividendCalendar:
    """The ex-dividend days of the coming sessions; not known until the broker was asked today."""

    def __init__(self, reader: BrokerReader, symbol: str, clock: Clock) -> None:
        self._reader = reader
        self._symbol = symbol
        self._clock = clock
        self._found: tuple[ExDividend, ...] = ()
        self._asked_on: date | None = None

    @property
    def coming(self) -> tuple[ExDividend, ...] | None:
        """What goes ex within days, None when today's answer is not in."""
        return self._found if self._asked_on == trading_day(self._clock.now()) else None

    async def read(self) -> None:
        """Ask the broker for the coming days; raises what the reader raises."""
        today = trading_day(self._clock.now())
        self._found = await self._reader.ex_dividends(self._symbol, today, today + AHEAD)
        self._asked_on = today

    async def keep(self) -> None:
        """Ask once a day, for ever; where the broker will not say, it stays unknown."""
        while True:
            if self.coming is None:
                try:
                    await self.read()
                except BrokerError as e:
                    log.warning("dividends of %s: %s", self._symbol, e)
            await asyncio.sleep(LOOK_AGAIN.total_seconds())
