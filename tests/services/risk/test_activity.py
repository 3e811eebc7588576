"""What the day's records come to: entries, open risk, results, losing streaks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.fees import entry_fees
from common.orders import OrderIntent, OrderStatus
from services.portfolio.worst_case import order_worst_case
from services.risk.activity import Activity
from tests.builders import DAY, at, contract, make_intent
from tests.services.risk.cases import CONDOR, OPEN, long_call
from tests.services.risk.past import Past, activity, closed, holding, opened

CALL = long_call()


def test_a_day_without_orders_is_quiet() -> None:
    quiet = activity()
    assert (quiet.entered, quiet.losing_streak, quiet.last_loss_at) == (0, 0, None)
    assert quiet.risk_in_use("test") == 0


def test_what_is_held_is_open_at_its_worst_and_what_was_refused_is_no_entry() -> None:
    held = opened(CONDOR)
    refused = opened(CALL, name="two", status=OrderStatus.REJECTED, filled=0)
    canceled = opened(CALL, name="three", status=OrderStatus.CANCELED, filled=0)
    now = activity(held, refused, canceled)
    assert now.entered == now.entries("iron_condor") == 1
    assert now.entries("test") == 0
    assert now.risk_in_use("iron_condor") == order_worst_case(CONDOR, DAY)
    assert now.risk_in_use("test") == 0
    assert now.strategies == ("iron_condor",)
    assert now.sent_within(at(10, 5) - at(9, 30)) == 3  # a flood of refused orders is a flood


def test_an_order_of_unknown_fate_is_entered_and_open() -> None:
    now = activity(opened(CALL, status=OrderStatus.UNKNOWN, filled=0))
    assert (now.entered, now.trades[0].open) == (1, 1)
    assert now.risk_in_use("test") == order_worst_case(CALL, DAY)


def test_a_closed_trades_result_is_its_cash_less_the_fees_of_both_orders() -> None:
    sold = opened(CONDOR)
    back = closed(sold, "0.40")
    [trade] = activity(sold, back).trades
    fees = entry_fees(CONDOR, DAY) + entry_fees(back.intent, DAY)
    assert trade.closed
    assert trade.open == 0
    assert trade.result == -(CONDOR.limit + Decimal("0.40")) * 100 - fees
    assert trade.closed_at == back.updated_at


def test_a_trade_closed_in_part_is_still_open_with_the_rest() -> None:
    three = opened(long_call(qty=3))
    part = closed(three, "-0.50", qty=2)
    [trade] = activity(three, part).trades
    assert (trade.open, trade.closed, trade.result) == (1, False, None)
    assert trade.risk == order_worst_case(long_call(), DAY)


def test_what_others_closed_counts_as_a_loss_nobody_knows_the_size_of() -> None:
    [trade] = activity(opened(CALL), held={}).trades
    assert (trade.closed, trade.lost, trade.result, trade.closed_at) == (True, True, None, None)


def test_a_fill_of_a_closing_order_that_is_not_recorded_yet_is_nobody_elses() -> None:
    held = opened(CALL)
    closing = closed(held, "-1.00", qty=0)
    working = Past(
        client_order_id=closing.client_order_id,
        intent=closing.intent,
        parent=held.client_order_id,
        created_at=closing.created_at,
        updated_at=closing.updated_at,
        status=OrderStatus.ACCEPTED,
        filled_qty=0,
    )
    [trade] = activity(held, working, held={}).trades
    assert (trade.open, trade.closed) == (1, False)


def test_the_longest_losing_streak_of_the_session_stays() -> None:
    orders = []
    for n, price in enumerate(("-0.10", "-0.20", "-2.00", "-0.10")):
        trade = opened(CALL, name=str(n), when=at(10, n))
        orders += [trade, closed(trade, price, when=at(10, 10 + n))]
    now = activity(*orders, now=at(11, 0))
    assert [trade.lost for trade in now.trades] == [True, True, False, True]
    assert now.losing_streak == 2
    assert now.last_loss_at == at(10, 13)


def test_the_same_contracts_in_another_order_of_legs_are_alike_and_other_sides_are_not() -> None:
    backwards = OrderIntent(strategy="other", legs=CONDOR.legs[::-1], qty=7, limit=CONDOR.limit)
    now = activity(opened(CONDOR))
    assert len(now.alike(backwards)) == 1
    assert now.alike(CALL) == ()
    put = make_intent((contract(673, Right.PUT), OPEN), limit="3.00")
    assert now.alike(put) == ()


@given(
    bought=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    gone=st.integers(0, 20),
)
def test_open_units_never_exceed_what_is_held_nor_what_was_bought(
    bought: list[int], gone: int
) -> None:
    orders = [opened(long_call(qty=qty), name=str(n)) for n, qty in enumerate(bought)]
    left = max(sum(bought) - gone, 0)
    now = Activity.of(orders, {CALL.legs[0].contract: left}, at(10, 5))
    assert sum(trade.open for trade in now.trades) == left
    assert all(0 <= trade.open <= trade.intent.qty for trade in now.trades)


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.PARTIALLY_FILLED])
def test_a_partial_fill_is_open_with_what_filled_and_what_still_may(status: OrderStatus) -> None:
    part = opened(long_call(qty=5), status=status, filled=2)
    [trade] = activity(part, held=holding(part)).trades
    assert trade.open == (2 if status.terminal else 5)
