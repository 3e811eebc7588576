"""Dividends and bonds of the synthetic market."""

from __future__ import annotations

from datetime import UTC, date, datetime
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.dividends import PAYERS, Dividends
from paper_exchange.feed.treasuries import TREASURIES, Treasuries, Treasury, clean_price

CALENDAR = Calendar()


def test_a_fund_goes_ex_on_third_fridays_and_pays_each_quarter_once() -> None:
    dividends = Dividends(PAYERS, CALENDAR)
    year = dividends.between(date(2026, 1, 1), date(2026, 12, 31), attrgetter("ex_date"))
    spy = [one.ex_date for one in year if one.symbol == "SPY"]
    # 2026-06-19 is a holiday, so that the day is moved to the Monday after it.
    assert spy == [date(2026, 3, 20), date(2026, 6, 22), date(2026, 9, 18), date(2026, 12, 18)]
    assert len(year) == 4 * len(PAYERS)
    assert all(one.declared < one.ex_date < one.payable for one in year)
    assert len({one.id for one in year}) == len(year)


def test_what_is_asked_for_in_parts_is_what_is_asked_for_at_once() -> None:
    dividends = Dividends(PAYERS, CALENDAR)
    whole = dividends.between(date(2026, 1, 1), date(2026, 12, 31), attrgetter("payable"))
    parts = [
        one
        for month in range(1, 13)
        for one in dividends.between(
            date(2026, month, 1),
            date(2026, month, 28 if month == 2 else 30 if month in {4, 6, 9, 11} else 31),
            attrgetter("payable"),
        )
    ]
    assert parts == whole


@pytest.mark.parametrize("treasury", TREASURIES, ids=lambda one: one.isin)
def test_at_a_yield_of_its_coupon_a_bond_is_worth_par(treasury: Treasury) -> None:
    day = treasury.matures.replace(year=2027)
    assert clean_price(treasury, day, treasury.coupon) == pytest.approx(100, abs=0.02)


@settings(max_examples=50)
@given(st.floats(0.5, 9.0), st.floats(0.01, 0.5))
def test_a_higher_yield_is_a_lower_price(percent: float, more: float) -> None:
    for treasury in TREASURIES:
        low = clean_price(treasury, date(2026, 11, 20), percent)
        assert low > clean_price(treasury, date(2026, 11, 20), percent + more)


def test_a_quote_stands_until_the_next_one_and_over_the_weekend() -> None:
    treasuries = Treasuries(TREASURIES, CALENDAR, 7)
    isin = TREASURIES[0].isin
    at = datetime(2026, 11, 20, 16, 3, tzinfo=UTC)
    assert treasuries.quote(isin, at) == treasuries.quote(isin, at.replace(minute=4))
    assert treasuries.quote(isin, at) != treasuries.quote(isin, at.replace(minute=5))
    friday = treasuries.quote(isin, datetime(2026, 11, 20, 23, tzinfo=UTC))
    assert friday == treasuries.quote(isin, datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert treasuries.quote("US0000000000", at) is None
    assert treasuries.quote(isin, datetime(2034, 2, 16, 20, tzinfo=UTC)) is None
