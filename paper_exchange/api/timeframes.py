"""Bars of any timeframe from one-minute ones, on the boundaries Alpaca uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from common.quotes import Bar
from common.session import NEW_YORK, new_york, trading_day
from paper_exchange.wire.errors import BadParameter

_TIMEFRAME: Final = re.compile(
    r"(?P<count>\d{1,2})(?P<unit>Min|T|Hour|H|Day|D|Week|W|Month|M)", re.ASCII | re.IGNORECASE
)
_DAY: Final = 1440
_WEEK: Final = 7 * _DAY
_MINUTES: Mapping[str, int] = {
    **{"min": 1, "t": 1, "hour": 60, "h": 60},
    **{"day": _DAY, "d": _DAY, "week": _WEEK, "w": _WEEK},
}
_COUNT_MAX: Mapping[int, int] = {1: 59, 60: 23, _DAY: 1, _WEEK: 1}
_MONTHS: Final = (1, 2, 3, 4, 6, 12)
_VWAP_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar in minutes, counted from midnight in New York.

    A week counts from its Monday; months, when given, from January, and minutes do not count.
    """

    minutes: int
    months: int = 0

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """Read 1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week or 1Month to 12Month.

        Raises BadParameter.
        """
        match = _TIMEFRAME.fullmatch(text)
        if match is not None:
            count, unit = int(match["count"]), _MINUTES.get(match["unit"].lower())
            if unit is None and count in _MONTHS:
                return cls(31 * _DAY, count)
            if unit is not None and 1 <= count <= _COUNT_MAX[unit]:
                return cls(count * unit)
        raise BadParameter(
            f"invalid timeframe: {text!r:.20}, served are "
            "1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week and 1, 2, 3, 4, 6 or 12Month"
        )

    @property
    def holds_days(self) -> bool:
        """Whether a bar holds whole days."""
        return self.minutes >= _DAY

    def start_of(self, at: datetime) -> datetime:
        """Return when the bar that holds an instant begins."""
        local = at.astimezone(NEW_YORK)
        day = local.date()
        if self.months:
            return _midnight(day.replace(month=day.month - (day.month - 1) % self.months, day=1))
        if self.minutes == _WEEK:
            return _midnight(day - timedelta(days=day.weekday()))
        if self.minutes == _DAY:
            return _midnight(day)
        passed = local.hour * 60 + local.minute
        opened = passed - passed % self.minutes
        return new_york(local.date(), time(opened // 60, opened % 60))

    def end_of(self, at: datetime) -> datetime:
        """Return when the bar that holds an instant ends."""
        start = self.start_of(at)
        if self.months:
            after = trading_day(start).replace(day=1) + timedelta(days=31 * self.months)
            return _midnight(after.replace(day=1))
        if self.holds_days:
            return _midnight(trading_day(start) + timedelta(minutes=self.minutes))
        return start + timedelta(minutes=self.minutes)

    def bars(self, minutes: Iterable[Bar]) -> Iterator[Bar]:
        """Yield bars of this timeframe from one-minute bars in time order."""
        for start, group in groupby(minutes, key=lambda minute: self.start_of(minute.at)):
            yield merged(start, list(group))


DAY: Final = Timeframe(_DAY)


def _midnight(day: date) -> datetime:
    return new_york(day, time.min)


def merged(start: datetime, parts: list[Bar]) -> Bar:
    """Return one bar made of consecutive ones, at least one."""
    volume = sum(part.volume for part in parts)
    turnover = sum((part.vwap * part.volume for part in parts), Decimal(0))
    return replace(
        parts[-1],
        at=start,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        volume=volume,
        trades=sum(part.trades for part in parts),
        vwap=(turnover / volume).quantize(_VWAP_PLACES) if volume else parts[-1].vwap,
    )
