from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import MarketDataMissing, NoSuchContract, QuoteUnusable
from common.quotes import ChainRow, MarketView
from common.session import Session
from services.strategies.choice import market, nearest_delta
from tests.builders import DAY, at, make_chain, make_quote, make_view, requoted
from tests.services.strategies.zones import said_anywhere

MARKETS = [
    make_view(),
    make_view(now=at(14, 0), spot=671.43),
    make_view(now=at(15, 10), spot=668.9),
    make_view(
        now=at(12, 10, day=date(2026, 11, 27)),
        session=Session.regular(date(2026, 11, 27), close=time(13)),
    ),
]


def delta(row: ChainRow) -> float:
    assert row.greeks is not None
    return row.greeks.delta


@given(
    view=st.sampled_from(MARKETS),
    right=st.sampled_from(list(Right)),
    target=st.floats(min_value=0.02, max_value=0.95),
)
def test_no_contract_lies_nearer_and_what_is_too_far_is_refused(
    view: MarketView, right: Right, target: float
) -> None:
    priced = [row for row in view.chain.side(right) if row.greeks is not None]
    wanted = target if right is Right.CALL else -target
    nearest = min(abs(delta(row) - wanted) for row in priced)
    if nearest > min(0.10, target):
        with pytest.raises(NoSuchContract, match="nearest: "):
            nearest_delta(view, right, target)
        return
    try:
        pick = nearest_delta(view, right, target)
    except QuoteUnusable:
        assert any(
            row.quote is not None and row.quote.bid == 0 and abs(delta(row) - wanted) == nearest
            for row in priced
        )
        return
    assert abs(pick.achieved - wanted) == nearest
    assert pick.achieved == delta(pick.row)
    assert pick.row.contract.expiry == view.session.day
    assert pick.row.quote is not None
    assert pick.row.quote.bid > 0
    strikes = [row.contract.strike for row in priced]
    place = strikes.index(pick.row.contract.strike)
    for neighbour, index in ((pick.below, place - 1), (pick.above, place + 1)):
        if 0 <= index < len(priced):
            assert neighbour is priced[index]
        else:
            assert neighbour is None


def test_what_nobody_bids_for_is_not_chosen_even_to_be_bought() -> None:
    view = make_view()
    wanted = nearest_delta(view, Right.PUT, 0.2).row.contract
    chain = requoted(view.chain, {wanted: {"quote": make_quote(0, "0.05"), "flag": "zero_bid"}})
    with pytest.raises(QuoteUnusable, match=f"{wanted.symbol} has no usable quote"):
        nearest_delta(replace(view, chain=chain), Right.PUT, 0.2)


def test_another_days_chain_is_not_chosen_from() -> None:
    view = make_view(session=Session.regular(date(2026, 11, 23)), chain=make_chain())
    with pytest.raises(MarketDataMissing, match=f"expires {DAY}"):
        nearest_delta(view, Right.CALL, 0.3)


def test_a_market_is_told_as_it_is() -> None:
    row = nearest_delta(make_view(), Right.CALL, 0.3).row
    assert row.quote is not None
    wide = row.quote.spread / row.quote.mid
    assert market(row) == (
        f"{row.quote.bid} to {row.quote.ask} ({wide:.1%} wide), 0.2 s old, open interest 1,500"
    )
    assert market(replace(row, open_interest=None)).endswith("open interest unknown")
    assert market(replace(row, quote=None)) == "never quoted"
    assert market(replace(row, quote=make_quote(0, "0.02"), age=None)) == (
        "0 to 0.02, open interest 1,500"
    )


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_the_machines_zone_changes_no_proposal(zone: str) -> None:
    program = (
        "from tests.services.strategies.test_opening_range import CALL, PUT, morning\n"
        "from services.strategies.iron_condor import IronCondor\n"
        "print(CALL.propose(morning(601.90)), PUT.propose(morning(599.0)))\n"
        "print(IronCondor(width=3).propose(morning(601.90)))\n"
    )
    assert "first break" in said_anywhere(program, zone)
