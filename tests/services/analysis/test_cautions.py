"""Each danger is named once it is there, by its code, and not before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

from common.contracts import Right
from common.orders import OrderIntent, PositionIntent
from common.quotes import ExDividend, MarketView
from common.session import CutOffs, Session
from services.analysis.cautions import cautions
from services.strategies.iron_condor import IronCondor
from tests.builders import DAY, at, contract, make_intent, make_quote, make_view, requoted

VIEW = make_view()
CONDOR = IronCondor(width=4, short_delta=0.15).propose(VIEW).intent
SHORT_CALL = make_intent(
    (contract(670, Right.CALL), PositionIntent.SELL_TO_OPEN),
    (contract(675, Right.CALL), PositionIntent.BUY_TO_OPEN),
    limit="-1.20",
)


def codes(intent: OrderIntent, view: MarketView) -> list[str]:
    return [one.code for one in cautions(intent, view, CutOffs())]


def test_a_quiet_morning_has_nothing_to_beware_of() -> None:
    assert codes(CONDOR, VIEW) == []


def test_the_brokers_cut_off_is_named_when_it_is_near() -> None:
    assert "cut_off_near" in codes(CONDOR, make_view(now=at(15, 5)))
    assert "cut_off_near" not in codes(CONDOR, make_view(now=at(14, 55)))
    half = Session.regular(DAY, close=time(13))
    early = make_view(now=at(12, 10), session=half)
    assert {"cut_off_near", "half_day"} <= set(codes(CONDOR, early))


def test_a_wide_leg_is_named_and_a_nickel_is_not_wide() -> None:
    wing = CONDOR.legs[1].contract
    wide = requoted(VIEW.chain, {wing: {"quote": make_quote("0.40", "0.60")}})
    assert codes(CONDOR, replace(VIEW, chain=wide)) == ["wide_spread"]
    nickel = requoted(VIEW.chain, {wing: {"quote": make_quote("0.10", "0.15")}})
    assert codes(CONDOR, replace(VIEW, chain=nickel)) == []


def test_a_short_at_the_money_late_in_the_day_may_be_pinned_or_assigned() -> None:
    late = codes(SHORT_CALL, make_view(now=at(14, 30)))
    assert {"pin", "assignment"} <= set(late)
    assert "pin" not in codes(SHORT_CALL, VIEW)
    [told] = [one for one in cautions(SHORT_CALL, VIEW, CutOffs()) if one.code == "assignment"]
    assert "100 shares, $67,000" in told.text


def test_a_dividend_tomorrow_is_named_for_short_calls_alone() -> None:
    tomorrow = date(2026, 11, 23)
    paid = (ExDividend(ex_date=tomorrow, amount=Decimal("1.76")),)
    view = replace(VIEW, next_day=tomorrow, ex_dividends=paid)
    assert "ex_dividend_tomorrow" in codes(SHORT_CALL, view)
    later = replace(view, next_day=tomorrow - timedelta(days=1))
    assert "ex_dividend_tomorrow" not in codes(SHORT_CALL, later)
    puts = make_intent((contract(668, Right.PUT), PositionIntent.SELL_TO_OPEN), limit="-1.00")
    assert "ex_dividend_tomorrow" not in codes(puts, view)


def test_a_forward_that_is_a_guess_is_named() -> None:
    guessed = replace(VIEW, chain=replace(VIEW.chain, forward_source="spot"))
    assert codes(CONDOR, guessed) == ["forward_estimated"]
