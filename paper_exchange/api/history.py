"""Pages of history: of many symbols, in either direction, never past the present.

A page holds at most limit items over all symbols, symbol by symbol. Its token names the
symbol and the instant the next page starts at. Time is walked in spans, so that a page
costs what it holds and not what lies between start and end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final, Protocol, TypeAlias

from common.clock import Clock
from common.session import new_york, trading_day
from paper_exchange.feed.source import Past, Series, Source
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query, page_position, page_token
from paper_exchange.wire.scalars import instant

LIMIT_DEFAULT: Final = 1000
LIMIT_MAX: Final = 10_000
YEARS_BACK: Final = timedelta(days=5 * 366)

_TICK: Final = timedelta(microseconds=1)
_FIRST_SPAN: Final = timedelta(minutes=1)
_LONGEST_SPAN: Final = timedelta(hours=1)
_EVERYTHING: Final = 1 << 30

Json: TypeAlias = dict[str, Any]


class Dated(Protocol):
    """Whatever carries the instant it happened."""

    @property
    def at(self) -> datetime:
        """When."""
        ...


# (symbol, start, end, limit) -> items of [start, end), by time
Fetch: TypeAlias = Callable[[str, datetime, datetime, int], Sequence[Any]]

# (symbol, start, end, limit, descending) -> the part of [start, end) that can be fetched now
Load: TypeAlias = Callable[
    [str, datetime, datetime, int, bool], Awaitable[tuple[datetime, datetime]]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The window and the page a request asks for."""

    start: datetime
    end: datetime  # exclusive
    limit: int
    descending: bool
    symbols: tuple[str, ...]
    resume: datetime | None

    @classmethod
    def of(cls, query: Query, symbols: Sequence[str], clock: Clock) -> Wanted:
        """Read start, end, limit, sort and page_token; raise BadParameter.

        start is today's first moment by default; end is the present at most.
        """
        now = clock.now()
        start = query.instant("start") or new_york(trading_day(now), time.min)
        end = min(query.instant("end", end_of_day=True) or now, now) + _TICK
        symbols = sorted(symbols)
        symbol, resume = _resumed(query)
        if symbol is not None and symbol not in symbols:
            raise BadParameter("invalid page_token")
        return cls(
            start=max(start, now - YEARS_BACK),
            end=end,
            limit=query.integer("limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX),
            descending=query.choice("sort", ("asc", "desc"), "asc") == "desc",
            symbols=tuple(symbols[symbols.index(symbol) :] if symbol else symbols),
            resume=resume,
        )

    def window(self, resume: datetime | None) -> tuple[datetime, datetime]:
        """Return [start, end) as far as no page before has told it."""
        if resume is None:
            return self.start, self.end
        if self.descending:
            return self.start, min(self.end, resume + _TICK)
        return max(self.start, resume), self.end


async def page(wanted: Wanted, fetch: Fetch, load: Load) -> tuple[dict[str, list[Any]], str | None]:
    """Return items by symbol and the token of the next page, None at the end."""
    found: dict[str, list[Any]] = {}
    left = wanted.limit
    resume = wanted.resume
    for symbol in wanted.symbols:
        first, last = wanted.window(resume)
        known = await load(symbol, first, last, left + 1, wanted.descending)
        for start, end in _spans(*known, wanted.descending):
            items = _within(fetch, symbol, start, end, left + 1, wanted.descending)
            if len(items) > left:
                if left:
                    found.setdefault(symbol, []).extend(items[:left])
                return found, page_token(f"{symbol}|{instant(items[left].at)}")
            if items:
                found.setdefault(symbol, []).extend(items)
                left -= len(items)
            await asyncio.sleep(0)  # a long walk lets others in between
        if known != (first, last):  # the rest is asked for by the next page
            at = known[0] - _TICK if wanted.descending else known[1]
            return found, page_token(f"{symbol}|{instant(at)}")
        resume = None
    return found, None


def loader(source: Source, series: Series) -> Load:
    """Return how quotes or prints are made ready to be fetched."""

    async def load(
        symbol: str, start: datetime, end: datetime, limit: int, descending: bool
    ) -> tuple[datetime, datetime]:
        known = await source.load(
            Past(
                series=series,
                symbol=symbol,
                start=start,
                end=end,
                limit=limit,
                descending=descending,
            )
        )
        return known.start, known.end

    return load


def _within(
    fetch: Fetch, symbol: str, start: datetime, end: datetime, limit: int, descending: bool
) -> Sequence[Any]:
    if not descending:
        return fetch(symbol, start, end, limit)
    return fetch(symbol, start, end, _EVERYTHING)[::-1][:limit]


def _spans(start: datetime, end: datetime, descending: bool) -> Iterator[tuple[datetime, datetime]]:
    """Yield a window in pieces: by New York day forwards, in growing steps backwards."""
    if not descending:
        at = start
        while at < end:
            until = min(_next_midnight(at), end)
            yield at, until
            at = until
        return
    until = end
    span = _FIRST_SPAN
    while start < until:
        at = max(start, until - span)
        yield at, until
        until, span = at, min(span * 2, _LONGEST_SPAN)


def _next_midnight(at: datetime) -> datetime:
    return new_york(trading_day(at) + timedelta(days=1), time.min)


def _resumed(query: Query) -> tuple[str | None, datetime | None]:
    position = page_position(query)
    if position is None:
        return None, None
    symbol, _, at = position.partition("|")
    try:
        return symbol, datetime.fromisoformat(at)
    except ValueError:
        raise BadParameter("invalid page_token") from None
