"""What an account was worth over time, from its movements and the prices of the time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from common.clock import Clock
from common.money import ZERO, cent
from common.session import Session, new_york, trading_day
from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.source import Source
from paper_exchange.venue.equity import EquityCurve
from paper_exchange.venue.venue import Venue
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.query import Query
from paper_exchange.wire.scalars import number

POINTS_MAX: Final = 10_000

_PERIOD: Final = re.compile(r"(?P<count>\d{1,3})(?P<unit>[DWMA])", re.ASCII | re.IGNORECASE)
_DAYS: Mapping[str, int] = {"D": 1, "W": 7, "M": 30, "A": 365}
_STEPS: Mapping[str, timedelta] = {
    "1Min": timedelta(minutes=1),
    "5Min": timedelta(minutes=5),
    "15Min": timedelta(minutes=15),
    "1H": timedelta(hours=1),
}
_DAILY: Final = "1D"
_HOURS: Final = ("market_hours", "extended_hours", "continuous")
_EXTENDED: Final = (time(4), time(20))
_SETTLED: Final = timedelta(minutes=15)  # after the close a day's options are settled
_WEEK: Final = timedelta(days=7)
_MONTH: Final = timedelta(days=30)
_RATIO: Final = Decimal("0.000001")


Point: TypeAlias = tuple[date, datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which points a request asks for."""

    start: datetime
    end: datetime
    timeframe: str
    hours: str
    per_day: bool

    @classmethod
    def of(cls, query: Query, calendar: Calendar, now: datetime) -> Span:
        """Read the parameters; two of start, end and period at most. Raises BadParameter."""
        start, end, period = query.instant("start"), query.instant("end"), query.text("period")
        if start and end and period:
            raise BadParameter("only two of start, end and period can be specified")
        end = min(end or query.instant("date_end", end_of_day=True) or now, now)
        if start is None:
            start = _back(period or "1M", end, calendar)
        elif period:
            end = min(start + _length(period), now)
        if start > end:
            raise BadParameter("start must not be after end")
        length = end - start
        default = "1Min" if length < _WEEK else "15Min" if length < _MONTH else _DAILY
        timeframes = {name.lower(): name for name in (*_STEPS, _DAILY)}
        chosen = query.choice("timeframe", tuple(timeframes), default)
        return cls(
            start=start,
            end=end,
            timeframe=timeframes[chosen],
            hours=query.choice("intraday_reporting", _HOURS, _HOURS[0]),
            per_day=query.choice("pnl_reset", ("per_day", "no_reset"), "per_day") == "per_day",
        )

    def points(self, calendar: Calendar) -> Iterator[Point]:
        """Yield (day, label, instant marked at), by time."""
        sessions = calendar.sessions(trading_day(self.start), trading_day(self.end))
        if self.timeframe == _DAILY:
            for session in sessions:
                if session.open <= self.end:
                    label = new_york(session.day, _EXTENDED[1])
                    yield session.day, label, session.close + _SETTLED
            return
        step = _STEPS[self.timeframe]
        for day, opens, closes in self._stretches(sessions):
            at = opens
            while at < closes:
                if self.start <= at <= self.end:
                    yield day, at, at + step
                at += step

    def _stretches(self, sessions: tuple[Session, ...]) -> Iterator[Point]:
        """Yield the hours of each day that points are wanted of."""
        if self.hours == "continuous":
            day, last = trading_day(self.start), trading_day(self.end)
            while day <= last:
                following = day + timedelta(days=1)
                yield day, new_york(day, time.min), new_york(following, time.min)
                day = following
            return
        for session in sessions:
            if self.hours == "market_hours":
                yield session.day, session.open, session.close
            else:
                opens, closes = (new_york(session.day, at) for at in _EXTENDED)
                yield session.day, opens, closes


class Portfolio:
    """The portfolio history path of the trading host."""

    def __init__(self, venue: Venue, source: Source, calendar: Calendar, clock: Clock) -> None:
        self._venue = venue
        self._source = source
        self._calendar = calendar
        self._clock = clock

    def paths(self) -> tuple[Path, ...]:
        """Return the route."""
        return (trading("/v2/account/portfolio/history", GET=self.history),)

    async def history(self, call: Call) -> Reply:
        """Answer GET /v2/account/portfolio/history.

        A day's profit counts from the day before; an intraday one from the last day's end,
        or with pnl_reset=no_reset from the first point's base.
        """
        now = self._clock.now()
        span = Span.of(call.query, self._calendar, now)
        history = await self._venue.history(call.account)
        opened_at = history.opened_at or now
        points = [
            (day, label, min(at, now))
            for day, label, at in span.points(self._calendar)
            if at >= opened_at
        ]
        if len(points) > POINTS_MAX:
            raise BadParameter(f"too many points: at most {POINTS_MAX}")
        curve = EquityCurve(history, self._source.quotes)
        before = max(new_york(points[0][0], time.min), opened_at) if points else opened_at
        base = reference = previous = cent(curve.at(before))
        day_before = points[0][0] if points else None
        rows: list[tuple[int, Decimal, Decimal]] = []
        for day, label, at in points:
            if (day != day_before and span.per_day) or span.timeframe == _DAILY:
                reference = previous
            day_before, previous = day, cent(curve.at(at))
            rows.append((int(label.timestamp()), previous, reference))
            await asyncio.sleep(0)  # a long curve lets others in between
        return reply(
            {
                "base_value": number(base),
                "base_value_asof": trading_day(before).isoformat(),
                "cashflow": {},
                "equity": [number(equity) for _, equity, _ in rows],
                "profit_loss": [number(equity - of) for _, equity, of in rows],
                "profit_loss_pct": [number(_part(equity - of, of)) for _, equity, of in rows],
                "timeframe": span.timeframe,
                "timestamp": [label for label, _, _ in rows],
            }
        )


def _part(gain: Decimal, of: Decimal) -> Decimal:
    return (gain / of).quantize(_RATIO) if of else ZERO


def _length(period: str) -> timedelta:
    match = _PERIOD.fullmatch(period)
    if match is None or not int(match["count"]):
        raise BadParameter("invalid period: must be a number of D, W, M or A, as 1M")
    return timedelta(days=int(match["count"]) * _DAYS[match["unit"].upper()])


def _back(period: str, end: datetime, calendar: Calendar) -> datetime:
    """Return where a period that ends at an instant starts; days are sessions."""
    length = _length(period)
    if period[-1].upper() != "D":
        return max(end - length, new_york(calendar.all[0].day, time.min))
    day = trading_day(end)
    index = calendar.index(day) + (calendar.session(day) is not None)
    return new_york(calendar.all[max(index - length.days, 0)].day, time.min)
