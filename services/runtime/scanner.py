"""Scans stocks by simple criteria, in a bounded number of requests, saying how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Final

from common.clock import Clock
from common.errors import BadArgument
from common.session import Session
from services.analysis.bars import SessionBars
from services.analysis.indicators import Columns, compute, wanted
from services.analysis.screen import Criterion, Reading, Today, reading
from services.market.calendar import SessionCalendar
from services.market.stocks import StockData
from services.market.watchlists import Watchlists
from services.runtime.technicals import Technicals

UNIVERSE_MAX: Final = 100  # symbols, which is one request of snapshots
ACTIVE: Final = 50  # where no universe is given
DAYS: Final = 20  # of average volume
RSI_BARS: Final = 150  # five-minute bars: two sessions, enough to forget how smoothing began

Progress = Callable[[float, float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """Which stocks to look at: these, else a watchlist's, else the most active ones."""

    symbols: tuple[str, ...] = ()
    watchlist_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was found. matches: strongest in the first criterion first. unread: why not read.

    scanned: symbols looked at. truncated: the universe was longer.
    """

    source: str
    feed: str
    as_of: datetime
    scanned: int
    truncated: bool
    matches: tuple[Reading, ...]
    unread: Mapping[str, str]


class Scanner:
    """Scans. Every method raises as what it reads does."""

    def __init__(
        self,
        stocks: StockData,
        watchlists: Watchlists,
        technicals: Technicals,
        calendar: SessionCalendar,
        clock: Clock,
    ) -> None:
        self._stocks = stocks
        self._watchlists = watchlists
        self._technicals = technicals
        self._calendar = calendar
        self._clock = clock

    async def scan(
        self, universe: Universe, criteria: Sequence[Criterion], progress: Progress
    ) -> Scan:
        """Return the symbols that meet every criterion, reading only what these need."""
        source, symbols = await self._symbols(universe)
        kept = symbols[:UNIVERSE_MAX]
        if not kept:
            raise BadArgument(f"{source} has no symbols", remedy="name symbols")
        await progress(1, 4, f"{len(kept)} symbols")
        session = await self._calendar.session()
        told = await self._stocks.snapshots(kept)
        await progress(2, 4, "prices")
        days = {one.symbol: Today.of(one, session) for one in told.rows}
        fields = {c.field for c in criteria}
        volumes = await self._volumes(list(days)) if "rvol" in fields else {}
        await progress(3, 4, "volumes")
        passed = self._passed(session)
        found = [reading(day, volumes.get(name), passed, None) for name, day in days.items()]
        if "rsi" in fields:
            found = await self._with_rsi(found, [c for c in criteria if c.field != "rsi"])
        await progress(4, 4, "done")
        unread = {name: "no market data" for name in kept if name not in days}
        unread |= {
            one.symbol: "no " + ", ".join(lack) for one in found if (lack := one.lacks(criteria))
        }
        return Scan(
            source=source,
            feed=told.source,
            as_of=self._clock.now(),
            scanned=len(kept),
            truncated=len(symbols) > len(kept),
            matches=_ranked((one for one in found if one.meets(criteria)), criteria),
            unread=unread,
        )

    async def _symbols(self, universe: Universe) -> tuple[str, tuple[str, ...]]:
        if universe.symbols:
            return "symbols", tuple(dict.fromkeys(universe.symbols))
        if universe.watchlist_id is not None:
            found = await self._watchlists.lists(universe.watchlist_id, 1)
            return "watchlist", tuple(found.rows[0].symbols or ())
        active = await self._stocks.most_active("volume", ACTIVE)
        return "most active", tuple(row.symbol for row in active.rows)

    async def _volumes(self, symbols: Sequence[str]) -> dict[str, float]:
        """Return the mean volume of the last full sessions, of those that have as many."""
        told = await self._technicals.sessions(symbols, "1Day", DAYS)
        return {
            symbol: sum(one.bars[0].volume for one in days[-DAYS:]) / DAYS
            for symbol, days in told.items()
            if len(days) >= DAYS
        }

    async def _with_rsi(
        self, found: Sequence[Reading], others: Sequence[Criterion]
    ) -> list[Reading]:
        """Read the bars of those that meet all else, and drop what cannot match any more."""
        worth = [one.symbol for one in found if one.meets(others)]
        bars = await self._technicals.sessions(worth, "5Min", RSI_BARS) if worth else {}
        strength = await asyncio.to_thread(_rsi, bars)
        return [
            Reading(symbol=one.symbol, fields={**one.fields, "rsi": strength.get(one.symbol)})
            for one in found
            if one.symbol in strength or one.lacks(others)
        ]

    def _passed(self, session: Session) -> float:
        """Return which share of today's session is over."""
        gone = (self._clock.now() - session.open) / (session.close - session.open)
        return min(max(gone, 0.0), 1.0)


def _rsi(told: Mapping[str, Sequence[SessionBars]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for symbol, sessions in told.items():
        line = compute(Columns.of(sessions), wanted("rsi"))["rsi"]
        found[symbol] = float(line[-1]) if line.size and isfinite(line[-1]) else None
    return found


def _ranked(found: Iterable[Reading], criteria: Sequence[Criterion]) -> tuple[Reading, ...]:
    if not criteria:
        return tuple(found)
    first = criteria[0]
    sign = -1 if first.above else 1
    return tuple(sorted(found, key=lambda one: sign * (one.fields[first.field] or 0.0)))
