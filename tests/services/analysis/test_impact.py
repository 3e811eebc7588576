"""The account after an order, by the rules of the account itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.contracts import Right
from common.fees import entry_fees
from common.orders import PositionIntent
from services.analysis.impact import impact
from services.analysis.var import book_risk
from services.portfolio.greeks import greeks_of_positions
from services.strategies.iron_condor import IronCondor
from tests.builders import (
    DAY,
    contract,
    make_account,
    make_exposure,
    make_intent,
    make_position,
    make_view,
)
from tests.services.analysis.books import CONDOR as HELD

VIEW = make_view()
CONDOR = IronCondor(width=2, qty=2).propose(VIEW).intent
FEES = entry_fees(CONDOR, DAY)


def test_a_credit_brings_cash_and_takes_margin() -> None:
    found = impact(CONDOR, make_exposure(), VIEW, FEES)
    credit = -CONDOR.net_cost
    assert found.before.cash == Decimal(100_000)
    assert found.after.cash == Decimal(100_000) + credit - FEES
    assert found.after.margin == Decimal(400)
    assert found.after.options_buying_power == Decimal(100_000) + credit - FEES - 400
    assert (found.after.strike_contracts, found.after.expiry_contracts) == (2, 8)
    assert (found.before.var_99, found.before.es_975) == (0.0, 0.0)


def test_after_it_the_book_is_what_is_held_and_what_was_ordered() -> None:
    positions = tuple(
        make_position(leg.contract, int(leg.qty)) for leg in HELD if leg.contract is not None
    )
    exposure = make_exposure(
        positions=positions, account=make_account(maintenance_margin=Decimal(2000))
    )
    found = impact(CONDOR, exposure, VIEW, FEES)
    filled = (
        *positions,
        *(make_position(leg.contract, leg.signed_ratio * CONDOR.qty) for leg in CONDOR.legs),
    )
    together = greeks_of_positions(filled, VIEW.chain).total
    assert together is not None
    assert found.after.greeks is not None
    for name in ("delta", "gamma", "theta", "vega", "delta_dollars", "gamma_percent"):
        told = getattr(found.after.greeks, name)
        assert told == pytest.approx(getattr(together, name), abs=1e-6)
    assert found.before.var_99 == book_risk(HELD, VIEW.chain, None, 30.0).var_99
    assert found.after.var_99 is not None
    assert found.before.var_99 is not None
    assert found.after.var_99 > found.before.var_99


def test_a_spread_that_offsets_what_is_held_frees_margin() -> None:
    short, long = contract(675, Right.CALL), contract(677, Right.CALL)
    exposure = make_exposure(
        positions=(make_position(short, -1), make_position(long, 1)),
        account=make_account(maintenance_margin=Decimal(200)),
    )
    undone = make_intent(
        (short, PositionIntent.BUY_TO_CLOSE), (long, PositionIntent.SELL_TO_CLOSE), limit="0.30"
    )
    found = impact(undone, exposure, VIEW, Decimal("0.10"))
    assert found.after.margin == 0
    assert found.after.options_buying_power == Decimal(100_000) - 30 - Decimal("0.10") + 200
    assert found.after.expiry_contracts == 0
    assert found.after.var_99 == pytest.approx(0.0, abs=1e-9)


def test_what_a_naked_call_would_do_is_not_known() -> None:
    naked = make_intent((contract(675, Right.CALL), PositionIntent.SELL_TO_OPEN), limit="-0.40")
    found = impact(naked, make_exposure(), VIEW, Decimal("0.05"))
    assert found.after.margin is None
    assert found.after.options_buying_power is None
    assert found.after.cash == Decimal(100_040) - Decimal("0.05")


def test_a_holding_without_a_price_makes_the_tail_unknown() -> None:
    exposure = make_exposure(positions=(make_position("QQQ", 10, price=None),))
    found = impact(CONDOR, exposure, VIEW, FEES)
    assert (found.before.var_99, found.after.var_99) == (None, None)
    assert found.after.greeks is None
