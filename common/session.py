"""A trading session as data: hours, early closes, the option late close, cut-offs.

The desk fills it from the broker's calendar, the exchange from exchange_calendars.
Every time of day in the product is asked of here, in New York time, never of the
machine's zone. Cut-offs are distances before the day's own close, so an early close
moves them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")

# Broad-based ETFs whose options trade fifteen minutes past the close of the shares.
LATE_CLOSE = frozenset({"SPY", "QQQ", "IWM"})
LATE_CLOSE_AFTER = timedelta(minutes=15)

# How long after the close a holder may still say that an option is not to be exercised.
EXERCISE_CUT_OFF_AFTER = timedelta(minutes=30)

REGULAR_OPEN = time(9, 30)
REGULAR_CLOSE = time(16, 0)


class Phase(StrEnum):
    """Where the session stands."""

    PRE_OPEN = "pre_open"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffs:
    """The broker's last minutes on expiry day, as distances before the close.

    Defaults are Alpaca's: new orders stop 45 minutes before the close (30 for broad
    ETFs), forced liquidation starts 30 minutes before it (15 for broad ETFs).
    """

    last_order: timedelta = timedelta(minutes=45)
    last_order_late_close: timedelta = timedelta(minutes=30)
    liquidation: timedelta = timedelta(minutes=30)
    liquidation_late_close: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day's regular hours, as aware UTC instants."""

    day: date  # New York's
    open: datetime
    close: datetime

    @classmethod
    def regular(cls, day: date, *, close: time = REGULAR_CLOSE) -> Session:
        """Build a session from New York wall times; close is 13:00 on a half day."""
        return cls(
            day=day,
            open=new_york(day, REGULAR_OPEN),
            close=new_york(day, close),
        )

    @property
    def early(self) -> bool:
        """Whether the day closes before 16:00 New York."""
        return self.close < new_york(self.day, REGULAR_CLOSE)

    def phase(self, at: datetime) -> Phase:
        """Return where an instant lies in the regular session."""
        if at < self.open:
            return Phase.PRE_OPEN
        return Phase.OPEN if at < self.close else Phase.CLOSED

    def day_of(self, at: datetime) -> date:
        """Return the calendar day it is in New York at an instant; at once in hours."""
        return self.day if self.open <= at < self.close else trading_day(at)

    def option_close(self, underlying: str) -> datetime:
        """Return when the underlying's options stop trading."""
        return self.close + LATE_CLOSE_AFTER if underlying in LATE_CLOSE else self.close

    @property
    def exercise_cut_off(self) -> datetime:
        """Return when the broker settles what expired today, and takes no more instructions."""
        return self.close + EXERCISE_CUT_OFF_AFTER

    def last_order(self, underlying: str, cut_offs: CutOffs) -> datetime:
        """Return when the broker stops taking orders in contracts expiring today."""
        late = underlying in LATE_CLOSE
        return self.close - (cut_offs.last_order_late_close if late else cut_offs.last_order)

    def liquidation(self, underlying: str, cut_offs: CutOffs) -> datetime:
        """Return when the broker starts closing positions expiring today."""
        late = underlying in LATE_CLOSE
        return self.close - (cut_offs.liquidation_late_close if late else cut_offs.liquidation)

    def first_liquidation(self, cut_offs: CutOffs) -> datetime:
        """Return the earliest instant at which it closes any position expiring today."""
        return self.close - max(cut_offs.liquidation, cut_offs.liquidation_late_close)

    def minutes_to_close(self, at: datetime) -> float:
        """Return the minutes left to the close of the shares; 0 once it is past."""
        return max((self.close - at).total_seconds() / 60, 0.0)

    def minutes_since_open(self, at: datetime) -> float:
        """Return the minutes since the open; negative before it."""
        return (at - self.open).total_seconds() / 60


def new_york(day: date, at: time) -> datetime:
    """Return the UTC instant of a New York wall time on a day."""
    return datetime.combine(day, at, tzinfo=NEW_YORK).astimezone(UTC)


def trading_day(at: datetime) -> date:
    """Return the calendar day it is in New York at an instant."""
    return at.astimezone(NEW_YORK).date()


@lru_cache(4096)  # the same minutes are written over and over
def new_york_text(at: datetime) -> str:
    """Return an instant as New York reads it: "2026-11-20 10:05:00 EST"."""
    return at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S %Z")
