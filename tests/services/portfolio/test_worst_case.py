from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import OptionContract, Right
from common.fees import round_trip_fees
from common.orders import PositionIntent
from services.portfolio.worst_case import holdings_worst_case, order_worst_case
from tests.builders import DAY, contract, make_intent, make_position

RIGHTS = st.sampled_from(list(Right))
holdings = st.lists(
    st.tuples(st.integers(660, 680), RIGHTS, st.integers(-3, 3).filter(bool), st.integers(0, 900)),
    min_size=1,
    max_size=5,
    unique_by=lambda held: held[:2],
)


@given(holdings)
def test_holdings_at_their_worst_against_brute_force(
    held: list[tuple[int, Right, int, int]],
) -> None:
    contracts = [(contract(k, right), qty, Decimal(cents) / 100) for k, right, qty, cents in held]
    worst = holdings_worst_case(
        [make_position(which, qty) for which, qty, _ in contracts],
        {which.symbol: price for which, _, price in contracts},
    )
    if sum(qty for which, qty, _ in contracts if which.is_call) < 0:
        assert worst.at_risk is None
        assert any("no bound" in reason for reason in worst.unknown)
        return
    changes = [_change(contracts, Decimal(spot)) for spot in (0, *range(640, 700))]
    assert worst.at_risk == max(-min(changes), Decimal(0))


def test_expiries_are_bounded_one_by_one_and_added() -> None:
    """Each may end at its own worst: a hedge across days is not believed."""
    today, later = contract(670, Right.CALL), contract(670, Right.CALL, expiry=date(2026, 11, 23))
    prices = {today.symbol: Decimal(2), later.symbol: Decimal(3)}
    both = holdings_worst_case([make_position(today, 1), make_position(later, 1)], prices)
    assert both.at_risk == 500
    crossed = holdings_worst_case([make_position(today, -1), make_position(later, 1)], prices)
    assert crossed.at_risk is None


@pytest.mark.parametrize(
    ("symbol", "qty", "risk"), [("SPY", 10, 469), ("SPY", -10, 469), ("AAPL", 10, 1340)]
)
def test_shares_are_moved_against_their_holder(symbol: str, qty: int, risk: int) -> None:
    prices = {symbol: Decimal(670)}
    assert holdings_worst_case([make_position(symbol, qty)], prices).at_risk == risk


def test_no_price_no_number() -> None:
    worst = holdings_worst_case([make_position("SPY", 1)], {"SPY": None})
    assert worst.at_risk is None
    assert worst.unknown == ("SPY has no price to leave at",)


def test_nothing_held_nothing_at_risk() -> None:
    assert holdings_worst_case([], {}).at_risk == 0


def test_an_order_loses_at_most_its_payoff_and_fees_and_a_closing_one_its_fees() -> None:
    spread = make_intent(
        (contract(673, Right.CALL), PositionIntent.SELL_TO_OPEN),
        (contract(677, Right.CALL), PositionIntent.BUY_TO_OPEN),
        limit="-0.71",
        qty=3,
    )
    fees = round_trip_fees(spread, DAY)
    assert order_worst_case(spread, DAY) == Decimal("3.29") * 300 + fees
    closing = spread.closing(limit=Decimal("0.80"), strategy="test")
    assert order_worst_case(closing, DAY) == fees


def test_an_order_without_a_bound_says_so() -> None:
    naked = make_intent((contract(673, Right.CALL), PositionIntent.SELL_TO_OPEN), limit="-0.9")
    assert order_worst_case(naked, DAY) is None
    calendar = make_intent(
        (contract(673, Right.CALL), PositionIntent.SELL_TO_OPEN),
        (contract(673, Right.CALL, expiry=date(2026, 11, 23)), PositionIntent.BUY_TO_OPEN),
        limit="0.5",
    )
    assert order_worst_case(calendar, DAY) is None


@given(st.integers(1, 9), st.integers(-2000, 3000), st.integers(1, 3))
def test_orders_of_uneven_ratios_against_brute_force(
    width: int, limit_cents: int, ratio: int
) -> None:
    """The net limit is booked on one leg; the extremes must not notice."""
    spread = make_intent(
        (contract(670, Right.PUT), PositionIntent.SELL_TO_OPEN),
        (contract(670 - width, Right.PUT), PositionIntent.BUY_TO_OPEN),
        limit=str(Decimal(limit_cents) / 100),
    )
    legs = (spread.legs[0], replace(spread.legs[1], ratio=ratio))
    order = replace(spread, legs=legs)
    ends = [
        sum((leg.signed_ratio * leg.contract.intrinsic(Decimal(spot)) for leg in legs), Decimal(0))
        for spot in range(700)
    ]
    expected = max(-(min(ends) - order.limit) * 100 + round_trip_fees(order, DAY), Decimal(0))
    assert order_worst_case(order, DAY) == expected


def _change(contracts: list[tuple[OptionContract, int, Decimal]], spot: Decimal) -> Decimal:
    return sum(
        (qty * 100 * (which.intrinsic(spot) - price) for which, qty, price in contracts),
        Decimal(0),
    )
