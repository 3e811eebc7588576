from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import BadArgument, NoSuchContract, NotTriggered
from common.orders import PositionIntent
from common.quotes import natural
from services.portfolio.worst_case import order_payoff
from services.strategies.vertical import Vertical
from tests.builders import contract, make_quote, make_view, requoted

VIEW = make_view()
KINDS = [(credit, right) for credit in (True, False) for right in Right]


@pytest.mark.parametrize(("credit", "right"), KINDS)
def test_the_nearer_leg_is_nearest_delta_and_the_other_a_width_further_out(
    credit: bool, right: Right
) -> None:
    intent = Vertical(credit=credit, right=right, delta=0.30, width=3).propose(VIEW).intent

    bought, sold = intent.legs
    assert bought.intent is PositionIntent.BUY_TO_OPEN
    assert sold.intent is PositionIntent.SELL_TO_OPEN
    near, far = (sold, bought) if credit else (bought, sold)
    outward = 1 if right is Right.CALL else -1
    assert (far.contract.strike - near.contract.strike) * outward == 3
    greeks = VIEW.chain.row(near.contract).greeks
    assert greeks is not None
    assert abs(abs(greeks.delta) - 0.30) < 0.05
    assert {leg.contract.expiry for leg in intent.legs} == {VIEW.session.day}
    assert (intent.limit < 0) is credit


@given(
    credit=st.booleans(),
    right=st.sampled_from(list(Right)),
    delta=st.floats(min_value=0.15, max_value=0.6),
    width=st.integers(min_value=1, max_value=5),
    qty=st.integers(min_value=1, max_value=5),
)
def test_what_it_can_lose_is_what_every_price_at_expiry_says(
    credit: bool, right: Right, delta: float, width: int, qty: int
) -> None:
    spread = Vertical(credit=credit, right=right, delta=delta, width=width, qty=qty)
    intent = spread.propose(VIEW).intent
    quotes = [(leg.signed_ratio, VIEW.chain.row(leg.contract).quote) for leg in intent.legs]
    assert intent.limit == natural((ratio, quote) for ratio, quote in quotes if quote is not None)

    results = [
        100
        * qty
        * (
            sum(
                leg.signed_ratio * leg.contract.intrinsic(Decimal(cents) / 4) for leg in intent.legs
            )
            - intent.limit
        )
        for cents in range(4 * 630, 4 * 710)
    ]
    payoff = order_payoff(intent)
    assert (payoff.worst, payoff.best) == (min(results), max(results))
    price = abs(intent.limit)
    loss = Decimal(width) - price if credit else price
    assert payoff.max_loss == loss * 100 * qty


@pytest.mark.parametrize(
    ("credit", "right", "sold", "bought"),
    [
        (True, Right.CALL, 675, 673),
        (True, Right.PUT, 665, 667),
        (False, Right.CALL, 671, 673),
        (False, Right.PUT, 669, 667),
        (True, Right.CALL, 673, 673),
    ],
)
def test_inverted_legs_are_refused(credit: bool, right: Right, sold: int, bought: int) -> None:
    with pytest.raises(BadArgument, match="inverted legs"):
        Vertical(credit=credit, right=right, sold=Decimal(sold), bought=Decimal(bought))


def test_strikes_named_are_the_strikes_traded() -> None:
    spread = Vertical(credit=True, right=Right.PUT, sold=Decimal(667), bought=Decimal(664))
    proposal = spread.propose(VIEW)
    assert [leg.contract for leg in proposal.intent.legs] == [
        contract(664, Right.PUT),
        contract(667, Right.PUT),
    ]
    assert dict(proposal.facts)["strikes"] == "sold 667, bought 664"
    with pytest.raises(NoSuchContract, match="SPY261120P00400000"):
        replace(spread, bought=Decimal(400)).propose(VIEW)


def test_one_strike_alone_is_half_an_order() -> None:
    with pytest.raises(BadArgument, match="go together"):
        Vertical(credit=True, right=Right.PUT, sold=Decimal(667))


def test_the_callers_limit_is_kept_and_signed() -> None:
    for credit, sign in ((True, -1), (False, 1)):
        proposal = Vertical(credit=credit, right=Right.CALL, limit=Decimal("0.45")).propose(VIEW)
        assert proposal.limit_given
        assert proposal.intent.limit == sign * Decimal("0.45")
        assert dict(proposal.facts)["limit given"] == "0.45 a share"
    assert not Vertical(credit=True, right=Right.CALL).propose(VIEW).limit_given
    for wrong in ("0", "-1", "0.455", "NaN"):
        with pytest.raises(BadArgument, match="limit"):
            Vertical(credit=True, right=Right.CALL, limit=Decimal(wrong))


def test_no_credit_no_spread() -> None:
    sold = Vertical(credit=True, right=Right.CALL).propose(VIEW).intent.legs[1].contract
    poor = requoted(VIEW.chain, {sold: {"quote": make_quote("0.01", "0.02")}})
    with pytest.raises(NotTriggered, match="brings no credit"):
        Vertical(credit=True, right=Right.CALL).propose(replace(VIEW, chain=poor))


def test_narrower_versions_shrink_only_what_the_caller_left_open() -> None:
    free = Vertical(credit=True, right=Right.PUT, width=3, qty=2)
    assert [terms for terms, _ in free.propose(VIEW).alternatives(VIEW)] == [
        "width=3, contracts=1",
        "width=2, contracts=2",
        "width=1, contracts=2",
        "width=2, contracts=1",
        "width=1, contracts=1",
    ]
    priced = replace(free, limit=Decimal("0.30"))
    assert [terms for terms, _ in priced.propose(VIEW).alternatives(VIEW)] == [
        "width=3, contracts=1"
    ]


def test_exits_by_kind_and_the_callers_in_their_place() -> None:
    credit = Vertical(credit=True, right=Right.PUT)
    assert (str(credit.propose(VIEW).exits.stop), str(credit.propose(VIEW).exits.target)) == (
        "2x",
        "50%",
    )
    said = replace(credit, stop="$80", target="none").propose(VIEW).exits
    assert (str(said.stop), said.target) == ("$80", None)
    assert str(replace(credit, credit=False).propose(VIEW).exits.stop) == "50%"
