"""Parts of holdings, and what an exercise comes to: pure, to the share and the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadArgument
from common.portfolio import Account, Position
from services.execution.by_hand import Part
from services.execution.exercise import Delivery
from tests.services.execution.test_closing import position

CALL, PUT = "SPY261120C00670000", "SPY261120P00670000"
SHARES = replace(position("SPY", 10), qty=Decimal("2.5"), qty_available=Decimal("2.5"))
SPOT = Decimal("672.50")


def account(power: int) -> Account:
    money = Decimal(power)
    return Account(
        number="PA1",
        equity=money,
        last_equity=money,
        cash=money,
        buying_power=money,
        options_buying_power=money,
        initial_margin=money,
        maintenance_margin=money,
        options_level=3,
    )


@given(held=st.integers(1, 500), percentage=st.decimals("0.01", "100", places=2))
def test_a_percentage_is_rounded_down_and_never_more_than_is_held(
    held: int, percentage: Decimal
) -> None:
    exact = held * percentage / 100
    for sign in (1, -1):
        try:
            units = Part(percentage=percentage).of(position(CALL, sign * held))
        except BadArgument:
            assert exact < 1
        else:
            assert 1 <= units <= exact < units + 1


def test_of_shares_a_percentage_keeps_nine_places() -> None:
    assert Part(percentage=Decimal(33)).of(SHARES) == Decimal("0.825")
    third = Part(percentage=Decimal("33.333333333")).of(SHARES)
    assert third == Decimal("0.833333333")
    assert Part(qty=Decimal("0.1")).of(SHARES) == Decimal("0.1")
    assert Part().of(SHARES) == Decimal("2.5")


@pytest.mark.parametrize(
    ("part", "held", "why"),
    [
        (Part(Decimal(1), Decimal(50)), position(CALL, 2), "not both"),
        (Part(Decimal(3)), position(CALL, -2), "2 held"),
        (Part(Decimal("1.5")), position(CALL, 2), "no number of contracts"),
        (Part(percentage=Decimal(49)), position(CALL, 2), "less than one"),
    ],
)
def test_what_is_no_part_is_refused(part: Part, held: Position, why: str) -> None:
    with pytest.raises(BadArgument, match=why):
        part.of(held)


def test_a_call_is_paid_for_and_a_put_delivers() -> None:
    call, put = Delivery.of(position(CALL, 2)), Delivery.of(position(PUT, 2))
    assert (call.shares, call.cash) == (Decimal(200), Decimal(-134_000))
    assert (put.shares, put.cash) == (Decimal(-200), Decimal(134_000))
    assert (call.gain(SPOT), put.gain(SPOT)) == (Decimal(500), Decimal(-500))
    assert [b.limit for b in call.breaches(account(133_999), ())] == ["buying_power"]
    assert [b.limit for b in call.breaches(account(134_000), ())] == []
    assert [b.limit for b in put.breaches(account(0), (position("SPY", 199),))] == ["shares"]
    assert [b.limit for b in put.breaches(account(0), (position("SPY", 200),))] == []


@pytest.mark.parametrize("held", [position(CALL, -1), position("SPY", 100)])
def test_only_a_long_option_can_be_exercised(held: Position) -> None:
    with pytest.raises(BadArgument, match="no long option"):
        Delivery.of(held)
