"""What a strategy gets to see: session, spot, chain and the day's bars at one instant."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from common.clock import Clock
from common.errors import MarketClosed
from common.quotes import Bar, MarketView, Quote
from common.session import Session, new_york_text
from services.broker.reader import BrokerReader
from services.market.calendar import SessionCalendar
from services.market.chain import ChainService
from services.market.dividends import DividendCalendar
from services.market.history import MinuteHistory
from services.market.spot import SpotFeed

_MINUTE: Final = timedelta(minutes=1)


class SessionBars:
    """One-minute bars of a session so far; only what is new is asked for."""

    def __init__(self, reader: BrokerReader, symbol: str) -> None:
        self._reader = reader
        self._symbol = symbol
        self._session: Session | None = None
        self._bars: dict[datetime, Bar] = {}
        self._lock = asyncio.Lock()

    async def until(self, session: Session, now: datetime) -> tuple[Bar, ...]:
        """Return the bars of the session's minutes that have ended, by rising time.

        Raises what the reader raises. A minute the broker has no bar of is missing.
        """
        end = min(now, session.close)
        async with self._lock:
            if session != self._session:
                self._session, self._bars = session, {}
            last = max(self._bars, default=session.open - _MINUTE)
            if end >= last + 2 * _MINUTE:
                # The last one again: late trades correct a bar once it is out.
                start = max(last, session.open)
                for bar in await self._reader.bars(self._symbol, start, end):
                    if session.open <= bar.at and bar.at + _MINUTE <= end:
                        self._bars[bar.at] = bar
            return tuple(self._bars[at] for at in sorted(self._bars))


class MarketWatch:
    """Assembles views of the market, each of them fresh or refused."""

    def __init__(
        self,
        reader: BrokerReader,
        chain: ChainService,
        spot: SpotFeed,
        calendar: SessionCalendar,
        history: MinuteHistory,
        dividends: DividendCalendar,
        *,
        clock: Clock,
        quote_age_max: timedelta,
    ) -> None:
        self._history = history
        self._dividends = dividends
        self._chain = chain
        self._spot = spot
        self._calendar = calendar
        self._clock = clock
        self._quote_age_max = quote_age_max
        self._bars = SessionBars(reader, spot.symbol)

    async def view(self) -> MarketView:
        """Return everything a strategy may look at.

        Raises MarketClosed while its options do not trade, MarketDataMissing without a chain,
        StaleQuote or QuoteUnusable for spot, and what the reader raises. How old each leg may
        be is for risk to judge.
        """
        session = await self._calendar.session()
        self._require_open(session)
        bars = await self._bars.until(session, self._clock.now())
        spot = await self.spot()
        chain = self._chain.snapshot()
        return MarketView(
            now=self._clock.now(),
            session=session,
            spot=spot,
            chain=chain,
            bars=bars,
            moves=self._history.moves,
            next_day=self._calendar.day_after(session),
            ex_dividends=self._dividends.coming,
        )

    async def spot(self) -> Quote:
        """Return the underlying's quote, two-sided and young; raises as view does."""
        return await self._spot.fresh(self._quote_age_max)

    def _require_open(self, session: Session) -> None:
        now = self._clock.now()
        if now < session.open:
            raise MarketClosed(f"the session opens {new_york_text(session.open)}")
        if now >= (end := session.option_close(self._spot.symbol)):
            raise MarketClosed(f"{self._spot.symbol} options closed {new_york_text(end)}")
