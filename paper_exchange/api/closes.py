"""What things closed at on the session before: official closes, and marks of what has none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from common.contracts import AssetClass, asset_class
from common.errors import TradingError
from common.money import ZERO, Price
from paper_exchange.engine.market import mark_of
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source


class Closes:
    """Looked up in a source; what did not trade that day has no close."""

    def __init__(self, source: Source, calendar: Calendar) -> None:
        self._source = source
        self._calendar = calendar

    def before(self, symbols: Iterable[str], day: date) -> dict[str, Price]:
        """Return the closes of the last session before a day, by symbol.

        A stock's is its official close, an option's or a coin's the mark when stocks closed.
        """
        session = self._calendar.previous_session(day)
        marked = []
        found: dict[str, Price] = {}
        for symbol in symbols:
            if asset_class(symbol) is not AssetClass.EQUITY:
                marked.append(symbol)
                continue
            try:
                found[symbol] = self._source.official_close(symbol, session.day)
            except TradingError:  # it did not trade
                continue
        quotes = self._source.quotes(marked, session.close)
        marks = {s: mark_of(quote, ZERO) for s, quote in zip(marked, quotes, strict=True)}
        return found | {symbol: mark for symbol, mark in marks.items() if mark > 0}
