from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import BadArgument, NoSuchContract, QuoteUnusable
from common.exits import ExitTerms, parse_exit
from common.ids import OrderId
from common.orders import Leg, PositionIntent
from services.strategies.base import natural_limit
from services.strategies.custom import MARKETABLE, WITHOUT_A_MARKET, Custom
from services.strategies.revision import Revision
from tests.builders import contract, make_quote, make_view, requoted

VIEW = make_view()


def leg(strike: int, right: Right, intent: PositionIntent, ratio: int = 1) -> Leg:
    return Leg(contract=contract(strike, right), intent=intent, ratio=ratio)


BOUGHT = leg(674, Right.CALL, PositionIntent.BUY_TO_OPEN)
SOLD = leg(672, Right.CALL, PositionIntent.SELL_TO_OPEN)
SPREAD = Custom(legs=(BOUGHT, SOLD))
CLOSE = Custom(legs=(leg(672, Right.CALL, PositionIntent.SELL_TO_CLOSE),), qty=3)


def test_without_a_limit_it_is_natural_and_says_that_it_is_no_market_order() -> None:
    found = SPREAD.propose(VIEW)
    assert found.intent.limit == natural_limit(SPREAD.legs, VIEW) < 0
    assert not found.limit_given
    assert dict(found.facts)["order type"] == MARKETABLE
    assert found.exits == ExitTerms(stop=parse_exit("2x"), target=parse_exit("50%"))
    assert replace(SPREAD, legs=(BOUGHT,)).propose(VIEW).exits == ExitTerms(stop=parse_exit("50%"))


def test_what_closes_has_no_exits_and_no_smaller_version() -> None:
    found = CLOSE.propose(VIEW)
    assert (CLOSE.closes, CLOSE.name, SPREAD.name) == (True, "close_position", "option_order")
    assert (found.exits, found.narrower) == (ExitTerms(), ())
    assert found.intent.limit < 0


def test_a_limit_better_than_the_market_is_said_to_rest() -> None:
    natural = natural_limit(SPREAD.legs, VIEW)
    patient = replace(SPREAD, limit=natural - Decimal("0.10")).propose(VIEW)
    assert patient.limit_given
    assert any("may rest unfilled" in told for told in patient.warnings)
    assert not any(
        "may rest" in told for told in replace(SPREAD, limit=natural).propose(VIEW).warnings
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"legs": ()}, "1 to 4, not 0"),
        ({"legs": (BOUGHT,) * 2}, "stands in two"),
        ({"legs": (BOUGHT, *CLOSE.legs)}, "some open and some close"),
        ({"limit": Decimal("0.123")}, "not a multiple"),
        ({"legs": (BOUGHT,), "limit": Decimal(-1)}, "no price to trade at"),
        ({"legs": CLOSE.legs, "limit": Decimal(1)}, "no price to trade at"),
        ({"legs": (BOUGHT,), "limit": Decimal(0)}, "no price to trade at"),
        ({"limit": Decimal("nan")}, "not a multiple"),
    ],
)
def test_what_is_no_order_is_refused_in_words(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(BadArgument, match=why):
        replace(SPREAD, **wrong)


def test_a_contract_of_another_day_is_not_traded() -> None:
    other = Leg(contract=replace(BOUGHT.contract, strike=Decimal(9999)), intent=BOUGHT.intent)
    with pytest.raises(NoSuchContract):
        Custom(legs=(other,)).propose(VIEW)


def test_what_nobody_bids_for_names_the_tool_that_can_sell_it() -> None:
    gone = {CLOSE.legs[0].contract: {"quote": make_quote(0, "0.01")}}
    worthless = replace(VIEW, chain=requoted(VIEW.chain, gone))
    with pytest.raises(QuoteUnusable) as told:
        CLOSE.propose(worthless)
    assert told.value.remedy == WITHOUT_A_MARKET
    with pytest.raises(QuoteUnusable) as told:
        replace(SPREAD, legs=(BOUGHT, SOLD)).propose(worthless)
    assert told.value.remedy == QuoteUnusable.remedy


@given(qty=st.integers(1, 50))
def test_smaller_versions_count_down_to_one(qty: int) -> None:
    narrower = replace(SPREAD, qty=qty).propose(VIEW).narrower
    assert [one.qty for one in narrower] == list(range(qty - 1, 0, -1))
    assert all(one.terms == f"quantity={one.qty}" for one in narrower)


def test_a_revision_keeps_the_strategy_and_the_guard_of_what_it_replaces() -> None:
    guard = ExitTerms(stop=parse_exit("$150"))
    revised = Revision(
        legs=SPREAD.legs,
        qty=2,
        limit=Decimal("-0.40"),
        order=OrderId("an-order"),
        of="iron_condor",
        standing=(1, Decimal("-0.45")),
        guard=guard,
    )
    found = revised.propose(VIEW)
    assert (revised.name, revised.replaces, SPREAD.replaces) == ("iron_condor", "an-order", None)
    assert (found.intent.strategy, found.exits, found.limit_given) == ("iron_condor", guard, True)
    assert found.facts[0] == ("takes the place of", "1 at -0.45 net a share")
    assert [one.replaces for one in found.narrower] == ["an-order"]
