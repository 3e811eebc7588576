from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.contracts import Right
from common.errors import NoSuchContract, NotTriggered, QuoteUnusable
from common.orders import PositionIntent
from common.quotes import natural
from services.strategies.iron_condor import IronCondor
from tests.builders import at, make_chain, make_quote, make_view, requoted

VIEW = make_view()


def test_four_legs_of_one_expiry_shorts_near_thirty_delta_wings_a_width_beyond() -> None:
    intent = IronCondor(width=4).propose(VIEW).intent

    long_put, short_put, short_call, long_call = intent.legs
    assert [leg.intent for leg in intent.legs] == [
        PositionIntent.BUY_TO_OPEN,
        PositionIntent.SELL_TO_OPEN,
        PositionIntent.SELL_TO_OPEN,
        PositionIntent.BUY_TO_OPEN,
    ]
    assert {leg.contract.expiry for leg in intent.legs} == {VIEW.session.day}
    assert short_put.contract.strike - long_put.contract.strike == 4
    assert long_call.contract.strike - short_call.contract.strike == 4
    for short in (short_put, short_call):
        greeks = VIEW.chain.row(short.contract).greeks
        assert greeks is not None
        assert abs(abs(greeks.delta) - 0.30) < 0.05
    assert [leg.contract.right for leg in intent.legs] == [
        Right.PUT,
        Right.PUT,
        Right.CALL,
        Right.CALL,
    ]


def test_the_limit_is_the_natural_credit() -> None:
    intent = IronCondor(width=4).propose(VIEW).intent
    quotes = [
        (leg.signed_ratio, quote)
        for leg in intent.legs
        if (quote := VIEW.chain.row(leg.contract).quote) is not None
    ]
    assert intent.limit == natural(quotes) < 0


def test_facts_tell_strikes_achieved_deltas_and_credit_of_width() -> None:
    proposal = IronCondor(width=4).propose(VIEW)
    facts = dict(proposal.facts)
    strikes = [float(strike) for strike in facts["strikes"].split("/")]
    assert strikes == sorted(strikes)
    assert "wanted -0.30" in facts["short put delta"]
    assert "wanted +0.30" in facts["short call delta"]
    assert facts["credit of width"] == f"{-proposal.intent.limit / 4:.1%}"


def test_a_thin_credit_is_warned_of() -> None:
    assert any("below 25%" in warning for warning in IronCondor(width=10).propose(VIEW).warnings)
    assert not any("below 25%" in warning for warning in IronCondor(width=2).propose(VIEW).warnings)


def test_no_credit_no_condor() -> None:
    shorts = [leg.contract for leg in IronCondor(width=2).propose(VIEW).intent.legs[1:3]]
    worthless = requoted(
        VIEW.chain, {short: {"quote": make_quote("0.01", "0.02")} for short in shorts}
    )
    with pytest.raises(NotTriggered, match="brings no credit"):
        IronCondor(width=2).propose(replace(VIEW, chain=worthless))


def test_a_short_leg_nobody_bids_for_cannot_be_sold() -> None:
    short = IronCondor().propose(VIEW).intent.legs[1].contract
    chain = requoted(VIEW.chain, {short: {"quote": make_quote(0, "0.05"), "flag": "zero_bid"}})
    with pytest.raises(QuoteUnusable, match=short.symbol):
        IronCondor().propose(replace(VIEW, chain=chain))


def test_a_wing_that_is_not_listed_is_named() -> None:
    with pytest.raises(NoSuchContract, match="SPY261120"):
        IronCondor(width=50).propose(VIEW)


def test_minutes_before_the_close_coarse_strikes_are_refused_not_bent() -> None:
    now = at(15, 58)
    late = make_view(now=now, chain=make_chain(now=now))
    with pytest.raises((NoSuchContract, NotTriggered)):
        IronCondor(width=2).propose(late)


def test_alternatives_shrink_from_the_nearest_on() -> None:
    assert [terms for terms, _ in IronCondor(width=3, qty=2).propose(VIEW).alternatives(VIEW)] == [
        "width=3, contracts=1",
        "width=2, contracts=2",
        "width=1, contracts=2",
        "width=2, contracts=1",
        "width=1, contracts=1",
    ]
    assert list(IronCondor(width=1).propose(VIEW).alternatives(VIEW)) == []


def test_alternatives_the_market_does_not_allow_are_left_out() -> None:
    wing = IronCondor(width=2).propose(VIEW).intent.legs[0].contract
    chain = requoted(VIEW.chain, {wing: {"quote": None, "flag": "no_quote"}})
    view = replace(VIEW, chain=chain)
    assert [terms for terms, _ in IronCondor(width=3).propose(view).alternatives(view)] == [
        "width=1, contracts=1"
    ]


def test_a_wing_stands_apart_from_its_short_even_when_far() -> None:
    legs = IronCondor(width=8).propose(VIEW).intent.legs
    assert len({leg.contract for leg in legs}) == 4


@pytest.mark.parametrize("wrong", [{"width": 0}, {"qty": 0}, {"short_delta": 1.0}])
def test_parameters_that_are_no_condor_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a (condor|size)"):
        IronCondor(**wrong)


def test_it_is_pure() -> None:
    assert IronCondor(width=3).propose(VIEW) == IronCondor(width=3).propose(VIEW)
    later = replace(VIEW, now=VIEW.now + timedelta(minutes=1))
    assert IronCondor(width=3).propose(later).intent == IronCondor(width=3).propose(VIEW).intent


def test_shorts_on_one_strike_are_no_condor() -> None:
    with pytest.raises(NotTriggered, match="the 670 put would not lie below the 670 call"):
        IronCondor(short_delta=0.5, width=2).propose(VIEW)


def test_a_credit_below_the_floor_is_refused_with_the_numbers() -> None:
    credit = -IronCondor(width=4).propose(VIEW).intent.limit
    share = credit / 4
    with pytest.raises(NotTriggered, match=rf"brings {credit}, {share:.1%} of its width"):
        IronCondor(width=4, credit_min=share + Decimal("0.01")).propose(VIEW)
    assert IronCondor(width=4, credit_min=share).propose(VIEW).intent.limit == -credit


def test_each_side_stops_at_the_whole_credit_and_half_of_it_is_enough() -> None:
    exits = IronCondor(width=4).propose(VIEW).exits
    assert (str(exits.stop), str(exits.target), exits.per_side) == ("1x", "50%", True)
    said = IronCondor(width=4, stop="2x").propose(VIEW).exits
    assert (str(said.stop), str(said.target)) == ("2x", "50%")


def test_the_market_of_each_short_is_told_with_its_open_interest() -> None:
    short = IronCondor(width=4).propose(VIEW).intent.legs[1].contract
    chain = requoted(VIEW.chain, {short: {"open_interest": 1234}})
    facts = dict(IronCondor(width=4).propose(replace(VIEW, chain=chain)).facts)
    assert facts["short put market"].endswith("0.2 s old, open interest 1,234")
    assert facts["short call market"].endswith("open interest 1,500")
