"""Every time of day is New York's, and every cut-off hangs on the day's own close."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from common.session import CutOffs, Phase, Session, new_york, new_york_text, trading_day

FULL = Session.regular(date(2026, 11, 20))
HALF = Session.regular(date(2026, 11, 27), close=time(13, 0))


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 6), 14.5), (date(2026, 3, 9), 13.5), (date(2026, 11, 2), 14.5)],
    ids=["before the clocks go forward", "after", "after they go back"],
)
def test_the_open_is_half_past_nine_in_new_york_whatever_utc_says(day: date, hours: float) -> None:
    opened = Session.regular(day).open
    assert opened == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("session", "underlying", "last_order", "liquidation", "option_close"),
    [
        (FULL, "SPY", time(15, 30), time(15, 45), time(16, 15)),
        (FULL, "AAPL", time(15, 15), time(15, 30), time(16, 0)),
        (HALF, "SPY", time(12, 30), time(12, 45), time(13, 15)),
        (HALF, "AAPL", time(12, 15), time(12, 30), time(13, 0)),
    ],
)
def test_cut_offs_move_with_the_close(
    session: Session, underlying: str, last_order: time, liquidation: time, option_close: time
) -> None:
    day = session.day
    assert session.last_order(underlying, CutOffs()) == new_york(day, last_order)
    assert session.liquidation(underlying, CutOffs()) == new_york(day, liquidation)
    assert session.option_close(underlying) == new_york(day, option_close)


@pytest.mark.parametrize("session", [FULL, HALF])
@pytest.mark.parametrize("cut_offs", [CutOffs(), CutOffs(liquidation=timedelta(minutes=5))])
def test_nothing_is_liquidated_before_the_first_liquidation(
    session: Session, cut_offs: CutOffs
) -> None:
    of_each = [session.liquidation(underlying, cut_offs) for underlying in ("SPY", "AAPL")]
    assert session.first_liquidation(cut_offs) == min(of_each)


def test_the_cut_offs_are_settings() -> None:
    ours = CutOffs(last_order_late_close=timedelta(minutes=60))
    assert FULL.last_order("SPY", ours) == new_york(FULL.day, time(15, 0))


def test_a_half_day_is_early_and_a_full_one_is_not() -> None:
    assert (HALF.early, FULL.early) == (True, False)


def test_phases_and_minutes() -> None:
    at = new_york(FULL.day, time(15, 0))
    assert [FULL.phase(x) for x in (FULL.open - timedelta(seconds=1), at, FULL.close)] == [
        Phase.PRE_OPEN,
        Phase.OPEN,
        Phase.CLOSED,
    ]
    assert FULL.minutes_to_close(at) == 60
    assert FULL.minutes_to_close(FULL.close + timedelta(hours=1)) == 0
    assert FULL.minutes_since_open(FULL.open - timedelta(minutes=5)) == -5


def test_the_trading_day_is_new_yorks() -> None:
    late = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert trading_day(late) == date(2026, 11, 20)
    assert HALF.day_of(late) == FULL.day
    instants = [FULL.open + hours * timedelta(hours=1) for hours in range(-30, 31)]
    assert [FULL.day_of(at) for at in instants] == [trading_day(at) for at in instants]
    assert new_york_text(late) == "2026-11-20 21:00:00 EST"
