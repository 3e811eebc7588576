"""Bars of any timeframe from one-minute ones, on the boundaries Alpaca uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from common.quotes import Bar
from common.session import NEW_YORK, new_york, trading_day
from paper_exchange.wire.errors import BadParameter

_TIMEFRAME: Final = re.compile(
    r"(?P<count>\d{1,2})(?P<unit>Min|T|Hour|H|Day|D)", re.ASCII | re.IGNORECASE
)
_MINUTES: Mapping[str, int] = {"min": 1, "t": 1, "hour": 60, "h": 60, "day": 1440, "d": 1440}
_COUNT_MAX: Mapping[int, int] = {1: 59, 60: 23, 1440: 1}
_DAY: Final = 1440
_VWAP_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar in minutes, counted from midnight in New York."""

    minutes: int

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """Read 1Min to 59Min, 1Hour to 23Hour or 1Day, or raise BadParameter."""
        match = _TIMEFRAME.fullmatch(text)
        if match is not None:
            unit = _MINUTES[match["unit"].lower()]
            if 1 <= int(match["count"]) <= _COUNT_MAX[unit]:
                return cls(int(match["count"]) * unit)
        raise BadParameter(
            f"invalid timeframe: {text!r:.20}, served are 1Min to 59Min, 1Hour to 23Hour and 1Day"
        )

    def start_of(self, at: datetime) -> datetime:
        """Return when the bar that holds an instant begins."""
        local = at.astimezone(NEW_YORK)
        midnight = new_york(local.date(), time.min)
        if self.minutes == _DAY:
            return midnight
        passed = local.hour * 60 + local.minute
        opened = passed - passed % self.minutes
        return new_york(local.date(), time(opened // 60, opened % 60))

    def end_of(self, at: datetime) -> datetime:
        """Return when the bar that holds an instant ends."""
        start = self.start_of(at)
        if self.minutes == _DAY:
            return new_york(trading_day(start) + timedelta(days=1), time.min)
        return start + timedelta(minutes=self.minutes)

    def bars(self, minutes: Iterable[Bar]) -> Iterator[Bar]:
        """Yield bars of this timeframe from one-minute bars in time order."""
        for start, group in groupby(minutes, key=lambda minute: self.start_of(minute.at)):
            yield merged(start, list(group))


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
