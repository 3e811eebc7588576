"""Reads bars for the indicators and hands them to the analysis, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Final

from common.clock import Clock
from common.errors import MarketDataMissing
from common.quotes import Bar
from common.session import Session, trading_day
from services.analysis.bars import MINUTES, SOURCE, SessionBars, Timeframe, by_day, by_session
from services.analysis.indicators import Columns, Wanted, compute
from services.broker.published import PriceBar
from services.broker.reader import BrokerReader
from services.market.stocks import StockData

WARM_UP: Final = 250  # bars read before the first that is shown: smoothing forgets its beginning
PIECE: Final = timedelta(days=90)  # of one reading
_SESSION: Final = 390  # minutes
_CALENDAR_DAYS: Final = 1.5  # per session, holidays included
_UNTOLD: Final = Decimal("NaN")

Line = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Technical:
    """Indicators of the latest bars, oldest first. None is not known (yet), never a guess.

    at: where each bar begins. as_of: when the last one ended. missing: intervals among the bars
    used in which nobody traded. values: lines by indicator.
    """

    symbol: str
    timeframe: Timeframe
    feed: str
    as_of: datetime
    bars_used: int
    missing: int
    at: tuple[datetime, ...]
    close: tuple[Decimal, ...]
    values: Mapping[str, Mapping[str, Line]]


class Technicals:
    """Indicators of any stock, of bars of regular hours that have ended."""

    def __init__(self, stocks: StockData, reader: BrokerReader, clock: Clock, feed: str) -> None:
        self._stocks = stocks
        self._reader = reader
        self._clock = clock
        self._feed = feed

    async def indicators(
        self, symbol: str, names: Sequence[Wanted], timeframe: Timeframe, points: int
    ) -> Technical:
        """Return indicators of a symbol's latest bars; points: how many of them are shown.

        Raises MarketDataMissing where the broker has no bars, and as StockData does.
        """
        told = (await self.sessions([symbol], timeframe, WARM_UP + points))[symbol]
        if not told:
            raise MarketDataMissing(
                f"the broker has no {timeframe} bars of {symbol}",
                remedy="check the symbol, or ask for a longer timeframe",
            )
        return await asyncio.to_thread(self._computed, symbol, names, timeframe, points, told)

    async def sessions(
        self, symbols: Sequence[str], timeframe: Timeframe, bars: int
    ) -> dict[str, tuple[SessionBars, ...]]:
        """Return at least so many bars of each symbol, where the broker has them, by session."""
        now = self._clock.now()
        length = MINUTES.get(timeframe, _SESSION)
        count = -(-bars * length // _SESSION) + 1
        today = trading_day(now)
        span = timedelta(days=int(count * _CALENDAR_DAYS) + 7)
        hours = [s for s in await self._reader.sessions(today - span, today) if s.open < now]
        wanted = tuple(hours[-count:])
        if not wanted:
            return dict.fromkeys(symbols, ())
        daily = timeframe == "1Day"
        start = wanted[0].open - timedelta(hours=12) if daily else wanted[0].open
        source = SOURCE.get(timeframe, timeframe)
        told = await self._series(symbols, source, start, now)
        return await asyncio.to_thread(_by_session, told, wanted, now, None if daily else length)

    async def _series(
        self, symbols: Sequence[str], source: str, start: datetime, end: datetime
    ) -> dict[str, list[PriceBar]]:
        """Read in pieces, so that no one answer takes longer than the broker is waited for."""
        found: dict[str, list[PriceBar]] = {symbol: [] for symbol in symbols}
        while start < end:
            until = min(start + PIECE, end)
            told = await self._stocks.series(symbols, source, start, until)
            for symbol, bars in told.items():
                found[symbol] += (bar for bar in bars if bar.at < until)
            start = until
        return found

    def _computed(
        self,
        symbol: str,
        names: Sequence[Wanted],
        timeframe: Timeframe,
        points: int,
        told: Sequence[SessionBars],
    ) -> Technical:
        columns = Columns.of(told)
        bars = [bar for one in told for bar in one.bars]
        shown = bars[-points:]
        return Technical(
            symbol=symbol,
            timeframe=timeframe,
            feed=self._feed,
            as_of=told[-1].ended,
            bars_used=len(bars),
            missing=sum(one.missing for one in told),
            at=tuple(bar.at for bar in shown),
            close=tuple(bar.close for bar in shown),
            values={
                one.label: {
                    line: tuple(_known(value) for value in values[-points:].tolist())
                    for line, values in compute(columns, one).items()
                }
                for one in names
            },
        )


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def _by_session(
    told: Mapping[str, Sequence[PriceBar]],
    sessions: tuple[Session, ...],
    now: datetime,
    length: int | None,
) -> dict[str, tuple[SessionBars, ...]]:
    bars = {symbol: [_bar(row) for row in rows] for symbol, rows in told.items()}
    if length is None:
        return {symbol: by_day(rows, sessions, now) for symbol, rows in bars.items()}
    return {symbol: by_session(rows, sessions, now, length) for symbol, rows in bars.items()}


def _bar(row: PriceBar) -> Bar:
    """Return a bar as the analysis takes it; an untold average price stays unknown (NaN)."""
    return Bar(
        at=row.at,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=int(row.volume),
        vwap=_UNTOLD if row.vwap is None else row.vwap,
        trades=row.trades or 0,
    )
