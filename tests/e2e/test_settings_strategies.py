"""Settings of the strategies: each changes what is proposed on one and the same market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from common.config import Settings, load_settings
from common.errors import NotTriggered, TooLarge
from services.runtime.terms import pricing
from tests.builders import SESSION, at, make_account, make_bars, make_view
from tests.e2e.changing import changes
from tools.wanted import asked, breakout, condor, lotto

BARS = make_bars([600.20, 601.20, *[600.70] * 13, 601.90])
BROKEN = make_view(now=SESSION.open.replace(minute=46, second=2), spot=601.90, bars=BARS)
MORNING, LATE = make_view(), make_view(now=at(15, 5))


def settings(**values: Any) -> Settings:
    return load_settings(_env_file=None, **values)


@changes("orb_last_entry", "orb_entries_max")
def test_the_breakouts_window_and_entries_are_the_configured() -> None:
    wanted = breakout(settings(), "call", 30, 15, asked(1))
    assert wanted.propose(BROKEN).entries_max == 1
    early = breakout(settings(orb_last_entry="09:46"), "call", 30, 15, asked(1))
    with pytest.raises(NotTriggered, match=r"entry window .* ended at 2026-11-20 09:46"):
        early.propose(BROKEN)
    often = breakout(settings(orb_entries_max=4), "call", 30, 15, asked(1))
    assert often.propose(BROKEN).entries_max == 4


@changes("condor_credit_min")
def test_a_condors_least_credit_is_the_configured_unless_the_call_says_one() -> None:
    assert condor(settings(), 4, 30, None, asked(1)).propose(MORNING).intent.limit < 0
    greedy = settings(condor_credit_min="0.9")
    with pytest.raises(NotTriggered, match="at least 90% is wanted"):
        condor(greedy, 4, 30, None, asked(1)).propose(MORNING)
    assert condor(greedy, 4, 30, 5, asked(1)).propose(MORNING).intent.limit < 0


@changes("lotto_opens", "lotto_premium_min", "lotto_budget")
def test_the_lottos_window_premium_and_budget_are_the_configured() -> None:
    account, plain = make_account(), settings()
    deal = pricing(plain).proposal(lotto(plain, "call", 5), LATE, account)
    assert deal.intent.qty >= 1
    later = settings(lotto_opens=50)
    with pytest.raises(NotTriggered, match="the window opens at 2026-11-20 15:10"):
        lotto(later, "call", 5).propose(LATE)
    dear = settings(lotto_premium_min="3")
    with pytest.raises(NotTriggered, match="less than the 3 "):
        lotto(dear, "call", 5).propose(LATE)
    rich = settings(lotto_budget=200)
    more = pricing(rich).proposal(lotto(rich, "call", 5), LATE, account)
    assert more.intent.qty > deal.intent.qty
    assert Decimal(50) >= deal.intent.net_cost > 0


@changes("premium_max", "displayed_share_max")
@pytest.mark.parametrize(
    ("changed", "bound"),
    [
        ({"premium_max": "120"}, "the premium cap ($120.00"),
        ({"displayed_share_max": "0.04"}, "the size displayed (50 at 4%)"),
    ],
)
def test_a_sized_order_is_bound_as_configured(changed: dict[str, str], bound: str) -> None:
    usual, tight = settings(), settings(**changed)
    wanted = lotto(usual, "call", 20, risk=400.0)
    account = make_account()
    free = pricing(usual).proposal(wanted, LATE, account)
    less = pricing(tight).proposal(wanted, LATE, account)
    assert less.intent.qty < free.intent.qty
    assert bound in dict(less.facts)["size"]


def test_a_budget_too_small_for_one_is_refused() -> None:
    poor = settings(lotto_budget=1)
    with pytest.raises(TooLarge, match=r"the risk given \(\$1\.00"):
        pricing(poor).proposal(lotto(poor, "call", 5), LATE, make_account())
