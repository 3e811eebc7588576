"""Which session it is, from the broker's calendar, and what time, from the broker's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import cycle
from typing import Final

from common.clock import NS, Clock, MarketClock, WallClock
from common.errors import MarketDataMissing
from common.session import Session, trading_day
from services.broker.reader import BrokerReader

_AHEAD: Final = timedelta(days=10)  # spans every holiday
_ANCHOR_EVERY: Final = timedelta(seconds=30)
# A clock that runs fast drifts fast. The pauses are uneven on purpose: one that somebody
# steps forward in an even beat shows another speed over each, and is not taken for fast.
_UNEVEN: Final = (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=0.5))
_RATE_AGREES: Final = 0.05  # relative: two estimates this close are the exchange's rate
_RATE_IS_ONE: Final = 0.02


class SessionCalendar:
    """Trading days as the broker lists them; read once a day."""

    def __init__(self, reader: BrokerReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._sessions: tuple[Session, ...] = ()
        self._read_for: date | None = None
        self._lock = asyncio.Lock()

    async def session(self) -> Session:
        """Return today's session, all day long, or the next one when today has none.

        Raises BrokerUnavailable, or MarketDataMissing when the calendar lists none.
        """
        today = trading_day(self._clock.now())
        await self._read(today)
        return _first(s for s in self._sessions if s.day >= today)

    async def next_session(self) -> Session:
        """Return the first session that has not opened yet; raises as session does."""
        now = self._clock.now()
        await self._read(trading_day(now))
        return _first(s for s in self._sessions if s.open > now)

    def day_after(self, session: Session) -> date | None:
        """Return the next trading day after a session, of what was read; None beyond it."""
        return next((s.day for s in self._sessions if s.day > session.day), None)

    def options_trade(self, underlying: str) -> bool:
        """Tell whether the underlying's options trade now, of what was read; else no."""
        now = self._clock.now()
        return any(s.open <= now < s.option_close(underlying) for s in self._sessions)

    async def _read(self, today: date) -> None:
        async with self._lock:
            if self._read_for != today:
                self._sessions = await self._reader.sessions(today, today + _AHEAD)
                self._read_for = today


def _first(sessions: Iterable[Session]) -> Session:
    for session in sessions:
        return session
    raise MarketDataMissing("the broker's calendar lists no coming session")


class ToldTime:
    """A Clock that shows the broker's time, and none before the broker told it."""

    def __init__(self, clock: MarketClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Return the market's time; raise MarketDataMissing while it is not known."""
        if not self._clock.anchored:
            raise MarketDataMissing("the broker has not told the time yet")
        return self._clock.now()


class ClockAnchor:
    """Keeps a MarketClock on the broker's time, and learns how fast that runs.

    A sample's time is that of the middle of its request, and half of how long that took is how
    wrong it may be. The rate is believed when two estimates in a row agree, so that an exchange
    which jumps to its next day moves the clock but is not taken for a fast one.
    """

    def __init__(self, reader: BrokerReader, clock: MarketClock, wall: WallClock) -> None:
        self._reader = reader
        self._clock = clock
        self._wall = wall
        self._last: _Sample | None = None
        self._guess: float | None = None
        self._learned = False

    async def anchor(self) -> timedelta:
        """Ask the broker for the time once; return how far off the clock was."""
        asked = self._wall.ns()
        told = (await self._reader.clock()).timestamp
        answered = self._wall.ns()
        doubt = (answered - asked) / 2 / NS
        sample = _Sample(at=asked / NS + doubt, doubt=doubt, told=told)
        rate = self._rate(sample)
        self._learned |= rate is not None
        self._last = sample
        since = doubt * (self._clock.rate if rate is None else rate)
        return self._clock.anchor(told + timedelta(seconds=since), rate)

    async def run(self) -> None:
        """Anchor for ever: often until the rate is known, or it is fast; else now and then."""
        for pause in cycle(_UNEVEN):
            await self.anchor()
            steady = self._learned and self._clock.rate == 1
            await asyncio.sleep((_ANCHOR_EVERY if steady else pause).total_seconds())

    def _rate(self, sample: _Sample) -> float | None:
        """Return the rate once two estimates agree on one, None for no news."""
        last = self._last
        if last is None or sample.at <= last.at:
            return None
        elapsed = sample.at - last.at
        guess = (sample.told - last.told).total_seconds() / elapsed
        doubt = (sample.doubt + last.doubt) / elapsed * max(guess, 1.0)
        before, self._guess = self._guess, guess
        if guess < 0 or before is None:
            return None
        if abs(guess - before) > max(_RATE_AGREES * max(guess, before), 2 * doubt):
            return None
        return 1.0 if abs(guess - 1) <= max(_RATE_IS_ONE, doubt) else guess


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """What the exchange's clock showed at a wall time, give or take doubt. Seconds."""

    at: float
    doubt: float
    told: datetime
