"""The newest of every symbol as it became known here, and what is left of the past."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from common.contracts import AssetClass, asset_class
from common.quotes import Bar, Quote
from common.session import trading_day
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.live import codec
from paper_exchange.feed.live.tape import Tape
from paper_exchange.feed.source import Series

KEPT: Final = 16  # quotes of a symbol: what streams have not told yet
TAPES_MAX: Final = 4000  # the one longest not added to goes
DAY: Final = 390  # minutes of a bar that holds a session

logger = logging.getLogger(__name__)


class Board:
    """One writer, the jobs that ask; read by whoever answers, on the same event loop."""

    def __init__(self, calendar: Calendar, *, samples_are_final: bool) -> None:
        """samples_are_final: whether yesterday's bar of a stock's snapshot is the whole tape's."""
        self._calendar = calendar
        self._samples_are_final = samples_are_final
        self._quotes: dict[str, deque[tuple[datetime, Quote]]] = {}
        self._confirmed: dict[str, datetime] = {}
        self._tapes: dict[tuple[Series, str, int], Tape] = {}
        self._nothing = Tape()

    def confirmed(self, symbol: str) -> datetime | None:
        """Return when the upstream was last heard about a symbol."""
        return self._confirmed.get(symbol)

    def learn(
        self, symbols: Iterable[str], found: Mapping[str, Mapping[str, Any]], at: datetime
    ) -> None:
        """Take the snapshots of the symbols asked for; one without any has no quote."""
        for symbol in symbols:
            self._confirmed[symbol] = at
            snapshot = found.get(symbol)
            if snapshot is not None:
                self._learn(symbol, snapshot, at)

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """Return the quote that was known at an instant."""
        known = self._quotes.get(symbol)
        if not known:
            return None
        if known[-1][0] <= at:
            return known[-1][1]
        return next((quote for since, quote in reversed(known) if since <= at), None)

    def changes(
        self, symbols: Sequence[str], since: datetime, until: datetime
    ) -> list[tuple[str, Quote]]:
        """Return the quotes that became known in (since, until], in that order."""
        found: list[tuple[datetime, int, str, Quote]] = []
        for place, symbol in enumerate(symbols):
            for known, quote in reversed(self._quotes.get(symbol, ())):
                if known <= since:
                    break
                if known <= until:
                    found.append((known, place, symbol, quote))
        found.sort(key=lambda change: (change[0], change[1], change[3].at))
        return [(symbol, quote) for _, _, symbol, quote in found]

    def tape(self, series: Series, symbol: str, minutes: int = 1) -> Tape:
        """Return what is known of a series, to add to it."""
        key = (series, symbol, minutes if series is Series.BARS else 0)
        found = self._tapes.pop(key, None) or Tape()
        if len(self._tapes) >= TAPES_MAX:
            del self._tapes[next(iter(self._tapes))]
        self._tapes[key] = found
        return found

    def known(self, series: Series, symbol: str, minutes: int = 1) -> Tape:
        """Return what is known of a series, to look at it; an empty one where nothing is."""
        key = (series, symbol, minutes if series is Series.BARS else 0)
        return self._tapes.get(key, self._nothing)

    def day_bar(self, bar: Bar) -> Bar | None:
        """Return a daily bar stamped with its session's open, None without a session."""
        session = self._calendar.session(trading_day(bar.at))
        return None if session is None else replace(bar, at=session.open)

    def _learn(self, symbol: str, snapshot: Mapping[str, Any], at: datetime) -> None:
        quote = _read(codec.quote, snapshot.get("latestQuote"))
        if quote is not None:
            known = self._quotes.setdefault(symbol, deque(maxlen=KEPT))
            if not known or (known[-1][1] != quote and known[-1][1].at <= quote.at):
                known.append((at, quote))
        trade = _read(codec.trade, snapshot.get("latestTrade"))
        if trade is not None:
            self.tape(Series.TRADES, symbol).learn(trade)
        minute = _read(codec.bar, snapshot.get("minuteBar"))
        if minute is not None:
            self.tape(Series.BARS, symbol).learn(minute)
        for name in ("dailyBar", "prevDailyBar"):
            day = _read(codec.bar, snapshot.get(name))
            stamped = None if day is None else self.day_bar(day)
            if stamped is not None and (name == "dailyBar" or self._final(symbol)):
                self.tape(Series.BARS, symbol, DAY).learn(stamped)

    def _final(self, symbol: str) -> bool:
        return self._samples_are_final or asset_class(symbol) is AssetClass.OPTION


def _read(read: Callable[[Any], Any], part: Any) -> Any | None:
    if part is None:
        return None
    try:
        return read(part)
    except codec.MALFORMED as e:
        logger.warning("the upstream sent what cannot be read: %.200s (%s)", part, e)
        return None
