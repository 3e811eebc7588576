"""Bars of longer timeframes: made of minutes, on the boundaries of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from common.quotes import Bar
from common.session import NEW_YORK
from paper_exchange.api.timeframes import Timeframe
from paper_exchange.wire.errors import BadParameter

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def minute(n: int, price: int, volume: int = 10) -> Bar:
    value = Decimal(price)
    return Bar(
        at=OPEN + timedelta(minutes=n), open=value, high=value + 1, low=value - 1, close=value,
        volume=volume, vwap=value, trades=1,
    )  # fmt: skip


MORNING = [minute(n, 100 + n) for n in range(40)]


def test_five_minutes_are_one_bar() -> None:
    bars = list(Timeframe.parse("5Min").bars(MORNING))
    assert [bar.at for bar in bars[:2]] == [OPEN, OPEN + timedelta(minutes=5)]
    first = bars[0]
    assert (first.open, first.high, first.low, first.close) == tuple(
        map(Decimal, (100, 105, 99, 104))
    )
    assert (first.volume, first.trades, first.vwap) == (50, 5, Decimal(102))


def test_hours_start_on_the_hour_and_days_at_midnight_in_new_york() -> None:
    hours = list(Timeframe.parse("1Hour").bars(MORNING))
    assert [bar.at.minute for bar in hours] == [0, 0]
    assert [bar.trades for bar in hours] == [30, 10]
    (day,) = Timeframe.parse("1Day").bars(MORNING)
    assert day.at == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert day.volume == 400


def test_the_average_price_is_weighted_by_volume_and_survives_none() -> None:
    (bar,) = Timeframe.parse("1H").bars([minute(0, 100, 30), minute(1, 200, 10)])
    assert bar.vwap == 125
    (quiet,) = Timeframe.parse("1H").bars([minute(0, 100, 0)])
    assert quiet.vwap == 100


@pytest.mark.parametrize("text", ["1Min", "59T", "23Hour", "1D", "1day"])
def test_what_is_served(text: str) -> None:
    assert Timeframe.parse(text).minutes >= 1


@pytest.mark.parametrize("text", ["", "0Min", "60Min", "24Hour", "2Day", "2Week", "5Month", "x"])
def test_what_is_not_served_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="timeframe"):
        Timeframe.parse(text)


def test_the_end_of_a_day_is_the_next_midnight() -> None:
    assert Timeframe.parse("1Day").end_of(OPEN) == datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert Timeframe.parse("5Min").end_of(OPEN) == OPEN + timedelta(minutes=5)


def test_weeks_start_on_monday_and_months_on_their_first_day() -> None:
    days = [minute(n * 24 * 60, 100 + n) for n in range(-40, 40)]
    weeks = [bar.at for bar in Timeframe.parse("1Week").bars(days)]
    assert all(at.astimezone(NEW_YORK).weekday() == 0 for at in weeks)
    assert len(weeks) == len(set(weeks)) == 13
    months = [bar.at.astimezone(NEW_YORK) for bar in Timeframe.parse("1Month").bars(days)]
    assert [(at.month, at.day) for at in months] == [(10, 1), (11, 1), (12, 1)]
    assert all((at.hour, at.minute) == (0, 0) for at in months)


@pytest.mark.parametrize("text", ["1Week", "1Month", "3Month", "12M"])
def test_a_bar_ends_where_the_next_one_begins(text: str) -> None:
    timeframe = Timeframe.parse(text)
    for days in range(0, 800, 13):
        end = timeframe.end_of(OPEN + timedelta(days=days))
        assert timeframe.start_of(end) == end
        assert timeframe.end_of(end - timedelta(seconds=1)) == end
