from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import NoSuchContract
from common.orders import OrderIntent, PositionIntent
from services.risk.analysis import analyse, mid_of
from services.strategies.iron_condor import IronCondor
from tests.builders import contract, make_intent, make_quote, make_view, requoted

VIEW = make_view()
CONDOR = IronCondor(width=4).propose(VIEW).intent


def profit_at(intent: OrderIntent, spot: Decimal, fees: Decimal) -> Decimal:
    worth = sum(
        (leg.signed_ratio * leg.contract.intrinsic(spot) for leg in intent.legs), Decimal(0)
    )
    return (worth - intent.limit) * 100 * intent.qty - fees


@given(width=st.integers(1, 10), qty=st.integers(1, 5))
def test_the_extremes_are_those_of_every_price_at_expiry(width: int, qty: int) -> None:
    intent = IronCondor(width=width, qty=qty).propose(VIEW).intent
    trade = analyse(intent, VIEW)
    ends = [profit_at(intent, Decimal(cents) / 2, trade.fees) for cents in range(2 * 1340)]
    assert trade.max_loss == -min(ends)
    assert trade.max_profit == max(ends)
    assert trade.margin == width * 100 * qty
    assert trade.cost == trade.max_loss  # a credit spread costs what it can lose


def test_at_the_breakevens_nothing_is_made_or_lost() -> None:
    trade = analyse(CONDOR, VIEW)
    low, high = trade.breakevens
    assert low < VIEW.chain.spot < high
    for spot in (low, high):
        assert abs(profit_at(CONDOR, spot, trade.fees)) <= Decimal("0.50")  # half a cent a share


def test_mid_natural_and_what_the_limit_gives_up() -> None:
    trade = analyse(CONDOR, VIEW)
    assert trade.natural == CONDOR.limit
    assert trade.mid is not None
    assert trade.mid < CONDOR.limit
    assert trade.slippage == (CONDOR.limit - trade.mid) * 100
    assert "natural price" in trade.limit_why
    better = analyse(replace(CONDOR, limit=CONDOR.limit - Decimal("0.02")), VIEW)
    assert "0.020 better than the natural price" in better.limit_why


def test_fees_are_estimated_from_the_dated_table_each_kind_rounded_up() -> None:
    trade = analyse(CONDOR, VIEW)
    # 4 contracts: OCC 0.08, ORF 0.1074 -> 0.11, TAF of 2 sold 0.00558 -> 0.01, CAT -> 0.01
    assert trade.entry_fees == Decimal("0.21")
    assert trade.fees == Decimal("0.42")


def test_odds_come_from_the_smile_and_hang_together() -> None:
    found = analyse(CONDOR, VIEW).outcome
    assert found is not None
    odds = found.odds
    assert 0.4 < odds.profit < 0.8
    assert odds.max_profit < odds.profit < 1 - odds.max_loss
    assert odds.after_fees < odds.expected_value < 0  # what crossing the spread costs


def test_the_orders_greeks_are_the_sum_of_its_legs() -> None:
    trade = analyse(replace(CONDOR, qty=3), VIEW)
    assert trade.sensitivity is not None
    legs = [
        (leg.leg.signed_ratio * 300, leg.greeks) for leg in trade.legs if leg.greeks is not None
    ]
    assert len(legs) == 4
    for name in ("delta", "gamma", "theta", "vega"):
        total = sum(size * getattr(greeks, name) for size, greeks in legs)
        assert getattr(trade.sensitivity, name) == pytest.approx(total, abs=1e-9)
    assert trade.sensitivity.theta > 0 > trade.sensitivity.gamma
    assert trade.sensitivity.delta_dollars == pytest.approx(trade.sensitivity.delta * 670)


def test_a_long_call_has_unlimited_profit_and_loses_its_price_and_fees() -> None:
    intent = make_intent((contract(673, Right.CALL), PositionIntent.BUY_TO_OPEN), limit="0.96")
    trade = analyse(intent, VIEW)
    assert trade.max_profit is None
    assert trade.max_loss == Decimal(96) + trade.fees
    assert trade.margin == 0
    [breakeven] = trade.breakevens
    assert breakeven == pytest.approx(Decimal("673.96"), abs=Decimal("0.01"))


def test_what_cannot_be_known_is_none_with_its_reason() -> None:
    wing = CONDOR.legs[0].contract
    chain = requoted(VIEW.chain, {wing: {"quote": make_quote(0, "0.05"), "greeks": None}})
    trade = analyse(CONDOR, replace(VIEW, chain=chain))
    assert trade.natural is None
    assert trade.mid is None
    assert trade.slippage is None
    assert trade.sensitivity is not None  # the wing is priced on the smile, and marked
    assert trade.legs[0].estimated

    blind = replace(chain, strikes=(), total_vols=())
    trade = analyse(CONDOR, replace(VIEW, chain=blind))
    assert trade.sensitivity is None
    assert trade.outcome is None
    assert trade.ladder is None
    assert any(wing.symbol in reason for reason in trade.unknown)
    assert any("smile" in reason for reason in trade.unknown)


def test_a_contract_that_is_not_listed_is_named() -> None:
    with pytest.raises(NoSuchContract, match="SPY261120C00900000"):
        analyse(
            make_intent((contract(900, Right.CALL), PositionIntent.BUY_TO_OPEN), limit="0.05"),
            VIEW,
        )


def test_no_number_of_a_sound_preview_is_nan() -> None:
    found = analyse(CONDOR, VIEW).outcome
    assert found is not None
    odds = found.odds
    assert all(
        isfinite(getattr(odds, name))
        for name in ("profit", "max_profit", "max_loss", "expected_value", "after_fees")
    )


def test_a_limit_beyond_natural_says_what_the_room_is_for() -> None:
    trade = analyse(replace(CONDOR, limit=CONDOR.limit + Decimal("0.10")), VIEW)
    assert "0.100 beyond the natural price" in trade.limit_why
    assert "room for the market to move" in trade.limit_why
    assert trade.slippage == Decimal(15)


def test_a_callers_own_limit_is_called_theirs_and_nobodys_room() -> None:
    for change, words in (
        ("0.10", "your own, 0.100 a share worse than the natural price"),
        ("-0.02", "your own, 0.020 better than the natural price"),
    ):
        order = replace(CONDOR, limit=CONDOR.limit + Decimal(change))
        why = analyse(order, VIEW, limit_given=True).limit_why
        assert why.startswith(words)
        assert "room" not in why


def test_the_mid_alone_is_the_analysis_mid() -> None:
    assert mid_of(CONDOR, VIEW) == analyse(CONDOR, VIEW).mid
