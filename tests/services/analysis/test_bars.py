"""Longer bars are made of those that were traded, and of no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

from common.quotes import Bar
from common.session import Session
from services.analysis.bars import by_day, by_session

OPEN = Session.regular(date(2026, 11, 18)).open


def bar(minute: int, close: str, volume: int = 10) -> Bar:
    price = Decimal(close)
    return Bar(
        at=OPEN + timedelta(minutes=minute),
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=volume,
        vwap=price,
        trades=1,
    )


def test_longer_bars_begin_at_the_open_end_before_now_and_are_not_made_up() -> None:
    session = Session.regular(date(2026, 11, 18))
    minutes = [bar(-1, "9"), bar(0, "10"), bar(4, "14", 30), bar(11, "12"), bar(15, "99")]
    [found] = by_session(minutes, (session,), OPEN + timedelta(minutes=17), 5)
    assert [(one.at - OPEN) // timedelta(minutes=1) for one in found.bars] == [0, 10]
    assert found.missing == 1
    first = found.bars[0]
    assert (first.open, first.high, first.low, first.close) == tuple(map(Decimal, (10, 15, 9, 14)))
    assert (first.volume, first.vwap, first.trades) == (40, Decimal(13), 2)


def test_the_last_bar_of_an_early_close_is_short_and_told() -> None:
    session = Session.regular(date(2026, 11, 27), close=time(13))
    opened = session.open
    minutes = [
        replace(bar(0, "10"), at=opened + timedelta(minutes=minute)) for minute in range(230)
    ]
    [found] = by_session(minutes, (session,), session.close + timedelta(hours=1), 60)
    assert len(found.bars) == 4  # 09:30, 10:30, 11:30, and 12:30 to 13:00
    assert found.bars[-1].at == opened + timedelta(hours=3)
    assert found.bars[-1].volume == 300


def test_a_day_is_a_bar_once_its_session_has_closed() -> None:
    days = (date(2026, 11, 17), date(2026, 11, 18))
    sessions = tuple(Session.regular(day) for day in days)
    told = [replace(bar(0, "10"), at=session.open - timedelta(hours=9.5)) for session in sessions]
    running = by_day(told, sessions, sessions[1].close - timedelta(minutes=1))
    assert [one.day for one in running] == [days[0]]
    assert running[0].ended == sessions[0].close
    assert [one.day for one in by_day(told, sessions, sessions[1].close)] == list(days)
