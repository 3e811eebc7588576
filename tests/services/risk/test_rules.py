from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from common.contracts import Right
from common.limits import Halt
from common.orders import Leg, OrderIntent, PositionIntent
from services.risk.manager import RiskManager
from services.strategies.iron_condor import IronCondor
from tests.builders import (
    SESSION,
    at,
    contract,
    make_account,
    make_exposure,
    make_intent,
    make_position,
    make_quote,
)
from tests.services.risk.cases import (
    CONDOR,
    LIMITS,
    OPEN,
    SELL,
    VIEW,
    breaches,
    long_call,
    with_rows,
)

# Halt, session, account


@pytest.mark.parametrize("halt", [Halt.REDUCING, Halt.HALTED])
def test_nothing_opens_while_halted(halt: Halt) -> None:
    assert breaches(CONDOR, halt=halt) == {"halt": halt.value}


@pytest.mark.parametrize(
    ("hour", "minute", "second", "ok"),
    [
        (9, 29, 59, False),
        (9, 30, 0, True),
        (15, 19, 59, True),
        (15, 20, 0, False),
        (16, 5, 0, False),
    ],
)
def test_entries_end_forty_minutes_before_the_close(
    hour: int, minute: int, second: int, ok: bool
) -> None:
    now = at(hour, minute, second)
    assert ("session" not in breaches(CONDOR, view=replace(VIEW, now=now))) is ok


def test_an_early_close_moves_the_cut_off() -> None:
    half = replace(SESSION, close=at(13, 0))
    assert half.early
    early = replace(VIEW, session=half)
    assert breaches(CONDOR, view=replace(early, now=at(12, 19))) == {}
    assert "session" in breaches(CONDOR, view=replace(early, now=at(12, 20)))


def test_the_brokers_cut_off_binds_when_it_comes_first() -> None:
    late = RiskManager(replace(LIMITS, no_entry_before_close=timedelta(minutes=1)))
    assert "session" in breaches(CONDOR, view=replace(VIEW, now=at(15, 30)), risk=late)
    assert breaches(CONDOR, view=replace(VIEW, now=at(15, 29)), risk=late) == {}


def test_a_blocked_account_and_a_low_level_are_refused() -> None:
    blocked = make_exposure(account=make_account(blocked="trading_blocked"))
    assert breaches(CONDOR, exposure=blocked) == {"account": "trading_blocked"}
    level_2 = make_exposure(account=make_account(options_level=2))
    assert set(breaches(CONDOR, exposure=level_2)) == {"options_level"}
    assert breaches(long_call(), exposure=level_2) == {}


def test_options_buying_power_must_cover_margin_and_price_and_no_other_power_does() -> None:
    poor = make_exposure(account=make_account(options_buying_power=Decimal("261.42")))
    assert breaches(CONDOR, exposure=poor) == {}
    poorer = make_exposure(account=make_account(options_buying_power=Decimal("261.41")))
    assert breaches(CONDOR, exposure=poorer) == {"options_buying_power": "$261.42"}


# Quotes


def test_each_leg_must_be_fresh_and_the_stale_one_is_named() -> None:
    wing = CONDOR.legs[3].contract
    view = with_rows({wing: {"age": timedelta(seconds=5.1)}})
    assert breaches(CONDOR, view=view) == {"quote_age": f"{wing.symbol} 5.1 s"}
    assert breaches(CONDOR, view=with_rows({wing: {"age": timedelta(seconds=5)}})) == {}
    for nonsense in (None, timedelta(seconds=-1)):
        assert "quote_age" in breaches(CONDOR, view=with_rows({wing: {"age": nonsense}}))


@pytest.mark.parametrize(
    ("bid", "ask", "ok"),
    [
        ("0.20", "0.25", True),  # five cents always pass
        ("0.20", "0.26", False),
        ("1.00", "1.28", True),  # a quarter of the mid of 1.14
        ("1.00", "1.29", False),
        ("0", "0.02", False),
        ("0.30", "0.29", False),
    ],
)
def test_each_leg_must_be_two_sided_and_tight(bid: str, ask: str, ok: bool) -> None:
    which = contract(673, Right.CALL)
    view = with_rows({which: {"quote": make_quote(bid, ask)}})
    assert ("spread" not in breaches(long_call(limit=ask), view=view)) is ok


def test_a_contract_the_chain_does_not_list_is_refused_by_every_rule_that_needs_it() -> None:
    unlisted = make_intent((contract(900, Right.CALL), OPEN), limit="0.05")
    assert set(breaches(unlisted)) >= {"order_form", "quote_age", "spread", "limit_price"}


# The order's own form


def test_the_limit_is_on_the_tick() -> None:
    assert set(breaches(long_call(limit="0.955"))) == {"tick"}


def test_a_limit_far_beyond_natural_is_refused() -> None:
    assert breaches(long_call(limit="1.20")) == {}  # 0.96 and two and a half times 10%
    assert set(breaches(long_call(limit="1.21"))) == {"limit_price"}
    assert set(breaches(replace(CONDOR, limit=CONDOR.limit + Decimal("0.35")))) == {"limit_price"}
    assert "limit_price" in breaches(replace(CONDOR, limit=Decimal("NaN")))


@pytest.mark.parametrize("moved", ["-0.09", "0", "0.09"])
def test_what_was_previewed_still_passes_while_natural_stays_in_its_tolerance(moved: str) -> None:
    """Limit: natural then plus 10%. A price that came our way must not refuse the order."""
    which = contract(673, Right.CALL)
    ask = Decimal("0.96") + Decimal(moved)
    view = with_rows({which: {"quote": make_quote(str(ask - Decimal("0.03")), str(ask))}})
    assert breaches(long_call(limit="1.05"), view=view) == {}


@pytest.mark.parametrize("qty", [-1, 0, 101, 10**30])
def test_quantities_out_of_bounds_are_refused_without_falling_over(qty: int) -> None:
    found = breaches(replace(CONDOR, qty=qty))
    assert "qty" in found


C, P = Right.CALL, Right.PUT


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (make_intent((contract(673, C), SELL), limit="-0.93"), "uncovered short call"),
        (make_intent((contract(667, P), SELL), limit="-1.04"), "uncovered short put"),
        (
            make_intent((contract(673, C), SELL), (contract(667, P), SELL), limit="-1.97"),
            "uncovered short call",
        ),
        (make_intent((contract(673, C), OPEN), (contract(673, C), SELL), limit="0.03"), "twice"),
        (OrderIntent(strategy="t", legs=(), qty=1, limit=Decimal(1)), "0 legs"),
        (
            make_intent(*((contract(670 + i, C), OPEN) for i in range(5)), limit="5"),
            "5 legs",
        ),
        (
            make_intent((contract(673, C, expiry=date(2026, 11, 23)), OPEN), limit="0.96"),
            "expires 2026-11-23",
        ),
        (
            make_intent((contract(673, C, expiry=date(2026, 11, 19)), OPEN), limit="0.96"),
            "expires 2026-11-19",
        ),
        (
            OrderIntent(
                strategy="t",
                legs=(
                    Leg(contract=contract(672, C), intent=OPEN, ratio=2),
                    Leg(contract=contract(673, C), intent=SELL, ratio=2),
                ),
                qty=1,
                limit=Decimal("0.60"),
            ),
            "ratios 2/2",
        ),
    ],
)
def test_a_malformed_order_is_refused_for_what_is_wrong(order: OrderIntent, why: str) -> None:
    assert why in breaches(order)["order_form"]


def test_an_uncovered_call_has_no_bound() -> None:
    found = breaches(make_intent((contract(673, C), SELL), limit="-0.93"))
    assert "no bound" in found["daily_loss"]
    assert found["options_buying_power"] == "no bound"


def test_an_order_that_cannot_make_money_is_refused() -> None:
    condor = replace(IronCondor(width=1).propose(VIEW).intent, limit=Decimal("0.01"))
    assert "max_profit" in breaches(condor)


# What is held, or may soon be


def test_no_leg_opens_against_what_is_held_or_works_in_its_contract() -> None:
    short = next(leg.contract for leg in CONDOR.legs if leg.contract == contract(673, Right.CALL))
    held = make_exposure(positions=(make_position(short, qty=-1),))
    pending = make_exposure(pending=(CONDOR,))
    for exposure in (held, pending):
        found = breaches(long_call(673), exposure=exposure)
        assert found["position_conflict"] == f"against {short.symbol}"
        assert "position_conflict" not in breaches(long_call(674), exposure=exposure)
        assert "position_conflict" not in breaches(CONDOR, exposure=exposure)  # the same way


def test_a_working_close_is_no_conflict() -> None:
    closing = make_intent((contract(673, Right.CALL), PositionIntent.SELL_TO_CLOSE), limit="-0.90")
    assert "position_conflict" not in breaches(
        long_call(673), exposure=make_exposure(pending=(closing,))
    )
