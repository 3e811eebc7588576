"""The price bands of the stocks somebody wants them of, worked out from the feed's prints."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from common.errors import TradingError
from common.money import Price
from common.session import Session, trading_day
from paper_exchange.feed.bands import Band, DayBands, tier_of
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source

PRINTS_MAX: Final = 2000  # taken in one look: a morning is caught up with in a few
_TICK: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class _Day:
    """One stock's session: up to when its prints were taken, and whether its band was told."""

    session: Session
    bands: DayBands
    until: datetime
    told: bool = False


class PriceBands:
    """Tells the band in effect once it is known, and each new one."""

    def __init__(self, source: Source, calendar: Calendar) -> None:
        self._source, self._calendar = source, calendar
        self._days: dict[str, _Day] = {}

    def look(self, symbols: Collection[str], now: datetime) -> Iterator[tuple[str, Band]]:
        """Yield what is new of some stocks; the others are forgotten."""
        session = self._calendar.session(trading_day(now))
        if session is None or not self._source.whole_tape:
            return
        self._days = {symbol: self._day(symbol, session, now) for symbol in symbols}
        for symbol, day in self._days.items():
            for band in self._moved(symbol, day, now):
                yield symbol, band

    def _day(self, symbol: str, session: Session, now: datetime) -> _Day:
        known = self._days.get(symbol)
        if known is not None and known.session == session and known.until <= now:
            return known
        bands = DayBands(session, tier_of(symbol), self._close(symbol, session))
        return _Day(session, bands, min(session.open, now))

    def _moved(self, symbol: str, day: _Day, now: datetime) -> list[Band]:
        if self._source.halted(symbol, now):
            day.bands.reopen()
            day.until, day.told = now, True
            return []
        prints = self._source.trades(symbol, day.until, now, PRINTS_MAX)
        behind = len(prints) == PRINTS_MAX
        day.until = prints[-1].at + _TICK if behind else now
        bands = day.bands.advance(prints, day.until)
        if day.told:
            return bands
        standing = day.bands.standing(now)
        if behind or standing is None:
            return []
        day.told = True
        return [standing]

    def _close(self, symbol: str, session: Session) -> Price | None:
        try:
            before = self._calendar.previous_session(session.day)
            return self._source.official_close(symbol, before.day)
        except (TradingError, LookupError):  # it did not trade, or nobody knows
            return None
