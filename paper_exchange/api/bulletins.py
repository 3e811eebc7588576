"""What is said about the market: its own news, and stock loans.

Every stock is easy to borrow, so nobody ever needed a locate: that list is empty. News is what
the exchange knows itself: when sessions opened and closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from common.clock import Clock
from common.contracts import AssetClass
from common.session import NEW_YORK, Session, trading_day
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, data, trading
from paper_exchange.engine.refusals import UNPROCESSABLE, Refused
from paper_exchange.feed.calendar import FIRST_DAY, LAST_DAY, Calendar
from paper_exchange.feed.source import Source
from paper_exchange.wire.errors import BadParameter, not_found
from paper_exchange.wire.locates import wanted_locate
from paper_exchange.wire.query import Query, date_range, page_offset, page_token
from paper_exchange.wire.scalars import instant

Json = dict[str, Any]

NEWS_DEFAULT: Final = 10
NEWS_MAX: Final = 50

_NEWS_REACH: Final = timedelta(days=366)
_WORDS: Mapping[bool, tuple[str, str]] = {
    True: ("opened", "Stocks and options trade."),
    False: ("closed", "Day orders in stocks have ended."),
}


class Bulletins:
    """News and locates."""

    def __init__(self, source: Source, calendar: Calendar, clock: Clock) -> None:
        self._calendar = calendar
        self._clock = clock
        self._stocks = sorted(
            asset.symbol for asset in source.assets() if asset.asset_class is AssetClass.EQUITY
        )

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        return (
            data("/v1beta1/news", self.news),
            trading("/v1/locates", GET=self.locates, POST=self.locate),
            trading("/v1/locates/quotes", GET=self.locate_quotes),
            trading("/v1/locates/{id:str}", GET=self.one_locate),
        )

    async def news(self, call: Call) -> Reply:
        """Answer GET /v1beta1/news?symbols=&start=&end=: sessions that opened and closed."""
        query = call.query
        limit = query.integer("limit", NEWS_DEFAULT, low=1, high=NEWS_MAX)
        offset = page_offset(query)
        descending = query.choice("sort", ("asc", "desc"), "desc") == "desc"
        query.flag("include_content")
        query.flag("exclude_contentless")
        wanted = set(query.symbols())
        about = [symbol for symbol in self._stocks if not wanted or symbol in wanted]
        items = [*self._items(query)] if about else []
        if descending:
            items.reverse()
        more = offset + limit < len(items)
        return reply(
            {
                "news": [self._article(*item) for item in items[offset : offset + limit]],
                "next_page_token": page_token(str(offset + limit)) if more else None,
            }
        )

    async def locates(self, call: Call) -> Reply:
        """Answer GET /v1/locates: none was ever needed."""
        call.query.integer("limit", 100, low=1, high=1000)
        if call.query.text("status"):
            call.query.choice("status", ("active", "expired", "rejected"), "")
        date_range(call.query, "start", "end")
        return reply({"locates": [], "next_page_token": None})

    async def locate(self, call: Call) -> Reply:
        """Answer POST /v1/locates: an easy stock needs none, anything else has none."""
        symbol = wanted_locate(call.body)
        why = self._no_quote(symbol)
        raise Refused(422, UNPROCESSABLE, why["message"], {"code": why["code"]})

    async def one_locate(self, call: Call) -> Reply:
        """Answer GET of one locate: there are none."""
        try:
            UUID(call.path["id"])
        except ValueError:
            raise BadParameter("locate_id must be a UUID") from None
        raise not_found("locate not found")

    async def locate_quotes(self, call: Call) -> Reply:
        """Answer GET /v1/locates/quotes?symbols=: why each symbol has no price."""
        call.query.required("symbols")
        return reply(
            {"errors": [self._no_quote(symbol) for symbol in call.query.symbols()], "quotes": []}
        )

    def _no_quote(self, symbol: str) -> Json:
        if symbol in self._stocks:
            return _error(symbol, "easy_to_borrow", f"{symbol} is easy to borrow")
        return _error(symbol, "symbol_not_found", f"asset not found for {symbol:.40}")

    def _items(self, query: Query) -> Iterator[tuple[Session, bool]]:
        """Yield the openings and closings of the window, by time."""
        now = self._clock.now()
        end = min(query.instant("end", end_of_day=True) or now, now)
        start = max(query.instant("start") or end - _NEWS_REACH, end - _NEWS_REACH)
        first, last = (trading_day(at) for at in (start, max(start, end)))
        for session in self._calendar.sessions(max(first, FIRST_DAY), min(last, LAST_DAY)):
            for opens in (True, False):
                if start <= _at(session, opens=opens) <= end:
                    yield session, opens

    def _article(self, session: Session, opens: bool) -> Json:
        at = _at(session, opens=opens)
        verb, meaning = _WORDS[opens]
        early = " early" if session.early and not opens else ""
        local = at.astimezone(NEW_YORK)
        headline = f"The session of {session.day} {verb}{early} at {local:%H:%M} New York time"
        return {
            "author": "paper exchange",
            "content": f"<p>{headline}. {meaning}</p>",
            "created_at": instant(at),
            "headline": headline,
            "id": int(at.timestamp()),
            "images": [],
            "source": "paper exchange",
            "summary": meaning,
            "symbols": self._stocks,
            "updated_at": instant(at),
            "url": None,
        }


def _at(session: Session, *, opens: bool) -> datetime:
    return session.open if opens else session.close


def _error(symbol: str, code: str, message: str) -> Json:
    return {"code": code, "message": message, "symbol": symbol}
