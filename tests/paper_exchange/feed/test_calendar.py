from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from paper_exchange.feed.calendar import FIRST_DAY, LAST_DAY, Calendar


@pytest.mark.parametrize(
    "day",
    [
        date(2024, 3, 29),  # Good Friday
        date(2025, 1, 9),  # a day of mourning
        date(2026, 11, 26),  # Thanksgiving
        date(2026, 11, 21),  # a Saturday
    ],
)
def test_a_closed_day_has_no_session(calendar: Calendar, day: date) -> None:
    assert calendar.session(day) is None


def test_an_early_close_is_at_one_in_new_york(calendar: Calendar) -> None:
    session = calendar.session(date(2026, 11, 27))
    assert session is not None
    assert session.early
    assert session.close == datetime(2026, 11, 27, 18, 0, tzinfo=UTC)


def test_daylight_saving_moves_the_open_in_utc(calendar: Calendar) -> None:
    friday, monday = calendar.sessions(date(2026, 10, 30), date(2026, 11, 2))
    assert friday.open == datetime(2026, 10, 30, 13, 30, tzinfo=UTC)
    assert monday.open == datetime(2026, 11, 2, 14, 30, tzinfo=UTC)


def test_next_and_previous_skip_what_is_closed(calendar: Calendar) -> None:
    assert calendar.next_session(date(2026, 11, 25)).day == date(2026, 11, 27)
    assert calendar.previous_session(date(2026, 11, 27)).day == date(2026, 11, 25)
    assert calendar.on_or_after(date(2026, 11, 26)).day == date(2026, 11, 27)
    assert calendar.on_or_after(date(2026, 11, 27)).day == date(2026, 11, 27)


def test_beyond_what_it_knows_it_says_so(calendar: Calendar) -> None:
    with pytest.raises(LookupError, match="holds"):
        calendar.next_session(LAST_DAY)
    with pytest.raises(LookupError, match="holds"):
        calendar.previous_session(FIRST_DAY)


def test_a_session_has_started_from_its_open_on(calendar: Calendar) -> None:
    session = calendar.sessions(date(2026, 11, 20), date(2026, 11, 20))[0]
    before = calendar.started(session.open - timedelta(microseconds=1))
    assert calendar.started(session.open) == before + 1
    assert calendar.all[before] == session
    assert calendar.started(session.open + timedelta(days=2)) == before + 1
