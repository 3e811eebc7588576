"""Two clocks: the market's and the wall.

MarketClock answers "what time is it at the exchange": an anchor and a rate,
re-anchored from the broker's timestamps and never moving backwards. WallClock is
monotonic and measures durations of our own: token life, timeouts, back-off, the age
of a quote since we received it. At a rate other than 1 the two must not be compared.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

NS = 1_000_000_000


class Clock(Protocol):
    """The time of day where the trading happens."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...


class WallClock(Protocol):
    """A monotonic stopwatch of this process."""

    def ns(self) -> int:
        """Return nanoseconds from an arbitrary start; never decreasing."""
        ...


class SystemClock:
    """The machine's own time of day."""

    def now(self) -> datetime:
        """Return the operating system's time in UTC."""
        return datetime.now(UTC)


class MonotonicClock:
    """The operating system's monotonic counter."""

    def ns(self) -> int:
        """Return time.monotonic_ns()."""
        return time.monotonic_ns()


class FrozenClock:
    """A market and wall clock that moves only when told: for tests and stepped time."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._ns = 0

    def now(self) -> datetime:
        """Return the instant last set."""
        return self._at

    def ns(self) -> int:
        """Return the nanoseconds advanced since the start."""
        return self._ns

    def advance(self, by: timedelta) -> None:
        """Move forward; a negative step raises ValueError."""
        if by < timedelta(0):
            raise ValueError(f"a clock cannot go back by {by}")
        self._at += by
        self._ns += (by // timedelta(microseconds=1)) * 1000

    def set(self, at: datetime) -> None:
        """Move forward to an instant; an earlier one raises ValueError."""
        self.advance(at - self._at)


class MarketClock:
    """Exchange time as an anchor plus wall time elapsed at a rate.

    anchor corrects it whenever the broker tells the time. A correction backwards is
    absorbed by standing still until the anchor is passed, so that now() never
    decreases and nothing that already happened is ahead of it.
    """

    def __init__(self, wall: WallClock, at: datetime, rate: float = 1.0) -> None:
        self._wall = wall
        self._rate = rate
        self._anchor = at.astimezone(UTC)
        self._anchored_ns = wall.ns()
        self._latest = self._anchor
        self._anchored = False

    @property
    def rate(self) -> float:
        """Exchange seconds per wall second."""
        return self._rate

    @property
    def anchored(self) -> bool:
        """Whether the broker has told the time yet; before that, now() means nothing."""
        return self._anchored

    def now(self) -> datetime:
        """Return exchange time, never earlier than any value returned before."""
        self._latest = max(self._latest, self._projected())
        return self._latest

    def anchor(self, at: datetime, rate: float | None = None) -> timedelta:
        """Take an instant from the broker as the present; return how far off we were."""
        error = at - self._projected()
        self._anchor = at.astimezone(UTC)
        self._anchored = True
        self._anchored_ns = self._wall.ns()
        if rate is not None:
            self._rate = rate
        return error

    def _projected(self) -> datetime:
        elapsed_us = (self._wall.ns() - self._anchored_ns) / 1000
        return self._anchor + timedelta(microseconds=elapsed_us * self._rate)


class Stopwatch:
    """Wall time since it was started or reset."""

    def __init__(self, wall: WallClock) -> None:
        self._wall = wall
        self._started_ns = wall.ns()

    def reset(self) -> None:
        """Start again from zero."""
        self._started_ns = self._wall.ns()

    def elapsed(self) -> timedelta:
        """Return the wall time since the start."""
        return timedelta(microseconds=(self._wall.ns() - self._started_ns) / 1000)
