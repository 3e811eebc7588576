from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.fees import (
    OPTION_FEES,
    Dealt,
    added_fees,
    entry_fees,
    option_fees,
    round_trip_fees,
)
from common.orders import PositionIntent
from tests.builders import DAY, contract, make_intent

CALL, WING = contract(673, Right.CALL), contract(677, Right.CALL)


def test_each_kind_is_rounded_up_to_the_cent() -> None:
    bought = make_intent((CALL, PositionIntent.BUY_TO_OPEN), limit="1")
    # OCC 0.02, ORF 0.02685 -> 0.03, CAT -> 0.01; sales alone pay TAF, 0.00279 -> 0.01
    assert entry_fees(bought, DAY) == Decimal("0.06")
    assert round_trip_fees(bought, DAY) == Decimal("0.13")


def test_the_clearing_fee_of_one_trade_is_capped() -> None:
    rates = option_fees(DAY)
    big = rates.total(bought=10_000, sold=0)
    assert big == 55 + Decimal("268.50") + Decimal("0.46")


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_estimate_is_never_below_the_rates(bought: int, sold: int) -> None:
    rates = option_fees(DAY)
    exact = (rates.occ + rates.orf + rates.cat) * (bought + sold) + rates.taf * sold
    assert exact <= rates.total(bought=bought, sold=sold) <= exact + Decimal("0.04")


def test_the_rates_of_a_day_are_those_in_force_then() -> None:
    assert [fees.since for fees in OPTION_FEES] == sorted(fees.since for fees in OPTION_FEES)
    for fees in OPTION_FEES:
        assert option_fees(fees.since) == fees
    assert option_fees(date(2001, 1, 1)) == OPTION_FEES[0]


def test_a_spread_pays_for_every_leg() -> None:
    spread = make_intent(
        (CALL, PositionIntent.SELL_TO_OPEN), (WING, PositionIntent.BUY_TO_OPEN), limit="-0.7", qty=2
    )
    assert entry_fees(spread, DAY) == option_fees(DAY).total(bought=2, sold=2)


@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_what_orders_add_sums_to_the_fees_of_the_day(sizes: list[int]) -> None:
    spread = make_intent(
        (contract(670, Right.CALL), PositionIntent.BUY_TO_OPEN),
        (contract(675, Right.CALL), PositionIntent.SELL_TO_OPEN),
        limit="1.00",
    )
    added, dealt = Decimal(0), Dealt()
    for count, size in enumerate(sizes, 1):
        order = replace(spread, qty=size)
        fees = added_fees(order, DAY, dealt)
        assert fees <= entry_fees(order, DAY)
        added += fees
        dealt = Dealt.of((replace(spread, qty=one), one) for one in sizes[:count])
    assert dealt == Dealt(bought=sum(sizes), sold=sum(sizes))
    assert added == entry_fees(replace(spread, qty=sum(sizes)), DAY)
