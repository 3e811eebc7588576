from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from common.contracts import Right
from common.errors import BadArgument, NoSuchContract, QuoteUnusable
from common.orders import PositionIntent
from services.strategies.single import Single
from tests.builders import contract, make_quote, make_view, requoted

VIEW = make_view()
STRIKE = contract(672, Right.CALL)
BUY = Single(buys=True, limit=Decimal("1.05"), contract=STRIKE)
SELL = replace(BUY, buys=False)


def test_a_buy_opens_at_the_callers_limit_and_a_sale_closes_at_it() -> None:
    bought, sold = BUY.propose(VIEW), SELL.propose(VIEW)
    assert [leg.intent for leg in bought.intent.legs] == [PositionIntent.BUY_TO_OPEN]
    assert [leg.intent for leg in sold.intent.legs] == [PositionIntent.SELL_TO_CLOSE]
    assert (bought.intent.limit, sold.intent.limit) == (Decimal("1.05"), Decimal("-1.05"))
    assert bought.limit_given
    assert sold.limit_given
    assert dict(bought.facts)["limit given"] == "1.05 a share, $105.00 a contract"
    assert bought.intent.net_cost == 105


@pytest.mark.parametrize(
    "named",
    [
        {"contract": STRIKE},
        {"right": Right.CALL, "strike": Decimal(672)},
    ],
)
def test_symbol_and_strike_name_the_same_contract(named: dict[str, Any]) -> None:
    wanted = Single(buys=True, limit=Decimal(1), **named)
    assert wanted.propose(VIEW).intent.legs[0].contract == STRIKE


def test_by_delta_it_tells_what_it_found_beside_its_neighbours() -> None:
    wanted = Single(buys=True, limit=Decimal(1), right=Right.PUT, delta=0.25)
    proposal = wanted.propose(VIEW)
    facts = dict(proposal.facts)
    assert "wanted -0.25" in facts["delta"]
    assert len(facts["strikes near"].split(",")) == 3
    assert facts["market"].endswith("open interest 1,500")


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"right": Right.CALL},
        {"strike": Decimal(670)},
        {"right": Right.CALL, "strike": Decimal(670), "delta": 0.3},
        {"contract": STRIKE, "right": Right.CALL},
        {"contract": STRIKE, "delta": 0.3},
    ],
)
def test_a_contract_named_twice_or_not_at_all_is_refused(named: dict[str, Any]) -> None:
    with pytest.raises(BadArgument, match="name the contract"):
        Single(buys=True, limit=Decimal(1), **named)


def test_another_days_contract_is_refused_with_its_day() -> None:
    gone = replace(STRIKE, expiry=date(2026, 11, 19))
    with pytest.raises(NoSuchContract, match="expired on 2026-11-19"):
        replace(BUY, contract=gone).propose(VIEW)
    with pytest.raises(NoSuchContract, match="expires on 2026-11-23"):
        replace(BUY, contract=replace(STRIKE, expiry=date(2026, 11, 23))).propose(VIEW)
    with pytest.raises(NoSuchContract, match="SPY261120C00900000"):
        replace(BUY, contract=contract(900, Right.CALL)).propose(VIEW)


@pytest.mark.parametrize("limit", ["1.055", "0.001"])
def test_a_limit_off_the_tick_is_refused(limit: str) -> None:
    with pytest.raises(BadArgument, match=r"not a multiple of the tick 0\.01"):
        replace(BUY, limit=Decimal(limit)).propose(VIEW)


@pytest.mark.parametrize("limit", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_price_is_refused(limit: str) -> None:
    with pytest.raises(BadArgument, match="is not a price"):
        replace(BUY, limit=Decimal(limit))


def test_it_says_where_the_limit_lies() -> None:
    quote = VIEW.chain.row(STRIKE).quote
    assert quote is not None
    below, above = quote.bid - Decimal("0.10"), quote.ask + Decimal("0.10")
    assert "may rest unfilled" in replace(BUY, limit=below).propose(VIEW).warnings[0]
    assert replace(BUY, limit=quote.ask).propose(VIEW).warnings == ()
    assert "may rest unfilled" in replace(SELL, limit=above).propose(VIEW).warnings[0]
    assert "0.10 below the bid" in replace(SELL, limit=below).propose(VIEW).warnings[0]
    assert replace(SELL, limit=quote.bid).propose(VIEW).warnings == ()


def test_what_nobody_bids_for_cannot_be_sold() -> None:
    view = replace(VIEW, chain=requoted(VIEW.chain, {STRIKE: {"quote": make_quote(0, "0.05")}}))
    with pytest.raises(QuoteUnusable):
        SELL.propose(view)


def test_a_buy_has_a_stop_and_a_sale_nothing_left_to_guard() -> None:
    assert str(BUY.propose(VIEW).exits.stop) == "50%"
    assert SELL.propose(VIEW).exits.stop is None
    assert str(replace(BUY, stop="SPY<668").propose(VIEW).exits.stop) == "SPY<668"
    with pytest.raises(BadArgument, match="stop: 'soon' is not an exit"):
        replace(BUY, stop="soon").propose(VIEW)
