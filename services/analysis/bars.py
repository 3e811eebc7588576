"""Bars of whole intervals of sessions, put together from shorter ones; none is made up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from types import MappingProxyType
from typing import Final, Literal

from common.money import ZERO
from common.quotes import Bar
from common.session import Session, trading_day

Timeframe = Literal["1Min", "5Min", "15Min", "30Min", "1Hour", "1Day"]
# Minutes of each but the day, and what to ask for: the broker's own hours begin at full hours.
MINUTES: Final = MappingProxyType({"1Min": 1, "5Min": 5, "15Min": 15, "30Min": 30, "1Hour": 60})
SOURCE: Final = MappingProxyType({"1Hour": "30Min"})
_VWAP: Final = Decimal("0.0001")
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBars:
    """Bars of one session, by rising time; the last ended then. missing: nobody traded in them."""

    day: date
    ended: datetime
    bars: tuple[Bar, ...]
    missing: int


def by_session(
    shorter: Iterable[Bar], sessions: Sequence[Session], now: datetime, length: int
) -> tuple[SessionBars, ...]:
    """Return the bars of each session that has any, of a length in minutes, ended before now.

    shorter: bars whose length goes into that one. The first interval begins at the session's
    open; one without a trade has no bar: none is made up. What lies outside the sessions, before
    or after hours, is left out.
    """
    ordered = sorted(shorter, key=_at)
    found = []
    for session in sessions:
        passed = (min(now, session.close) - session.open) // _MINUTE
        # The last interval of a session may be short: it ends with the session.
        whole = passed if now >= session.close else passed // length * length
        end = session.open + whole * _MINUTE
        first = bisect_left(ordered, session.open, key=_at)
        inside = ordered[first : bisect_left(ordered, end, lo=first, key=_at)]
        if inside:
            bars = _intervals(inside, session.open, length)
            missing = -(-whole // length) - len(bars)
            ended = min(bars[-1].at + length * _MINUTE, session.close)
            found.append(SessionBars(day=session.day, ended=ended, bars=bars, missing=missing))
    return tuple(found)


def by_day(
    days: Iterable[Bar], sessions: Sequence[Session], now: datetime
) -> tuple[SessionBars, ...]:
    """Return the daily bars of sessions that have closed, each a session of one bar."""
    told = {trading_day(bar.at): bar for bar in days}
    return tuple(
        SessionBars(day=session.day, ended=session.close, bars=(told[session.day],), missing=0)
        for session in sessions
        if session.close <= now and session.day in told
    )


def _intervals(minutes: Sequence[Bar], opened: datetime, length: int) -> tuple[Bar, ...]:
    groups = groupby(minutes, lambda bar: (bar.at - opened) // _MINUTE // length)
    return tuple(
        _joined(opened + index * length * _MINUTE, tuple(group)) for index, group in groups
    )


def _at(bar: Bar) -> datetime:
    return bar.at


def _joined(at: datetime, bars: tuple[Bar, ...]) -> Bar:
    volume = sum(bar.volume for bar in bars)
    traded = sum((bar.vwap * bar.volume for bar in bars), ZERO)
    return Bar(
        at=at,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=volume,
        vwap=(traded / volume).quantize(_VWAP) if volume else bars[-1].close,
        trades=sum(bar.trades for bar in bars),
    )
