"""The exchange's clocks: the real one, a demo in which a session is always on, a stepped one.

Each has a trading day in hand. The day goes on past the close of shares to `day_end`: the
options that trade late have closed by then, and nobody may decline to exercise one any more.
What is due then (expiring orders, settling options) is the venue's: it sees now() >= day_end,
does it, and calls roll(), which takes the next trading day in hand. A demo or stepped clock
stands still at day_end until rolled, so however late the venue wakes, it settles at that
instant and no minute of the next day is lost; the real clock cannot wait, its roll() only
turns the page.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final, Protocol

from common.clock import Clock, WallClock
from common.session import REGULAR_OPEN, Phase, Session, new_york, trading_day
from paper_exchange.feed.calendar import Calendar

_NO_TIME: Final = timedelta(0)
_NAP: Final = timedelta(seconds=60)  # the machine's clock may be set while we sleep


class ExchangeClock(Clock, Protocol):
    """The time of day at the exchange, and the trading day in hand."""

    @property
    def rate(self) -> float:
        """Exchange seconds per wall second; 0 when it moves only by steps."""
        ...

    @property
    def session(self) -> Session:
        """The trading day in hand: past its close too, until roll()."""
        ...

    @property
    def day_end(self) -> datetime:
        """When the day in hand is over and what expired is settled: half an hour past the close."""
        ...

    def roll(self) -> Session:
        """Take the next trading day in hand; ValueError before day_end."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Return once now() >= at, however the clock gets there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """Enough to go on after a restart: at the machine's `anchored` it was `anchor` here."""

    day: date
    anchor: datetime
    anchored: datetime
    rate: float


class ClockStore(Protocol):
    """Where a clock's state outlives the process."""

    def load(self) -> ClockState | None:
        """Return what was last saved, None when nothing was."""
        ...

    def save(self, state: ClockState) -> None:
        """Keep the state durably before returning."""
        ...


class RealClock:
    """The machine's own time, with the sessions of New York."""

    rate = 1.0

    def __init__(self, calendar: Calendar, system: Clock) -> None:
        self._calendar, self._system = calendar, system
        self._moved = asyncio.Event()  # never set: nothing moves it but the machine
        self._session = calendar.on_or_after(trading_day(system.now()))
        if self.now() >= self.day_end:
            self.roll()

    def now(self) -> datetime:
        """Return the machine's time."""
        return self._system.now()

    @property
    def session(self) -> Session:
        """The trading day in hand: today's, or the next one."""
        return self._session

    @property
    def day_end(self) -> datetime:
        """When the day in hand is over."""
        return _end(self._session)

    def roll(self) -> Session:
        """Take the next trading day in hand; ValueError before day_end."""
        self._session = _next(self._calendar, self._session, self.now())
        return self._session

    async def sleep_until(self, at: datetime) -> None:
        """Return once now() >= at."""
        while (left := at - self.now()) > _NO_TIME:
            await _moved_or_after(self._moved, min(left, _NAP).total_seconds())


class DemoClock:
    """A session is always on: it runs from its start to day_end, then the next day opens.

    Starts on `day`, or the first trading day after it, at `at` New York time (the open when
    None). With a state in the store it goes on with that day instead, as if it had run while
    the process was down, but never beyond day_end: what falls due is settled first. rate
    None is the stored rate, or 1.
    """

    def __init__(
        self,
        calendar: Calendar,
        store: ClockStore,
        *,
        system: Clock,
        wall: WallClock,
        day: date,
        at: time | None = None,
        rate: float | None = None,
    ) -> None:
        self._calendar, self._store, self._system, self._wall = calendar, store, system, wall
        self._begin = partial(_start, calendar, day, at)
        self._moved = asyncio.Event()
        state = store.load()
        if state is None:
            self._session, anchor = self._begin()
            self._rate = 1.0 if rate is None else rate
        else:
            self._session = calendar.on_or_after(state.day)
            down = max(system.now() - state.anchored, _NO_TIME)
            anchor = min(state.anchor + down * state.rate, self.day_end)
            self._rate = state.rate if rate is None else rate
        if rate is not None and rate <= 0:
            raise ValueError(f"a clock runs forward, not at {rate}")
        self._anchor_at(anchor)

    @property
    def rate(self) -> float:
        """Exchange seconds per wall second; 0 while it is paused, after a restart too."""
        return self._rate

    def run_at(self, rate: float) -> None:
        """Run at a rate from now on, 0 to pause; ValueError below 0."""
        if rate < 0:
            raise ValueError(f"a clock runs forward, not at {rate}")
        now, self._rate = self.now(), rate
        self._anchor_at(now)

    def step_to(self, to: datetime) -> datetime:
        """Jump forward to an instant, or to day_end if that is sooner, and run on from there.

        One that has passed meanwhile changes nothing. Return the instant reached.
        """
        self._anchor_at(max(self.now(), min(to, self.day_end)))
        return self._anchor

    @property
    def session(self) -> Session:
        """The trading day in hand."""
        return self._session

    @property
    def day_end(self) -> datetime:
        """When the day in hand is over; now() never passes it."""
        return _end(self._session)

    def now(self) -> datetime:
        """Return exchange time; it stands still at day_end until roll()."""
        elapsed = timedelta(microseconds=(self._wall.ns() - self._anchored_ns) / 1000)
        return min(self._anchor + elapsed * self._rate, self.day_end)

    def restart(self) -> None:
        """Go back to where a first start begins, at the rate of now."""
        self._session, start = self._begin()
        self._anchor_at(start)

    def roll(self) -> Session:
        """Jump to the open of the next trading day; ValueError before day_end."""
        self._session = _next(self._calendar, self._session, self.now())
        self._anchor_at(self._session.open)
        return self._session

    async def sleep_until(self, at: datetime) -> None:
        """Return once now() >= at; past day_end that takes a roll()."""
        while (left := at - self.now()) > _NO_TIME:
            standing = self._rate == 0 or self.now() >= self.day_end
            seconds = None if standing else left.total_seconds() / self._rate
            await _moved_or_after(self._moved, seconds)

    def _anchor_at(self, at: datetime) -> None:
        self._anchor, self._anchored_ns = at, self._wall.ns()
        day, anchored = self._session.day, self._system.now()
        self._store.save(ClockState(day=day, anchor=at, anchored=anchored, rate=self._rate))
        self._moved = _woken(self._moved)


class SteppedClock:
    """It moves when told, never beyond day_end: roll() turns the page there.

    Starts as DemoClock does; with a state in the store it stands where it stood.
    """

    rate = 0.0

    def __init__(
        self,
        calendar: Calendar,
        store: ClockStore,
        *,
        system: Clock,
        day: date,
        at: time | None = None,
    ) -> None:
        self._calendar, self._store, self._system = calendar, store, system
        self._begin = partial(_start, calendar, day, at)
        self._moved = asyncio.Event()
        state = store.load()
        if state is None:
            self._session, start = self._begin()
        else:
            self._session, start = calendar.on_or_after(state.day), state.anchor
        self._move(start)

    @property
    def session(self) -> Session:
        """The trading day in hand."""
        return self._session

    @property
    def day_end(self) -> datetime:
        """When the day in hand is over; now() never passes it."""
        return _end(self._session)

    def now(self) -> datetime:
        """Return the instant last stepped to."""
        return self._at

    def step_by(self, by: timedelta) -> datetime:
        """Move forward by a duration; as step_to."""
        return self.step_to(self._at + by)

    def step_to(self, to: datetime) -> datetime:
        """Move forward to an instant, or to day_end if that is sooner; return the instant reached.

        Raises ValueError for an instant that is past.
        """
        if to < self._at:
            raise ValueError(f"a clock cannot go back to {to} from {self._at}")
        self._move(min(to, self.day_end))
        return self._at

    def restart(self) -> None:
        """Go back to where a first start begins."""
        self._session, start = self._begin()
        self._move(start)

    def roll(self) -> Session:
        """Jump to the open of the next trading day; ValueError before day_end."""
        self._session = _next(self._calendar, self._session, self._at)
        self._move(self._session.open)
        return self._session

    async def sleep_until(self, at: datetime) -> None:
        """Return once it was stepped to an instant, or past it."""
        while self._at < at:
            await self._moved.wait()

    def _move(self, at: datetime) -> None:
        self._at = at
        day, anchored = self._session.day, self._system.now()
        self._store.save(ClockState(day=day, anchor=at, anchored=anchored, rate=0.0))
        self._moved = _woken(self._moved)


def _start(calendar: Calendar, day: date, at: time | None) -> tuple[Session, datetime]:
    """Return the session a clock starts on, and where in it; ValueError outside its hours."""
    session = calendar.on_or_after(day)
    start = new_york(session.day, at or REGULAR_OPEN)
    if session.phase(start) is not Phase.OPEN:
        raise ValueError(f"{at} is outside the session of {session.day}")
    return session, start


def _end(session: Session) -> datetime:
    return session.exercise_cut_off


def _next(calendar: Calendar, session: Session, now: datetime) -> Session:
    if now < _end(session):
        raise ValueError(f"{session.day} is not over before {_end(session)}")
    return calendar.next_session(session.day)


def _woken(event: asyncio.Event) -> asyncio.Event:
    """Wake whoever waits for a clock to move, and return what the next ones wait for."""
    event.set()
    return asyncio.Event()


async def _moved_or_after(moved: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await moved.wait()
    except TimeoutError:
        return
