from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import LimitBreached
from common.limits import Halt
from common.orders import OrderIntent
from services.analysis.impact import impact
from services.risk.manager import RiskManager
from services.strategies.iron_condor import IronCondor
from tests.builders import (
    at,
    contract,
    make_account,
    make_exposure,
    make_intent,
    requoted,
)
from tests.services.risk.cases import (
    CONDOR,
    FLAT,
    LIMITS,
    OPEN,
    QUIET,
    RISK,
    VIEW,
    breaches,
    long_call,
    with_rows,
)


def test_a_sound_order_is_approved() -> None:
    assert breaches(CONDOR) == {}
    assert breaches(long_call()) == {}


# The loss budget


def test_the_default_condor_is_refused_by_the_budget_with_the_width_that_fits() -> None:
    proposal = IronCondor().propose(VIEW)
    with pytest.raises(LimitBreached) as refused:
        RISK.approve(proposal.intent, FLAT, VIEW, Halt.ACTIVE, QUIET, proposal.alternatives(VIEW))

    assert "daily_loss: allowed $500.00, would be $8" in str(refused.value)
    assert refused.value.nearest is not None
    assert "width=6, contracts=1" in refused.value.nearest
    assert refused.value.remedy == refused.value.nearest
    assert breaches(IronCondor(width=6).propose(VIEW).intent) == {}
    assert set(breaches(IronCondor(width=7).propose(VIEW).intent)) == {"daily_loss"}


def test_when_nothing_smaller_passes_no_nearest_is_claimed() -> None:
    spent = make_exposure(session_pnl=Decimal(-499))
    proposal = IronCondor(width=3).propose(VIEW)
    with pytest.raises(LimitBreached) as refused:
        RISK.approve(proposal.intent, spent, VIEW, Halt.ACTIVE, QUIET, proposal.alternatives(VIEW))
    assert refused.value.nearest is None


@pytest.mark.parametrize(
    ("session_pnl", "refused"),
    [(-400, True), (-700, True), (0, False), (400, False), (-200, False)],
)
def test_the_sign_of_the_days_result_is_right(session_pnl: int, refused: bool) -> None:
    """The condor can lose $261.42: it fits $300 of room, not $100, and no day past its cap."""
    exposure = make_exposure(session_pnl=Decimal(session_pnl))
    assert ("daily_loss" in breaches(CONDOR, exposure=exposure)) is refused


def test_at_minus_480_any_trade_risking_more_than_20_is_refused() -> None:
    exposure = make_exposure(session_pnl=Decimal(-480))
    assert "daily_loss" in breaches(long_call(limit="0.96"), exposure=exposure)
    cheap = next(
        row
        for row in VIEW.chain.side(Right.CALL)
        if row.quote is not None and row.quote.two_sided and row.quote.ask <= Decimal("0.14")
    )
    assert cheap.quote is not None
    order = make_intent((cheap.contract, OPEN), limit=str(cheap.quote.ask))
    assert breaches(order, exposure=exposure) == {}


@given(profit=st.integers(0, 5000), at_risk=st.integers(0, 800), reserved=st.integers(0, 800))
def test_a_profit_never_reduces_the_room(profit: int, at_risk: int, reserved: int) -> None:
    book = {"at_risk": Decimal(at_risk), "reserved": Decimal(reserved)}
    flat, winning = (make_exposure(session_pnl=Decimal(pnl), **book) for pnl in (0, profit))
    left = flat.loss_budget_left(LIMITS.max_daily_loss)
    more = winning.loss_budget_left(LIMITS.max_daily_loss)
    assert left is not None
    assert more is not None
    assert left <= more <= LIMITS.max_daily_loss


@given(
    session_pnl=st.integers(-1200, 1200),
    at_risk=st.integers(0, 600),
    reserved=st.integers(0, 600),
    width=st.integers(1, 10),
    qty=st.integers(1, 4),
)
def test_nothing_passes_whose_worst_case_is_beyond_the_budget(
    session_pnl: int, at_risk: int, reserved: int, width: int, qty: int
) -> None:
    """Against brute force: the session's result over every price at expiry, plus the rest."""
    exposure = make_exposure(
        session_pnl=Decimal(session_pnl), at_risk=Decimal(at_risk), reserved=Decimal(reserved)
    )
    intent = IronCondor(width=width, qty=qty).propose(VIEW).intent
    worst = min(_pnl_at(intent, Decimal(spot)) for spot in range(0, 1400))
    before = min(Decimal(session_pnl - at_risk - reserved), Decimal(0))
    if "daily_loss" in breaches(intent, exposure=exposure):
        assert before + worst < -499  # a dollar of fees at most stands between the two
    else:
        assert before + worst >= -500


@given(
    session_pnl=st.none() | st.integers(-100, 100),
    at_risk=st.none() | st.integers(0, 10),
    delta=st.none() | st.floats(-10, 10),
)
def test_what_is_not_known_is_refused(
    session_pnl: int | None, at_risk: int | None, delta: float | None
) -> None:
    assume(None in (session_pnl, at_risk, delta))
    exposure = make_exposure(
        session_pnl=None if session_pnl is None else Decimal(session_pnl),
        at_risk=None if at_risk is None else Decimal(at_risk),
        delta=delta,
        unknown=("SPY261120C00600000 has no usable quote (stale)",),
    )
    found = breaches(long_call(), exposure=exposure)
    assert ("daily_loss" in found) is (session_pnl is None or at_risk is None)
    assert ("delta" in found) is (delta is None)
    assert all("has no usable quote (stale)" in text for text in found.values())


def test_what_is_open_and_pending_counts_against_the_budget() -> None:
    assert breaches(CONDOR, exposure=make_exposure(at_risk=Decimal(200))) == {}
    assert "daily_loss" in breaches(CONDOR, exposure=make_exposure(at_risk=Decimal(300)))
    assert "daily_loss" in breaches(CONDOR, exposure=make_exposure(reserved=Decimal(300)))


def test_a_session_past_its_cap_takes_not_even_an_order_that_cannot_lose() -> None:
    sure = replace(CONDOR, limit=Decimal("-4.50"))  # more credit than the width of 4
    assert breaches(sure) == {}
    assert "daily_loss" in breaches(sure, exposure=make_exposure(session_pnl=Decimal(-500)))


# Delta


def test_the_delta_cap_holds_on_the_resulting_portfolio() -> None:
    order = long_call()  # about +29
    assert breaches(order, exposure=make_exposure(delta=20.0)) == {}
    assert set(breaches(order, exposure=make_exposure(delta=22.0))) == {"delta"}
    assert breaches(order, exposure=make_exposure(delta=-70.0)) == {}
    assert set(breaches(order, exposure=make_exposure(delta=-80.0))) == {"delta"}


def test_pending_orders_count_whichever_of_them_fills() -> None:
    order = long_call()
    assert breaches(order, exposure=make_exposure(pending_delta=(-20.0, 20.0))) == {}
    assert "delta" in breaches(order, exposure=make_exposure(pending_delta=(-20.0, 22.0)))
    assert "delta" in breaches(order, exposure=make_exposure(pending_delta=(-80.0, 0.0)))


def test_a_leg_without_greeks_and_without_a_smile_is_an_unknown_delta() -> None:
    wanted = contract(673, Right.CALL)
    chain = requoted(VIEW.chain, {wanted: {"greeks": None}})
    assert breaches(long_call(), view=replace(VIEW, chain=chain)) == {}
    bare = replace(chain, strikes=(), total_vols=())
    assert "unknown" in breaches(long_call(), view=replace(VIEW, chain=bare))["delta"]


def test_every_breach_is_reported_at_once() -> None:
    exposure = make_exposure(
        account=make_account(blocked="account_blocked", options_buying_power=Decimal(0)),
        session_pnl=Decimal(-500),
        delta=None,
        unknown=("no greeks",),
    )
    wing = CONDOR.legs[0].contract
    view = replace(with_rows({wing: {"age": timedelta(minutes=1)}}), now=at(15, 45))
    with pytest.raises(LimitBreached) as refused:
        RISK.approve(CONDOR, exposure, view, Halt.HALTED, QUIET)
    assert {breach.limit for breach in refused.value.breaches} == {
        "halt",
        "account",
        "session",
        "daily_loss",
        "delta",
        "options_buying_power",
        "quote_age",
    }
    assert all(breach.remedy for breach in refused.value.breaches)


# Without an order


def test_a_check_without_an_order_tells_value_used_and_room() -> None:
    exposure = make_exposure(session_pnl=Decimal(-120), at_risk=Decimal(80), delta=12.5)
    limits = {limit.name: limit for limit in RISK.check(exposure, VIEW, Halt.ACTIVE, QUIET)}
    assert limits["daily_loss"].value == "$500.00"
    assert limits["daily_loss"].used == "$200.00"
    assert limits["daily_loss"].room == "$300.00"
    assert limits["delta"].used == "+12.5 shares"
    assert limits["delta"].room == "37.5 shares"
    assert limits["session"].room == "315 min"
    assert all(limit.ok for limit in limits.values())
    assert "tick" not in limits


def test_a_check_with_an_order_shows_what_approve_would_decide() -> None:
    limits = RISK.check(FLAT, VIEW, Halt.ACTIVE, QUIET, IronCondor(width=7).propose(VIEW).intent)
    refused = [limit.name for limit in limits if not limit.ok]
    assert refused == ["daily_loss", "trade_risk", "strategy_risk"]  # two follow it unless set
    assert all(limit.ok for limit in RISK.check(FLAT, VIEW, Halt.ACTIVE, QUIET, CONDOR))


def test_what_passes_brings_the_limits_a_check_shows_and_the_tail_an_impact_has() -> None:
    passed = RISK.approve(CONDOR, FLAT, VIEW, Halt.ACTIVE, QUIET)
    assert passed.limits == RISK.check(FLAT, VIEW, Halt.ACTIVE, QUIET, CONDOR)
    assert passed.tail is not None
    after = impact(CONDOR, FLAT, VIEW, Decimal(0)).after
    assert (passed.tail.var_99, passed.tail.es_975) == (after.var_99, after.es_975)


@pytest.mark.parametrize(
    ("changed", "limit"),
    [
        ({"max_daily_loss": Decimal(200)}, "daily_loss"),
        ({"delta_cap": 1.0, "sigma_delta_cap": 100.0}, "delta"),
        ({"quote_age_max": timedelta(seconds=0.1)}, "quote_age"),
        ({"spread_max": Decimal("0.001")}, None),
        ({"no_entry_before_close": timedelta(hours=6)}, "session"),
        ({"contracts_max": 0}, "qty"),
    ],
)
def test_changing_a_limit_changes_what_passes(
    changed: dict[str, object], limit: str | None
) -> None:
    risk = RiskManager(replace(LIMITS, **changed))  # type: ignore[arg-type]
    assert set(breaches(CONDOR, risk=risk)) == ({limit} if limit else set())


def test_a_tighter_spread_limit_refuses_a_dear_leg() -> None:
    dear = long_call(strike=655, limit="15.19")  # 31 cents wide
    exposure = make_exposure(delta=-60.0)
    wide = replace(LIMITS, max_daily_loss=Decimal(5000))
    assert breaches(dear, exposure=exposure, risk=RiskManager(wide)) == {}
    tight = RiskManager(replace(wide, spread_max=Decimal("0.01")))
    assert set(breaches(dear, exposure=exposure, risk=tight)) == {"spread"}


def _pnl_at(intent: OrderIntent, spot: Decimal) -> Decimal:
    worth = sum(
        (leg.signed_ratio * leg.contract.intrinsic(spot) for leg in intent.legs), Decimal(0)
    )
    return (worth - intent.limit) * 100 * intent.qty
