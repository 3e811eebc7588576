"""Spread margin and cover, against brute force and against Alpaca's own examples."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from common.contracts import OptionContract, Right
from common.money import ZERO
from paper_exchange.engine.margin import shortfall, spread_margin
from paper_exchange.engine.positions import contract_of
from tests.paper_exchange.builders import DAY, FOLLOWING, occ

STRIKES = (100, 105, 110, 120)
EXPIRIES = (DAY, FOLLOWING.day)
SYMBOLS = [
    occ(strike, right.value, expiry) for strike in STRIKES for right in Right for expiry in EXPIRIES
]
counts = st.integers(-4, 4).map(Decimal)
held_today = st.dictionaries(st.sampled_from([s for s in SYMBOLS if "261120" in s]), counts)
held_any = st.dictionaries(st.sampled_from(SYMBOLS), counts)


def _contract(symbol: str) -> OptionContract:
    contract = contract_of(symbol)
    assert contract is not None
    return contract


def _owed(held: dict[str, Decimal], spot: int) -> Decimal:
    worth = sum(
        (100 * qty * _contract(s).intrinsic(Decimal(spot)) for s, qty in held.items()), ZERO
    )
    return max(-worth, ZERO)


@given(held_today)
def test_one_expiry_needs_the_most_its_payoff_can_owe(held: dict[str, Decimal]) -> None:
    margin = spread_margin(held)
    if sum((qty for symbol, qty in held.items() if _contract(symbol).is_call), ZERO) < 0:
        assert margin == Decimal("Infinity")
    else:
        assert margin == max(_owed(held, spot) for spot in (0, *STRIKES, 1000))


@given(held_any, st.integers(0, 140), st.integers(0, 140))
def test_expiries_that_cover_themselves_can_both_be_paid(
    held: dict[str, Decimal], first: int, second: int
) -> None:
    """Whatever the price at one expiry and then at the next: cash settlement never overdraws."""
    parts = [
        {s: qty for s, qty in held.items() if _contract(s).expiry == expiry} for expiry in EXPIRIES
    ]
    covered = all(
        sum((q for s, q in part.items() if _contract(s).right is right), ZERO) >= 0
        for part in parts
        for right in Right
    )
    if covered:
        assert spread_margin(held) >= _owed(parts[0], first) + _owed(parts[1], second)


def test_the_examples_of_the_rule() -> None:
    long_short = {occ(100): 1, occ(110): -1, occ(190): -1, occ(200): 1}
    assert spread_margin({symbol: Decimal(qty) for symbol, qty in long_short.items()}) == 0
    credit = {occ(190): Decimal(-1), occ(200): Decimal(1)}
    assert spread_margin(credit) == 1000


def test_shares_cover_calls() -> None:
    short = {occ(605): Decimal(-2)}
    assert spread_margin(short | {"SPY": Decimal(200)}) == 0
    assert spread_margin(short | {"SPY": Decimal(199)}) == Decimal("Infinity")
    assert spread_margin(short | {"AAPL": Decimal(200)}) == Decimal("Infinity")


def test_underlyings_do_not_cover_one_another() -> None:
    held = {occ(605): Decimal(-1), occ(600, underlying="AAPL"): Decimal(1)}
    assert spread_margin(held) == Decimal("Infinity")


changes = st.lists(held_any, max_size=4)


@given(held_any, changes, st.sampled_from(Right))
def test_the_worst_that_working_orders_can_do_is_foreseen(
    held: dict[str, Decimal], orders: list[dict[str, Decimal]], right: Right
) -> None:
    """No subset of the orders, filled, leaves more shorts bare than shortfall says."""
    foreseen = shortfall(orders, held, "SPY", right)
    subsets = chain.from_iterable(combinations(orders, n) for n in range(len(orders) + 1))
    assert foreseen == max(_bare(held, subset, right) for subset in subsets)


def _bare(held: dict[str, Decimal], filled: tuple[dict[str, Decimal], ...], right: Right) -> int:
    """Return the most shorts, at any expiry, that no holding living as long covers."""
    after: dict[date, int] = dict.fromkeys(EXPIRIES, 0)
    for qtys in (held, *filled):
        for symbol, qty in qtys.items():
            if _contract(symbol).right is right:
                after[_contract(symbol).expiry] += int(qty)
    return max(0, -after[EXPIRIES[1]], -(after[EXPIRIES[0]] + after[EXPIRIES[1]]))


def test_shares_cover_a_call_that_outlives_the_longs_it_is_margined_with() -> None:
    """Puts of one expiry make it one cluster with the next, whose calls the shares cover."""
    later = FOLLOWING.day
    held = {
        "SPY": Decimal(300),
        occ(605): Decimal(8),
        occ(610): Decimal(-2),
        occ(600, expiry=later): Decimal(-3),
        occ(600, "P", later): Decimal(4),
        occ(610, "P"): Decimal(-2),
    }
    assert spread_margin(held) == 2500  # at 605: puts 5 deep, calls 5 deep
    assert not spread_margin(held | {"SPY": Decimal(299)}).is_finite()
