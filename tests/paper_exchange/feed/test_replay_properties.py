"""Whatever minutes were recorded, they are told again, and no quote leaves them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.recording import RecordedBars, RecordedDay, Recording
from paper_exchange.feed.replay import ReplaySource

HALF_DAY = date(2026, 11, 27)
CENT = Decimal("0.01")


@st.composite
def minutes(draw: st.DrawFn) -> RecordedBars:
    """Some minutes of a half day, gaps between them, prices that jump."""
    which = sorted(draw(st.sets(st.integers(0, 209), min_size=1, max_size=12)))
    rows = []
    for minute in which:
        prices = sorted(draw(st.lists(st.integers(100, 90_000), min_size=4, max_size=4)))
        low, *ends, high = prices if draw(st.booleans()) else prices[:1] * 4
        first, last = draw(st.permutations(ends))
        least = 4 if low < high else 1
        rows.append((minute, first, high, low, last, draw(st.integers(least, 5_000))))
    return RecordedBars(*np.asarray(rows, np.int64).T)


@settings(max_examples=40, deadline=None)
@given(bars=minutes(), seed=st.integers(0, 2**40))
def test_minutes_are_told_again(calendar: Calendar, bars: RecordedBars, seed: int) -> None:
    session = calendar.session(HALF_DAY)
    assert session is not None
    day = RecordedDay(session=session, bars={"XYZ": bars}, quotes={}, contracts={})
    source = ReplaySource(seed, calendar, Recording({HALF_DAY: day}))
    told = source.bars("XYZ", session.open, session.close + timedelta(hours=1), 1)
    assert [
        [(b.at - session.open) // timedelta(minutes=1), *map(_cents, _prices(b)), b.volume]
        for b in told
    ] == np.stack([getattr(bars, name) for name in bars.__slots__], axis=1).tolist()
    lowest, highest = (Decimal(int(edge)) / 100 for edge in (bars.low.min(), bars.high.max()))
    for minute in bars.minute.tolist():
        at = session.open + timedelta(minutes=minute)
        quotes = source.quote_history("XYZ", at, at + timedelta(seconds=20), 1_000)
        assert quotes
        assert all(lowest - CENT <= q.bid < q.ask <= highest + CENT for q in quotes)
        assert source.quote("XYZ", quotes[-1].at) == quotes[-1]


def _prices(bar: object) -> list[Decimal]:
    return [getattr(bar, name) for name in ("open", "high", "low", "close")]


def _cents(price: Decimal) -> int:
    return int(100 * price)
