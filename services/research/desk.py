"""The questions the desk puts to the provider, each answered whole or refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from common.clock import Clock
from common.session import trading_day
from services.research.provider import Provider, Told
from services.research.records import (
    Article,
    Consensus,
    Dividend,
    Earnings,
    Grade,
    Release,
    Split,
    Target,
)

_Dated = TypeVar("_Dated", Earnings, Dividend, Split)

ROWS: Final = 100  # of one kind of event, newest first
GRADES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """What analysts say of a stock. consensus and target are None where nobody does.

    unreadable, here and below: rows that were left out.
    """

    symbol: str
    consensus: Consensus | None
    target: Target | None
    grades: tuple[Grade, ...]
    age: timedelta
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A stock's events from a day to another, by rising day."""

    symbol: str
    start: date
    end: date
    earnings: tuple[Earnings, ...]
    dividends: tuple[Dividend, ...]
    splits: tuple[Split, ...]
    age: timedelta
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Economic releases from a day to another, by rising time, as (instant, release)."""

    start: date
    end: date
    releases: tuple[tuple[datetime, Release], ...]
    age: timedelta
    unreadable: int


class Research:
    """What may be asked. Every method raises as Provider.ask does."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self._provider = provider
        self._clock = clock

    async def ratings(self, symbol: str) -> Ratings:
        """Return analysts' consensus, targets and latest opinions of a stock."""
        consensus, target, grades = await asyncio.gather(
            self._provider.ask("grades-consensus", Consensus, symbol=symbol),
            self._provider.ask("price-target-consensus", Target, symbol=symbol),
            self._provider.ask("grades", Grade, symbol=symbol),
        )
        newest = sorted(grades.rows, key=lambda one: one.date, reverse=True)
        return Ratings(
            symbol=symbol,
            consensus=next(iter(consensus.rows), None),
            target=next(iter(target.rows), None),
            grades=tuple(newest[:GRADES]),
            age=_oldest(consensus, target, grades),
            unreadable=_unreadable(consensus, target, grades),
        )

    async def events(self, symbol: str, back: int, ahead: int) -> Events:
        """Return a stock's earnings, dividends and splits, so many days back and ahead."""
        today = trading_day(self._clock.now())
        start, end = today - timedelta(days=back), today + timedelta(days=ahead)
        earnings, dividends, splits = await asyncio.gather(
            self._provider.ask("earnings", Earnings, symbol=symbol, limit=ROWS),
            self._provider.ask("dividends", Dividend, symbol=symbol, limit=ROWS),
            self._provider.ask("splits", Split, symbol=symbol, limit=ROWS),
        )
        return Events(
            symbol=symbol,
            start=start,
            end=end,
            earnings=_between(earnings, start, end),
            dividends=_between(dividends, start, end),
            splits=_between(splits, start, end),
            age=_oldest(earnings, dividends, splits),
            unreadable=_unreadable(earnings, dividends, splits),
        )

    async def calendar(self, days: int, country: str, impacts: frozenset[str]) -> Calendar:
        """Return economic releases of today and so many days after it.

        impacts: "low", "medium", "high" as the provider grades them; a release that it does
        not grade is kept.
        """
        start = trading_day(self._clock.now())
        end = start + timedelta(days=days)
        last = end + timedelta(days=1)  # an evening in New York is the next day's in UTC
        span = {"from": start.isoformat(), "to": last.isoformat()}
        told = await self._provider.ask("economic-calendar", Release, **span)
        found = [
            (one.date.replace(tzinfo=UTC) if one.date.tzinfo is None else one.date, one)
            for one in told.rows
            if one.country == country and (one.impact is None or one.impact.lower() in impacts)
        ]
        inside = [(at, one) for at, one in found if start <= trading_day(at) <= end]
        return Calendar(
            start=start,
            end=end,
            releases=tuple(sorted(inside, key=lambda pair: pair[0])),
            age=told.age,
            unreadable=told.unreadable,
        )

    async def news(self, limit: int) -> Told[Article]:
        """Return the latest general and economic news, newest first."""
        return await self._provider.ask("news/general-latest", Article, page=0, limit=limit)


def _between(told: Told[_Dated], start: date, end: date) -> tuple[_Dated, ...]:
    return tuple(
        sorted((one for one in told.rows if start <= one.date <= end), key=lambda one: one.date)
    )


def _oldest(*told: Told[Any]) -> timedelta:
    return max(one.age for one in told)


def _unreadable(*told: Told[Any]) -> int:
    return sum(one.unreadable for one in told)
