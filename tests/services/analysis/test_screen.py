"""Criteria are read exactly, and what is not known meets none of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadArgument
from common.session import Session
from services.analysis.screen import FIELDS, Reading, Today, criterion, reading
from services.broker.published import PriceBar, Print, Snapshot

SESSION = Session.regular(date(2026, 11, 18))


def day_bar(day: int, opened: str, close: str, volume: int = 1_000) -> PriceBar:
    return PriceBar(
        symbol="XYZ",
        at=datetime(2026, 11, day, 5, tzinfo=UTC),
        open=Decimal(opened),
        high=Decimal(close) + 1,
        low=Decimal(opened) - 1,
        close=Decimal(close),
        volume=Decimal(volume),
        vwap=Decimal(101),
        trades=10,
    )


def snapshot(day: PriceBar | None, before: PriceBar | None, price: str | None) -> Snapshot:
    at = SESSION.open
    trade = (
        None
        if price is None
        else Print(symbol="XYZ", price=Decimal(price), size=Decimal(1), at=at, venue="V")
    )
    return Snapshot(symbol="XYZ", quote=None, trade=trade, minute=None, day=day, day_before=before)


def test_the_fields_of_a_day_by_hand() -> None:
    told = snapshot(day_bar(18, "102", "104"), day_bar(17, "99", "100"), "103.02")
    found = reading(Today.of(told, SESSION), 4_000.0, 0.5, 61.5)
    assert found.fields == {
        "gap": pytest.approx(2.0),
        "move": pytest.approx(1.0),
        "change": pytest.approx(3.02),
        "vwap": pytest.approx(2.0),
        "rvol": pytest.approx(0.5),
        "rsi": 61.5,
        "price": 103.02,
    }
    assert set(found.fields) == set(FIELDS)


def test_before_its_first_trade_of_the_day_a_stock_has_no_gap_and_no_move() -> None:
    """The latest daily bar is yesterday's then: its open is no open of today's."""
    told = snapshot(day_bar(17, "99", "100"), day_bar(16, "95", "96"), "103")
    found = reading(Today.of(told, SESSION), 4_000.0, 0.0, None)
    asked = [criterion(text) for text in ("gap>-99", "rvol>0", "price>0")]
    assert found.lacks(asked) == ("gap", "rvol", "price")
    assert not any(found.meets([one]) for one in asked)
    assert Today.of(told, SESSION).closed_before == 100


def test_without_any_bar_or_trade_nothing_is_known() -> None:
    found = reading(Today.of(snapshot(None, None, None), SESSION), None, 0.5, None)
    assert set(found.fields.values()) == {None}


@given(
    st.sampled_from(sorted(FIELDS)),
    st.sampled_from("<>"),
    st.decimals(-9999, 9999, places=2),
    st.floats(-1e4, 1e4),
)
def test_a_criterion_is_read_as_it_is_written(
    field: str, sign: str, number: Decimal, value: float
) -> None:
    asked = criterion(f" {field.upper()} {sign} {number}% ")
    limit = float(number)
    assert asked.field == field
    assert asked.met(value) is (value >= limit if sign == ">" else value <= limit)
    assert Reading(symbol="A", fields={field: value}).meets([asked]) is asked.met(value)
    assert not Reading(symbol="A", fields={field: None}).meets([asked])


@pytest.mark.parametrize(
    "text", ["", "gap", "gap>", ">2", "gap=2", "luck>2", "gap>two", "gap>1e9", "gap>nan", "gap>>2"]
)
def test_what_is_no_criterion_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(BadArgument, match="criteria: ") as refused:
        criterion(text)
    assert "gap>2" in refused.value.remedy
