"""Money is exact: what cannot be represented is refused, never rounded in silence."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import (
    CASH_SCALE,
    CENT,
    PRICE_SCALE,
    ceil_to_tick,
    cent,
    floor_to_tick,
    from_scaled,
    on_tick,
    parse_decimal,
    plain,
    round_to_tick,
    to_price,
    to_scaled,
)

amounts = st.decimals(-(10**9), 10**9, places=4)
ticks = st.sampled_from([Decimal("0.01"), Decimal("0.05")])


@given(amounts, ticks)
def test_a_price_lies_between_the_ticks_around_it(price: Decimal, tick: Decimal) -> None:
    low, near, high = (f(price, tick) for f in (floor_to_tick, round_to_tick, ceil_to_tick))
    assert low <= price <= high
    assert high - low in {Decimal(0), tick}
    assert near in {low, high}
    assert all(on_tick(p, tick) for p in (low, near, high))


@given(st.integers(-(10**12), 10**12))
def test_scaled_integers_come_back_exactly(units: int) -> None:
    assert to_scaled(from_scaled(units, CASH_SCALE), CASH_SCALE) == units


def test_a_number_finer_than_the_column_is_refused() -> None:
    with pytest.raises(ValueError, match="finer than"):
        to_scaled(Decimal("0.00001"), PRICE_SCALE)


@given(amounts)
def test_plain_text_is_the_same_number_without_an_exponent(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert text == text.strip("+")


@pytest.mark.parametrize(
    ("number", "text"),
    [("2", "2"), ("2.50", "2.5"), ("-0.00", "0"), ("1E+3", "1000"), ("-0.47", "-0.47")],
)
def test_plain_text(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@pytest.mark.parametrize("half", ["0.005", "0.015", "-0.005"])
def test_halves_of_a_cent_go_to_the_even_one(half: str) -> None:
    assert cent(Decimal(half)) % Decimal("0.02") == 0


@pytest.mark.parametrize(
    "value",
    [
        "nan",
        "inf",
        "",
        "1,0",
        "\uff11",
        "1_0",
        "0x1",
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        1e30,
    ],
)
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a finite decimal"):
        parse_decimal(value)


@given(st.floats(-1e6, 1e6))
def test_a_float_becomes_the_nearest_cent(value: float) -> None:
    assert abs(to_price(value) - Decimal(value)) <= CENT / 2
