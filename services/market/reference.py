"""What is listed, when it trades, and what companies announced."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from common.clock import NS, Clock, WallClock
from common.errors import BadArgument
from common.session import Session, trading_day
from services.broker.library import Announcements, Assets, Library
from services.broker.published import Announcement, Asset, Found
from services.broker.reader import BrokerReader
from services.market.pages import page

KEPT: Final = timedelta(minutes=10)  # a list of all assets: megabytes, which change overnight
AHEAD: Final = timedelta(days=14)
ANNOUNCED_MAX: Final = timedelta(days=90)  # the broker tells no more at once
KINDS: Final = ("dividend", "merger", "spinoff", "split")
CALENDAR: Final = "alpaca calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Which corporate actions: from today through a fortnight, when nothing is said."""

    kinds: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    symbol: str | None = None
    cusip: str | None = None
    by: str | None = None
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """A calendar day, its session where it has one, and the one that follows."""

    day: date
    session: Session | None
    following: Session | None


class ReferenceData:
    """Assets, sessions and announcements. Every method raises as Library does."""

    def __init__(
        self, library: Library, reader: BrokerReader, clock: Clock, wall: WallClock
    ) -> None:
        self._library = library
        self._reader = reader
        self._clock = clock
        self._wall = wall
        self._listed: tuple[Assets, int, Found[Asset]] | None = None
        self._reading = asyncio.Lock()

    async def asset(self, name: str) -> Asset:
        """Return what a symbol or an id names."""
        return await self._library.asset(name)

    async def assets(self, wanted: Assets, limit: int, cursor: str | None = None) -> Found[Asset]:
        """Return a page of what is listed so, by symbol. The last list is kept for a while."""
        async with self._reading:
            found = self._kept(wanted)
            if found is None:
                found = await self._library.assets(wanted)
                self._listed = wanted, self._wall.ns(), found
        return page(found, lambda asset: asset.symbol, limit, cursor)

    async def sessions(
        self, start: date | None, end: date | None, limit: int, cursor: str | None = None
    ) -> Found[Session]:
        """Return a page of trading days, both ends inside; the coming fortnight by default."""
        first = start or trading_day(self._clock.now())
        last = end or first + AHEAD
        if last < first:
            raise BadArgument(f"the end {last} lies before the start, {first}")
        found = Found(rows=await self._reader.sessions(first, last), source=CALENDAR)
        return page(found, lambda session: session.day.isoformat(), limit, cursor)

    async def trading_day(self, day: date | None) -> TradingDay:
        """Return whether a day, today by default, is one, and which comes next."""
        day = day or trading_day(self._clock.now())
        found = await self._reader.sessions(day, day + AHEAD)
        return TradingDay(
            day=day,
            session=next((one for one in found if one.day == day), None),
            following=next((one for one in found if one.day > day), None),
        )

    async def announcements(self, wanted: Announced) -> Found[Announcement]:
        """Return a page of corporate actions, by ex-date."""
        since = wanted.since or trading_day(self._clock.now())
        until = wanted.until or since + AHEAD
        if not timedelta(0) <= until - since <= ANNOUNCED_MAX:
            raise BadArgument(f"until must lie 0 to {ANNOUNCED_MAX.days} days after since, {since}")
        asked = Announcements(
            kinds=wanted.kinds or KINDS,
            since=since,
            until=until,
            symbol=wanted.symbol,
            cusip=wanted.cusip,
            by=wanted.by,
        )
        found = await self._library.announcements(asked)
        return page(found, _by_date, wanted.limit, wanted.cursor)

    def _kept(self, wanted: Assets) -> Found[Asset] | None:
        if self._listed is None:
            return None
        of, read_ns, found = self._listed
        young = self._wall.ns() - read_ns < KEPT.total_seconds() * NS
        return found if of == wanted and young else None


def _by_date(one: Announcement) -> str:
    return f"{one.ex_date or ''}|{one.id}"
