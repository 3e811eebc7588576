"""The sessions of the New York Stock Exchange, early closes and holidays included."""

from __future__ import annotations

import warnings
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime
from typing import Final

from common.session import Session, trading_day

FIRST_DAY: Final = date(2022, 1, 3)
RECORDED_FIRST: Final = date(2015, 1, 2)  # recordings may be older than the synthetic market
LAST_DAY: Final = date(2035, 12, 31)


class Calendar:
    """Sessions by day and by order, from a first day to LAST_DAY.

    The library is imported when the first calendar is built: it costs half a second.
    """

    def __init__(self, first: date = FIRST_DAY) -> None:
        self._sessions = _xnys(first)
        self._days = [session.day for session in self._sessions]

    @property
    def all(self) -> tuple[Session, ...]:
        """Every session known, by day."""
        return self._sessions

    def session(self, day: date) -> Session | None:
        """Return a day's session, None when the exchange is closed all day."""
        at = bisect_left(self._days, day)
        if at < len(self._days) and self._days[at] == day:
            return self._sessions[at]
        return None

    def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Return the sessions from start to end, both included."""
        return self._sessions[bisect_left(self._days, start) : bisect_right(self._days, end)]

    def next_session(self, after: date) -> Session:
        """Return the first session after a day; LookupError past LAST_DAY."""
        return self._at(bisect_right(self._days, after))

    def previous_session(self, before: date) -> Session:
        """Return the last session before a day; LookupError before the first one."""
        return self._at(bisect_left(self._days, before) - 1)

    def on_or_after(self, day: date) -> Session:
        """Return the session of a day, or the next one when it has none."""
        return self._at(bisect_left(self._days, day))

    def started(self, at: datetime) -> int:
        """Return how many sessions have opened by an instant.

        So started(at) - 1 is the index in `all` of the latest one.
        """
        count = bisect_right(self._days, trading_day(at))
        return count - 1 if count and at < self._sessions[count - 1].open else count

    def index(self, day: date) -> int:
        """Return the place in `all` of the first session on or after a day."""
        return bisect_left(self._days, day)

    def _at(self, index: int) -> Session:
        if 0 <= index < len(self._sessions):
            return self._sessions[index]
        raise LookupError(f"the calendar holds {self._days[0]} to {LAST_DAY} only")


def _xnys(first: date) -> tuple[Session, ...]:
    import exchange_calendars  # slow, and only the exchange needs it

    with warnings.catch_warnings():
        # It still calls what pandas 3.1 deprecates; nothing on our side can change that.
        warnings.simplefilter("ignore", DeprecationWarning)
        calendar = exchange_calendars.get_calendar("XNYS", start=first, end=LAST_DAY)
    schedule = calendar.schedule
    return tuple(
        Session(day=day.date(), open=_utc(opens), close=_utc(closes))
        for day, opens, closes in zip(
            schedule.index, schedule["open"], schedule["close"], strict=True
        )
    )


def _utc(stamp: datetime) -> datetime:
    """Turn a library's subclass of datetime into the plain thing."""
    return datetime.fromtimestamp(stamp.timestamp(), UTC)
