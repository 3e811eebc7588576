"""Bars of a source by timeframe, and the ones a snapshot shows."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Final

from common.clock import Clock
from common.contracts import AssetClass, asset_class
from common.quotes import Bar
from common.session import new_york, trading_day
from paper_exchange.api.history import Fetch, Load
from paper_exchange.api.timeframes import DAY, Timeframe
from paper_exchange.feed.source import Past, Series, Source
from paper_exchange.wire import market_data as wire

_LOOK_BACK: Final = timedelta(days=5)  # the longest gap between sessions, with room
_TICK: Final = timedelta(microseconds=1)
_SESSION: Final = 390  # minutes of a bar that holds a whole session


class Bars:
    """Bars of a source by timeframe, and the ones a snapshot shows."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    def fetch(self, timeframe: Timeframe) -> Fetch:
        """Return how bars begun in [start, end) are had, each whole as far as it has come."""

        def begun(symbol: str, start: datetime, end: datetime, limit: int) -> list[Bar]:
            if timeframe.start_of(end - _TICK) < start:
                return []  # no bar begins in between
            until = min(timeframe.end_of(end), self._clock.now())
            first = timeframe.start_of(start)
            minutes = _SESSION if self._whole(timeframe, symbol) else 1
            parts = self._source.bars(symbol, first, until, minutes)
            return [bar for bar in timeframe.bars(parts) if start <= bar.at < end][:limit]

        return begun

    def load(self, timeframe: Timeframe) -> Load:
        """Return how the bars of a timeframe are made ready: by whole ones."""

        async def load(
            symbol: str, start: datetime, end: datetime, limit: int, descending: bool
        ) -> tuple[datetime, datetime]:
            first, until = timeframe.start_of(start), timeframe.end_of(end - _TICK)
            parts = _SESSION if self._whole(timeframe, symbol) else 1
            known = await self._source.load(
                Past(
                    series=Series.BARS,
                    symbol=symbol,
                    start=first,
                    end=until,
                    limit=limit * max(timeframe.minutes // parts, 1),
                    descending=descending,
                    minutes=parts,
                )
            )
            begin = start if known.start == first else timeframe.end_of(known.start)
            return begin, end if known.end == until else timeframe.start_of(known.end)

        return load

    def minute(self, symbol: str, at: datetime) -> Bar | None:
        """Return the latest whole minute with a trade in the last hours."""
        for back in (timedelta(minutes=5), timedelta(hours=1), _LOOK_BACK):
            bars = self._source.bars(symbol, at - back, at, 1)
            if bars:
                return bars[-1]
        return None

    def days(self, symbol: str, at: datetime) -> list[Bar]:
        """Return the daily bars of the sessions of the last days, the latest last."""
        midnight = new_york(trading_day(at - _LOOK_BACK), time.min)
        return list(DAY.bars(self._source.bars(symbol, midnight, at, _SESSION)))

    def of_snapshot(self, symbol: str, at: datetime) -> dict[str, Any]:
        """Return the bars a snapshot shows, as far as there are any."""
        days, minute = self.days(symbol, at), self.minute(symbol, at)
        return wire.snapshot(
            dailyBar=wire.bar(days[-1]) if days else None,
            minuteBar=None if minute is None else wire.bar(minute),
            prevDailyBar=wire.bar(days[-2]) if len(days) > 1 else None,
        )

    @staticmethod
    def _whole(timeframe: Timeframe, symbol: str) -> bool:
        """Whether bars are made of whole sessions."""
        return timeframe.holds_days and asset_class(symbol) is not AssetClass.CRYPTO
