"""Pages of activities: together they are the whole list, whatever their size and direction."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.session import Session
from paper_exchange.api.activity_pages import Movements, Page, page
from paper_exchange.engine.ledger import Book
from paper_exchange.wire.activities import Activity
from paper_exchange.wire.errors import BadParameter
from tests.paper_exchange.builders import NOON, Trader, occ

LATER = date(2026, 12, 18)
CALL, HIGHER = occ(600, expiry=LATER), occ(605, expiry=LATER)
DAYS = 4
times = st.tuples(st.integers(0, DAYS - 1), st.integers(0, 200))  # day, minute after noon


def every(activity: Activity) -> bool:
    return True


def pages(movements: Movements, limit: int, newest_first: bool) -> list[dict[str, Any]]:
    """Return all entries, asked for page by page."""
    found: list[dict[str, Any]] = []
    token = None
    while True:
        part = page(movements, every, Page(limit, newest_first, token), None, None)
        if not part:
            return found
        found += part
        token = part[-1]["id"]


def trader_of_calls() -> Trader:
    trader = Trader()
    trader.quote(CALL, "3.00", "3.10")
    trader.quote(HIGHER, "1.00", "1.05")
    return trader


def traded(when: list[tuple[int, int]]) -> Trader:
    """Return an account that bought and sold calls then."""
    trader = trader_of_calls()
    for number, (day, minute) in enumerate(sorted(when)):
        trader.now = NOON + timedelta(days=day, minutes=minute)
        session = Session.regular(trader.now.date())
        trader.market = replace(trader.market, session=session)
        if number % 3 == 2:
            trader.submit(trader.spread((CALL, 1), (HIGHER, -1)))
        else:
            (trader.sell if number % 3 else trader.buy)(CALL)
    return trader


@settings(max_examples=40, deadline=None)
@given(
    st.lists(times, max_size=20),
    st.integers(1, 7),
    st.booleans(),
)
def test_pages_are_the_whole_list_cut(
    when: list[tuple[int, int]], limit: int, newest: bool
) -> None:
    movements = traded(when).state.movements
    whole = page(movements, every, Page(10_000, newest, None), None, None)
    assert len({entry["id"] for entry in whole}) == len(whole)
    assert pages(movements, limit, newest) == whole
    other = page(movements, every, Page(10_000, not newest, None), None, None)
    assert other == whole[::-1]
    days = [(NOON + timedelta(days=n)).date() for n in range(-1, DAYS + 2)]
    by_day = [
        entry
        for day in (days[::-1] if newest else days)
        for entry in page(movements, every, Page(10_000, newest, None), day, day)
    ]
    assert by_day == whole


@settings(max_examples=20, deadline=None)
@given(st.lists(times, min_size=1, max_size=12))
def test_the_fees_of_each_day_and_kind_sum_to_what_was_charged(when: list[tuple[int, int]]) -> None:
    trader = traded(when)
    found = page(trader.state.movements, every, Page(10_000, False, None), None, None)
    fees = [entry for entry in found if entry["activity_type"] == "FEE"]
    total = -sum(Decimal(entry["net_amount"]) for entry in fees)
    assert total == trader.state.ledger.balance(Book.FEES)
    kinds = [(entry["date"], entry["activity_sub_type"]) for entry in fees]
    assert len(kinds) == len(set(kinds))
    assert {kind for _, kind in kinds} <= {"OCC", "ORF", "TAF", "CAT"}


def reported(trader: Trader, after: timedelta) -> list[dict[str, Any]]:
    """Return what is reported some time later."""
    now = trader.now + after
    asked = Page(100, True, None)
    return page(trader.state.movements, lambda entry: entry.is_reported(now), asked, None, None)


def test_a_days_fees_are_reported_on_the_next_one() -> None:
    trader = trader_of_calls()
    trader.buy(CALL)
    trader.buy("BTC/USD")
    told = page(trader.state.movements, every, Page(100, True, None), None, None)
    assert [e["activity_type"] for e in told] == [
        "CFEE", "FEE", "FEE", "FEE", "FILL", "FILL", "JNLC",
    ]  # fmt: skip
    assert [len(reported(trader, after)) for after in (timedelta(), timedelta(days=1))] == [3, 7]


@pytest.mark.parametrize(
    "token", ["", "nonsense", "20261120120000000::nobody", "99999999999999999::"]
)
def test_a_token_that_names_nothing_is_refused(token: str) -> None:
    trader = trader_of_calls()
    trader.buy(CALL)
    with pytest.raises(BadParameter, match="invalid page_token"):
        page(trader.state.movements, every, Page(1, True, token), None, None)


def test_no_more_is_looked_at_than_a_page_needs() -> None:
    trader = traded([(day, minute) for day in range(DAYS) for minute in range(0, 200, 20)])
    looked: list[Activity] = []

    def seen(activity: Activity) -> bool:
        looked.append(activity)
        return True

    page(trader.state.movements, seen, Page(3, True, None), None, date(2030, 1, 1))
    assert len(looked) == 3
