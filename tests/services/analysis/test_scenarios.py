"""Every cell of a grid is what each leg would be worth there, summed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import MarketDataMissing
from services.analysis.book import holding_legs, order_legs
from services.analysis.scenarios import HeldLeg, scenario_grid
from services.strategies.iron_condor import IronCondor
from tests.builders import contract, make_chain, make_position, make_view
from tests.services.analysis.books import CONDOR, MIXED, worth

CHAIN = make_chain()
SPOTS = np.linspace(650.0, 690.0, 9)
MINUTES = (CHAIN.minutes, 120.0, 0.0)
VOLS = (0.7, 1.0, 1.5)


@pytest.mark.parametrize("legs", [CONDOR, MIXED])
def test_every_cell_is_the_brute_force_value(legs: tuple[HeldLeg, ...]) -> None:
    grid = scenario_grid(legs, CHAIN, spots=SPOTS, minutes=MINUTES, vols=VOLS)
    now = worth(legs, CHAIN, 1.0, CHAIN.minutes, 1.0)
    for t, minutes in enumerate(MINUTES):
        for v, vol in enumerate(VOLS):
            for s, spot in enumerate(SPOTS):
                by_hand = worth(legs, CHAIN, float(spot) / 670.0, minutes, vol) - now
                assert grid.pnl[t, v, s] == pytest.approx(by_hand, abs=1e-6)
    worst = grid.worst
    assert worst.pnl == grid.pnl.min()
    again = worth(legs, CHAIN, worst.spot / 670.0, worst.minutes, worst.vol) - now
    assert worst.pnl == pytest.approx(again, abs=1e-6)


@given(width=st.integers(1, 8), spot=st.integers(640, 700))
@settings(max_examples=25)
def test_at_the_close_an_order_makes_its_payoff(width: int, spot: int) -> None:
    intent = IronCondor(width=width).propose(make_view()).intent
    legs = order_legs(intent, at_limit=True)
    grid = scenario_grid(legs, CHAIN, spots=[float(spot)], minutes=[0.0])
    ends = sum(leg.signed_ratio * leg.contract.intrinsic(Decimal(spot)) for leg in intent.legs)
    assert grid.pnl[0, 0, 0] == pytest.approx(float((ends - intent.limit) * 100), abs=1e-6)


def test_nothing_moved_makes_nothing() -> None:
    grid = scenario_grid(MIXED, CHAIN, spots=[670.0], minutes=[CHAIN.minutes])
    assert grid.pnl[0, 0, 0] == pytest.approx(0.0, abs=1e-9)


def test_what_the_smile_says_nothing_about_is_refused() -> None:
    other = contract(670, Right.CALL, expiry=date(2026, 11, 23))
    with pytest.raises(MarketDataMissing, match="not of the chain"):
        scenario_grid([HeldLeg(contract=other, qty=1)], CHAIN, spots=[670], minutes=[10])
    with pytest.raises(MarketDataMissing, match="no smile"):
        scenario_grid(CONDOR, replace(CHAIN, strikes=()), spots=[670], minutes=[10])


def test_other_shares_count_as_shares_of_equal_value() -> None:
    legs = holding_legs([make_position("QQQ", 10, price=335)], CHAIN)
    grid = scenario_grid(legs, CHAIN, spots=[676.7], minutes=[0.0])
    assert grid.pnl[0, 0, 0] == pytest.approx(10 * 335 * 0.01)
    with pytest.raises(MarketDataMissing, match="QQQ has no price"):
        holding_legs([make_position("QQQ", 10, price=None)], CHAIN)
