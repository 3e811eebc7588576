"""An OCC symbol is parsed from the right, so a root may hold a C or a P."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import (
    AssetClass,
    OptionContract,
    Right,
    asset_class,
    multiplier,
    option_tick,
)

contracts = st.builds(
    OptionContract,
    underlying=st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True),
    expiry=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    strike=st.integers(1, 99_999_999).map(lambda mills: Decimal(mills) / 1000),
    right=st.sampled_from(Right),
)


@given(contracts)
def test_a_symbol_names_its_contract_both_ways(contract: OptionContract) -> None:
    assert OptionContract.from_occ(contract.symbol) == contract


def test_a_spy_put_is_a_put_on_spy() -> None:
    put = OptionContract.from_occ("SPY251120P00598000")
    assert (put.underlying, put.right, put.strike) == ("SPY", Right.PUT, Decimal(598))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SPY",
        "SPY261120X00670000",
        "SPY261320C00670000",
        "SPY261131C00670000",
        "SPY261120C0067000",
        "spy261120C00670000",
        "SPY261120C\uff10\uff10670000",
        "TOOLONGX261120C00670000",
        "SPY 261120C00670000",
        "SPY261120C00670000\n",
    ],
)
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the date's own message or ours
        OptionContract.from_occ(text)


@pytest.mark.parametrize(
    ("symbol", "kind", "shares"),
    [
        ("AAPL", AssetClass.EQUITY, 1),
        ("PLTR", AssetClass.EQUITY, 1),
        ("BRK.B", AssetClass.EQUITY, 1),
        ("SPY251120C00600000", AssetClass.OPTION, 100),
        ("BTC/USD", AssetClass.CRYPTO, 1),
    ],
)
def test_symbols_are_told_apart(symbol: str, kind: AssetClass, shares: int) -> None:
    assert asset_class(symbol) is kind
    assert multiplier(symbol) == shares


@pytest.mark.parametrize(
    "text", ["", "aapl", "AAPL ", "$SPY", "BTCUSD", "SPY; DROP TABLE", "A" * 50]
)
def test_other_text_names_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="not a symbol"):
        asset_class(text)


@given(contracts, st.integers(1, 10**8).map(lambda cents: Decimal(cents) / 100))
def test_intrinsic_value_is_never_negative_and_one_side_has_it(
    contract: OptionContract, spot: Decimal
) -> None:
    other = OptionContract(
        underlying=contract.underlying,
        expiry=contract.expiry,
        strike=contract.strike,
        right=Right.PUT if contract.is_call else Right.CALL,
    )
    assert contract.intrinsic(spot) + other.intrinsic(spot) == abs(spot - contract.strike)
    assert contract.intrinsic(spot) * other.intrinsic(spot) == 0


def test_ticks_are_pennies_where_the_penny_program_says() -> None:
    assert option_tick("SPY", Decimal(9)) == Decimal("0.01")
    assert option_tick("AAPL", Decimal("2.99")) == Decimal("0.01")
    assert option_tick("AAPL", Decimal(3)) == Decimal("0.05")
