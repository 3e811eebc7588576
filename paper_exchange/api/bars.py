"""Bars of a source by timeframe, and the ones a snapshot shows."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from common.clock import Clock
from common.contracts import AssetClass, asset_class
from common.quotes import Bar
from common.session import new_york, trading_day
from paper_exchange.api.history import Fetch
from paper_exchange.api.timeframes import DAY, Timeframe
from paper_exchange.feed.source import Source

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
            whole = timeframe.holds_days and asset_class(symbol) is not AssetClass.CRYPTO
            first = timeframe.start_of(start)
            parts = self._source.bars(symbol, first, until, _SESSION if whole else 1)
            return [bar for bar in timeframe.bars(parts) if start <= bar.at < end][:limit]

        return begun

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
