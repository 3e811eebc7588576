"""How the account leans: now, over one sigma, after assignment, and late in the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.portfolio import Position
from services.portfolio.greeks import greeks_of_legs, greeks_of_positions
from services.portfolio.sigma import STEPS, deltas_of_order, deltas_of_positions
from services.risk.manager import RiskManager
from tests.builders import (
    DAY,
    SESSION,
    at,
    contract,
    make_chain,
    make_exposure,
    make_intent,
    make_position,
    make_view,
)
from tests.services.risk.cases import CONDOR, LIMITS, OPEN, RISK, SELL, VIEW, breaches, long_call

CHAIN = VIEW.chain


def held(*positions: Position, **changes: object) -> object:
    total = greeks_of_positions(positions, CHAIN).total
    delta = None if total is None else total.delta
    return make_exposure(positions=positions, delta=delta, **changes)


def drifted(*positions: Position, cap: float = 50.0) -> dict[str, bool]:
    risk = RiskManager(replace(LIMITS, delta_cap=cap))
    found = risk.drift(held(*positions), CHAIN, SESSION, VIEW.now)  # type: ignore[arg-type]
    return {one.limit.name: one.limit.ok for one in found}


def test_the_middle_step_is_the_delta_of_the_greeks() -> None:
    for order in (CONDOR, long_call()):
        report = greeks_of_legs(order.legs, order.qty, CHAIN)
        moved = deltas_of_order(order, CHAIN)
        assert report.total is not None
        assert moved is not None
        assert moved[STEPS.index(0.0)] == pytest.approx(report.total.delta, abs=0.05)


@given(k=st.integers(-1, 1), qty=st.integers(-5, 5).filter(bool))
def test_a_step_is_the_delta_of_the_chain_that_has_moved_there(k: int, qty: int) -> None:
    """Against a chain built at the moved forward: the same smile in moneyness."""
    level = float(np.interp(CHAIN.forward, CHAIN.strikes, CHAIN.total_vols))
    forward = CHAIN.forward * float(np.exp(k * level))
    strikes = tuple(strike * forward / CHAIN.forward for strike in CHAIN.strikes)
    there = replace(CHAIN, forward=forward, strikes=strikes, rows=())
    legs = make_intent((contract(672, Right.CALL), OPEN), limit="1.00").legs
    one = greeks_of_legs(legs, qty, there).total
    moved = deltas_of_positions([make_position(contract(672, Right.CALL), qty)], CHAIN)
    assert one is not None
    assert moved is not None
    assert moved[STEPS.index(float(k))] == pytest.approx(one.delta, abs=1e-6)


def test_a_trade_that_is_flat_now_may_lean_too_far_a_sigma_away() -> None:
    assert breaches(replace(CONDOR, qty=1)) == {}
    tight = RiskManager(replace(LIMITS, sigma_delta_cap=10.0))
    assert set(breaches(CONDOR, risk=tight)) == {"delta_sigma"}
    wider = RiskManager(replace(LIMITS, delta_cap=60.0))  # the other follows it
    two = long_call(qty=2)
    assert set(breaches(two, exposure=make_exposure())) >= {"delta_sigma"}
    assert "delta_sigma" not in breaches(long_call(), risk=wider)


def test_pending_orders_count_whichever_of_them_fill() -> None:
    up, down = long_call(), make_intent((contract(667, Right.PUT), OPEN), limit="1.00")
    deltas = [deltas_of_order(order, CHAIN) for order in (up, down)]
    assert deltas[0] is not None
    assert deltas[1] is not None
    reach = max(float(deltas[0].max()), -float(deltas[1].min()))
    pending = make_exposure(pending=(up, down), pending_delta=(-30.0, 30.0))
    found = RISK.drift(pending, CHAIN, SESSION, VIEW.now)
    [sigma] = [one.limit for one in found if one.limit.name == "delta_sigma"]
    assert abs(float(sigma.used.split()[0])) == pytest.approx(reach, abs=0.06)


def test_shorts_are_counted_as_the_shares_their_assignment_brings() -> None:
    few = RiskManager(replace(LIMITS, assignment_shares_max=99))
    assert breaches(CONDOR, risk=few) == {"assignment": "-100 shares"}
    assert "assignment" not in breaches(long_call(), risk=few)
    short = make_position(contract(660, Right.PUT), -9, entry="0.10", price="0.10")
    owed = make_exposure(positions=(short,))
    assert "assignment" not in breaches(CONDOR, exposure=owed)
    more = make_exposure(positions=(replace(short, qty=Decimal(-10)),))
    assert breaches(CONDOR, exposure=more)["assignment"] == "+1100 shares"
    pending = make_exposure(pending=(replace(CONDOR, qty=10),))
    assert "assignment" in breaches(CONDOR, exposure=pending)


def test_shares_held_cover_calls_and_add_to_puts() -> None:
    few = RiskManager(replace(LIMITS, assignment_shares_max=150, delta_cap=1e6))
    shares = make_exposure(positions=(make_position("SPY", 100, entry="670", price="670"),))
    assert breaches(CONDOR, exposure=shares, risk=few)["assignment"] == "+200 shares"


def test_gamma_is_bounded_in_the_last_hour_only() -> None:
    tight = RiskManager(replace(LIMITS, late_gamma_max=1.0))
    assert breaches(long_call(), risk=tight) == {}
    late = make_view(now=at(15, 5))
    call = make_intent((contract(671, Right.CALL), OPEN), limit=_ask(late, 671))
    assert set(breaches(call, risk=tight, view=late)) == {"late_gamma"}
    assert "late_gamma" not in breaches(call, view=late)
    before = RiskManager(replace(LIMITS, late_gamma_max=1.0, late_gamma_from=timedelta(minutes=50)))
    assert "late_gamma" not in breaches(call, risk=before, view=late)


def test_drift_is_seen_without_an_order_and_the_unknown_is_told_apart() -> None:
    call = make_position(contract(673, Right.CALL), 1)
    assert drifted(call) == {"delta": True, "delta_sigma": True, "late_gamma": True}
    assert drifted(call, cap=20.0)["delta"] is False
    foreign = make_position(contract(673, Right.CALL, expiry=DAY + timedelta(days=7)), 1)
    exposure = make_exposure(positions=(foreign,), delta=None, unknown=("no greeks",))
    found = RISK.drift(exposure, CHAIN, SESSION, VIEW.now)
    assert [one.known for one in found] == [False, False, False]
    assert [one.limit.ok for one in found] == [False, False, True]  # gamma binds from 15:00
    late = RISK.drift(exposure, CHAIN, SESSION, at(15, 1))
    assert not any(one.limit.ok for one in late)
    unseen = RISK.drift(make_exposure(positions=(call,)), None, SESSION, VIEW.now)
    assert "delta_sigma" in {one.limit.name for one in unseen if not one.limit.ok}


def test_a_flat_account_leans_nowhere_even_without_a_chain() -> None:
    found = RISK.drift(make_exposure(), None, SESSION, at(15, 30))
    assert all(one.limit.ok for one in found)


def test_an_uncovered_short_does_not_hide_in_a_sum() -> None:
    lone = make_intent((contract(675, Right.CALL), SELL), limit="-0.50")
    assert "order_form" in breaches(lone)


def _ask(view: object, strike: int) -> str:
    chain = make_chain(now=at(15, 5))
    quote = chain.row(contract(strike, Right.CALL)).quote
    assert quote is not None
    return str(quote.ask)
