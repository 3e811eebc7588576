from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import Right
from common.errors import TooLarge
from common.orders import OrderIntent, PositionIntent
from common.quotes import MarketView
from services.execution.pricing import Pricing
from services.portfolio.worst_case import order_worst_case
from services.strategies.iron_condor import IronCondor
from services.strategies.lotto import Lotto
from services.strategies.sizing import Size, SizeLimits, size_of
from services.strategies.vertical import Vertical
from tests.builders import DAY, at, contract, make_account, make_intent, make_view, requoted

VIEW = make_view()
CALL = make_intent((contract(672, Right.CALL), PositionIntent.BUY_TO_OPEN), limit="1.00")
ROOMY = SizeLimits(premium_max=Decimal(10**6), displayed_share=Decimal(1))
PRICING = Pricing(price_tolerance=Decimal("0.05"))


def sized(
    unit: OrderIntent = CALL,
    risk: int = 1_000,
    most: int = 100,
    limits: SizeLimits = ROOMY,
    power: int = 10**6,
    view: MarketView = VIEW,
) -> Size:
    account = make_account(options_buying_power=Decimal(power))
    return size_of(unit, Decimal(risk), most=most, view=view, account=account, limits=limits)


@pytest.mark.parametrize(
    ("arguments", "qty", "by"),
    [
        ({}, 9, "9 by the risk given ($1000.00 at $100.13 each)"),
        ({"limits": replace(ROOMY, premium_max=Decimal(350))}, 3, "the premium cap ($350.00"),
        ({"power": 250}, 2, "the buying power ($250.00"),
        ({"limits": replace(ROOMY, displayed_share=Decimal("0.1"))}, 5, "displayed (50 at 10%)"),
        ({"most": 4}, 4, "the contracts allowed"),
    ],
)
def test_the_least_bound_decides_and_says_so(arguments: dict[str, int], qty: int, by: str) -> None:
    found = sized(**arguments)  # type: ignore[arg-type]
    assert found.qty == qty
    facts = dict(found.facts)
    assert by in facts["size"]
    assert len(facts["size would be"].split("; ")) == 4


def test_one_contract_may_always_be_had_where_one_is_shown() -> None:
    thin = SizeLimits(premium_max=Decimal(10**6), displayed_share=Decimal("0.01"))
    assert sized(limits=thin).qty == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"risk": 100}, r"the risk given \(\$100\.00 at \$100\.1"),
        ({"power": 50}, "the buying power"),
        ({"limits": SizeLimits(premium_max=Decimal(99))}, "the premium cap"),
    ],
)
def test_when_not_one_fits_it_says_by_which_number(arguments: dict[str, int], why: str) -> None:
    with pytest.raises(TooLarge, match=f"not one unit fits {why}"):
        sized(**arguments)  # type: ignore[arg-type]


def test_a_touch_that_shows_nothing_takes_nothing() -> None:
    row = contract(672, Right.CALL)
    quote = VIEW.chain.row(row).quote
    assert quote is not None
    empty = requoted(VIEW.chain, {row: {"quote": replace(quote, ask_size=0)}})
    with pytest.raises(TooLarge, match="the size displayed"):
        sized(view=replace(VIEW, chain=empty))


def test_what_has_no_bound_cannot_be_sized() -> None:
    naked = make_intent((contract(672, Right.CALL), PositionIntent.SELL_TO_OPEN), limit="-1.00")
    with pytest.raises(TooLarge, match="no bound"):
        sized(naked)


@given(
    risk=st.integers(min_value=20, max_value=3_000),
    width=st.integers(min_value=1, max_value=5),
    trade=st.sampled_from(["condor", "credit", "debit"]),
)
def test_no_size_loses_more_than_the_risk_and_one_more_would_or_another_bound_held(
    risk: int, width: int, trade: str
) -> None:
    made: dict[str, IronCondor | Vertical] = {
        "condor": IronCondor(width=width),
        "credit": Vertical(credit=True, right=Right.PUT, width=width),
        "debit": Vertical(credit=False, right=Right.CALL, width=width),
    }
    wanted = replace(made[trade], qty=100, risk=Decimal(risk))
    account = make_account()
    unit = PRICING.intent(wanted.sized(1).propose(VIEW))
    try:
        proposal = PRICING.proposal(wanted, VIEW, account)
    except TooLarge:
        each = order_worst_case(unit, DAY)
        assert each is not None
        assert each > risk
        return
    worst = order_worst_case(PRICING.intent(proposal), DAY)
    assert worst is not None
    assert worst <= risk
    decides = dict(proposal.facts)["size"]
    if "the risk given" in decides:
        each = order_worst_case(unit, DAY)
        assert each is not None
        assert (proposal.intent.qty + 1) * each > risk


def test_a_lotto_never_costs_more_than_its_budget() -> None:
    view = make_view(now=at(15, 5))
    for budget in range(15, 200, 7):
        wanted = Lotto(right=Right.PUT, qty=100, risk=Decimal(budget))
        intent = PRICING.intent(PRICING.proposal(wanted, view, make_account()))
        worst = order_worst_case(intent, DAY)
        assert worst is not None
        assert intent.net_cost < worst <= budget


def test_without_a_risk_the_size_is_the_callers() -> None:
    proposal = PRICING.proposal(IronCondor(width=2, qty=7), VIEW, make_account())
    assert proposal.intent.qty == 7
    assert "size" not in dict(proposal.facts)


def test_a_size_found_offers_fewer_contracts_too() -> None:
    wanted = Vertical(credit=False, right=Right.CALL, qty=100, risk=Decimal(400), width=1)
    proposal = PRICING.proposal(wanted, VIEW, make_account())
    offered = list(PRICING.smaller(proposal, VIEW))
    assert [intent.qty for _, intent in offered] == list(range(proposal.intent.qty - 1, 0, -1))


def test_a_limit_given_is_neither_moved_nor_sized_away() -> None:
    wanted = Vertical(
        credit=True, right=Right.PUT, limit=Decimal("0.55"), qty=100, risk=Decimal(500)
    )
    intent = PRICING.intent(PRICING.proposal(wanted, VIEW, make_account()))
    assert intent.limit == Decimal("-0.55")
    free = PRICING.proposal(replace(wanted, limit=None), VIEW, make_account())
    assert PRICING.intent(free).limit > free.intent.limit  # less credit: room to fill


def test_a_size_shrinks_until_no_limit_is_broken_and_says_which_would_be() -> None:
    wanted = Vertical(credit=False, right=Right.CALL, qty=100, risk=Decimal(450), width=1)
    free = PRICING.proposal(wanted, VIEW, make_account())
    most = free.intent.qty
    assert most > 3
    for allowed in range(most):
        fitted = PRICING.proposal(
            wanted,
            VIEW,
            make_account(),
            lambda tried, most=allowed: ["delta"] if tried.intent.qty > most else [],  # type: ignore[misc]
        )
        if allowed == 0:  # risk is to refuse it, with every limit's numbers
            assert fitted == free
            continue
        assert fitted.intent.qty == allowed
        assert dict(fitted.facts)["size"] == f"{allowed} by risk's limits (delta)"
        assert dict(free.facts)["size"] in dict(fitted.facts)["size would be"]
