"""The ledger alone: money moves, it is never made."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import ZERO
from paper_exchange.engine.ledger import Book, Entry, Ledger, UnbalancedPosting, transfer
from paper_exchange.engine.positions import PositionState, trade

amounts = st.decimals(-1_000_000, 1_000_000, places=2)
entries = st.builds(Entry, st.sampled_from(Book), amounts)
postings = st.lists(entries, max_size=4)


@given(st.lists(postings | st.builds(
    lambda source, target, amount: list(transfer(source, target, amount)),
    st.sampled_from(Book), st.sampled_from(Book), amounts,
), max_size=40))  # fmt: skip
def test_no_sequence_of_postings_makes_money(sequence: list[list[Entry]]) -> None:
    """Conservation holds after every posting, taken or refused; a refused one changes nothing."""
    ledger = Ledger()
    for posting in sequence:
        before = dict(ledger.balances)
        balanced = sum((entry.amount for entry in posting), ZERO) == 0
        try:
            ledger.post(posting)
        except UnbalancedPosting:
            assert not balanced
            assert ledger.balances == before
        else:
            assert balanced
            for book in Book:
                moved = sum((e.amount for e in posting if e.book is book), ZERO)
                assert ledger.balance(book) == before[book] + moved
        assert sum(ledger.balances.values(), ZERO) == 0


def test_a_leak_is_an_error() -> None:
    with pytest.raises(UnbalancedPosting):
        Ledger().post([Entry(Book.CASH, Decimal("0.01"))])


@given(
    st.lists(
        st.tuples(st.integers(-50, 50).filter(bool), st.decimals("0.01", 500, places=2)),
        min_size=1,
        max_size=20,
    )
)
def test_trading_in_and_out_conserves_every_cent(trades: list[tuple[int, Decimal]]) -> None:
    """What was paid is what is held at cost less what was realised; flat leaves no cost."""
    held: PositionState | None = None
    paid = realised = ZERO
    qty = ZERO
    for units, price in trades:
        value = units * price
        after = trade(held, Decimal(units), value)
        paid += value
        qty += units
        realised += after.realised
        assert after.qty == qty
        assert after.cost - realised == paid
        assert after.cost * after.qty >= 0
        if after.qty == 0:
            assert after.cost == 0
            held = None
        else:
            held = PositionState(symbol="AAPL", qty=after.qty, cost=after.cost)


def test_going_through_zero_opens_the_rest_at_the_price_traded() -> None:
    held = PositionState(symbol="AAPL", qty=Decimal(2), cost=Decimal(20))
    after = trade(held, Decimal(-5), Decimal(-150))
    assert [after.qty, after.cost, after.realised] == [-3, -90, 40]


def test_closing_a_part_takes_its_part_of_the_cost() -> None:
    held = PositionState(symbol="AAPL", qty=Decimal(-4), cost=Decimal(-400))
    after = trade(held, Decimal(1), Decimal(90))
    assert [after.qty, after.cost, after.realised] == [-3, -300, 10]
