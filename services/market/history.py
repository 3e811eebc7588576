"""Past sessions of the underlying, minute by minute, read from the broker and kept on disk.

A day is read once in the life of a desk: newest first, one request each and far below the
request budget, so that reading two years of them disturbs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from common.clock import Clock
from common.errors import BrokerError
from common.pricing.moves import SESSION_MINUTES, MoveHistory
from common.pricing.normal import Floats
from common.quotes import Bar
from common.session import Session, trading_day
from services.broker.reader import BrokerReader

log = logging.getLogger(__name__)

SHARE_OF_REQUESTS: Final = 0.2  # of the broker's budget that reading history may take
PACE_LEAST: Final = timedelta(seconds=1)  # an exchange on this machine has orders to match
LOOK_AGAIN: Final = timedelta(minutes=5)
_SAVE_EVERY: Final = 20  # days
_CALENDAR_DAYS: Final = 1.5  # per session, holidays included
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPlan:
    """sessions: how many past days are kept, 0 for none; pace: between two requests."""

    symbol: str
    sessions: int
    pace: timedelta

    @classmethod
    def of(cls, symbol: str, sessions: int, requests_per_minute: int) -> HistoryPlan:
        """Return the plan that takes a fifth of the request budget, and one a second at most."""
        pace = timedelta(minutes=1) / (requests_per_minute * SHARE_OF_REQUESTS)
        return cls(symbol=symbol, sessions=sessions, pace=max(pace, PACE_LEAST))


class MinuteHistory:
    """Full sessions before today, at most a number of them; what is not read yet is not there."""

    def __init__(self, reader: BrokerReader, file: Path, clock: Clock, plan: HistoryPlan) -> None:
        self._reader = reader
        self._file = file
        self._clock = clock
        self._plan = plan
        self._days: dict[date, Floats] = {}
        self._moves: MoveHistory | None = None
        self._checked = False

    @property
    def moves(self) -> MoveHistory | None:
        """The days read so far; None before the first."""
        return self._moves

    async def keep(self) -> None:
        """Read what is missing, then look again for ever: the day that ended becomes one.

        A broker that refuses or fails is asked again later: nothing waits for the past.
        """
        while self._plan.sessions:
            try:
                await self.read()
            except BrokerError as e:
                log.warning("past bars of %s: %s", self._plan.symbol, e)
            await asyncio.sleep(LOOK_AGAIN.total_seconds())
        await asyncio.Event().wait()

    async def read(self) -> None:
        """Read every session that is wanted and not held, newest first; raises as the reader."""
        if not self._checked:
            await self._load()
        today = trading_day(self._clock.now())
        span = timedelta(days=int(self._plan.sessions * _CALENDAR_DAYS) + 10)
        sessions = await self._reader.sessions(today - span, today - timedelta(days=1))
        wanted = [s for s in sessions if not s.early][-self._plan.sessions :]
        missing = [s for s in reversed(wanted) if s.day not in self._days]
        for count, session in enumerate(missing, 1):
            self._days[session.day] = await self._read_day(session)
            if count % _SAVE_EVERY == 0 or count == len(missing):
                await self._publish({s.day for s in wanted})
            await asyncio.sleep(self._plan.pace.total_seconds())

    async def _read_day(self, session: Session) -> Floats:
        bars = await self._reader.bars(self._plan.symbol, session.open, session.close)
        return minute_prices(session.open, bars)

    async def _load(self) -> None:
        """Take the days on disk, unless the newest is not what the broker says it was.

        The same folder may have served another market: another feed, another seed.
        """
        days = await asyncio.to_thread(_loaded, self._file)
        if days:
            newest = max(days)
            sessions = await self._reader.sessions(newest, newest)
            now = [await self._read_day(session) for session in sessions]
            if not now or not np.array_equal(now[0], days[newest], equal_nan=True):
                log.warning("the stored bars of %s are of another market", self._plan.symbol)
                days = {}
        self._days = days
        self._checked = True
        await self._publish(set(days))

    async def _publish(self, wanted: Iterable[date]) -> None:
        self._days = {day: self._days[day] for day in sorted(set(wanted) & set(self._days))}
        if not self._days:
            return
        prices = np.stack(list(self._days.values()))
        self._moves = MoveHistory(days=tuple(self._days), prices=prices)
        await asyncio.to_thread(_stored, self._file, self._moves)


def minute_prices(opened: datetime, bars: Iterable[Bar]) -> Floats:
    """Return the price m minutes after the open for m = 0 to 390, NaN where no bar tells it.

    The first is the open of the first minute, each other the close of the minute before it.
    """
    prices = np.full(SESSION_MINUTES + 1, np.nan)
    for bar in bars:
        minute = (bar.at - opened) // _MINUTE
        if 0 <= minute < SESSION_MINUTES:
            prices[minute + 1] = float(bar.close)
            if minute == 0:
                prices[0] = float(bar.open)
    return prices


def _loaded(file: Path) -> dict[date, Floats]:
    try:
        with file.open("rb") as opened, np.load(opened) as stored:
            days = [date.fromordinal(day) for day in stored["days"].tolist()]
            return dict(zip(days, stored["prices"], strict=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        log.warning("%s cannot be read; its days are read from the broker again", file.name)
        return {}


def _stored(file: Path, moves: MoveHistory) -> None:
    """Write the days beside the old file and put them in its place."""
    fresh = file.with_suffix(".new.npz")
    days = np.array([day.toordinal() for day in moves.days], dtype=np.int64)
    with fresh.open("wb") as out:
        np.savez_compressed(out, days=days, prices=moves.prices)
    os.replace(fresh, file)
