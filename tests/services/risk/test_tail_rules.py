"""VaR and expected shortfall as limits: of held, pending and wanted together, or unknown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.contracts import Right
from common.limits import Halt
from services.analysis.book import order_legs
from services.analysis.var import HORIZON_MINUTES, book_risk
from services.risk.manager import RiskManager
from tests.builders import contract, make_exposure, make_position
from tests.services.risk.cases import CONDOR, FLAT, LIMITS, QUIET, RISK, VIEW, breaches, long_call

TEN = replace(CONDOR, qty=10)


def used(name: str, **given: object) -> Decimal:
    exposure = make_exposure(**given)
    limits = RISK.check(exposure, VIEW, Halt.ACTIVE, QUIET, CONDOR)
    [found] = [limit for limit in limits if limit.name == name]
    return Decimal(found.used.removeprefix("$"))


@pytest.mark.parametrize("name", ["var", "es"])
def test_the_limit_is_what_the_analysis_tells_of_the_order_and_all_that_is_held(name: str) -> None:
    alone = book_risk(order_legs(CONDOR), VIEW.chain, VIEW.moves, HORIZON_MINUTES)
    wanted = alone.var_99 if name == "var" else alone.es_975
    assert wanted is not None
    assert used(name) == pytest.approx(Decimal(wanted), abs=Decimal("0.01"))
    shorts = tuple(
        make_position(leg.contract, leg.signed_ratio * 5, entry="1.00", price="1.00")
        for leg in CONDOR.legs
    )
    six = book_risk(order_legs(replace(CONDOR, qty=6)), VIEW.chain, VIEW.moves, HORIZON_MINUTES)
    more = six.var_99 if name == "var" else six.es_975
    assert more is not None
    assert used(name, positions=shorts) == pytest.approx(Decimal(more), abs=Decimal("0.01"))


@pytest.mark.parametrize("name", ["var", "es"])
def test_pending_orders_count_when_they_make_it_worse_and_are_not_counted_on(name: str) -> None:
    alone = used(name)
    assert used(name, pending=(replace(CONDOR, qty=5),)) > alone
    opposite = make_position(contract(700, Right.CALL), 1)  # nothing to speak of
    hedge = replace(
        CONDOR, legs=tuple(CONDOR.closing(limit=CONDOR.limit, strategy="test").legs), qty=1
    )
    assert used(name, positions=(opposite,), pending=(hedge,)) >= alone - 1


def test_a_tail_past_its_bound_is_refused_and_shows_its_room() -> None:
    tight = RiskManager(replace(LIMITS, var_max=Decimal(30), es_max=Decimal(30)))
    refused = breaches(CONDOR, risk=tight)
    assert set(refused) <= {"var", "es"}
    assert refused
    wide = {limit.name: limit for limit in RISK.check(FLAT, VIEW, Halt.ACTIVE, QUIET, CONDOR)}
    for name in ("var", "es"):
        room = Decimal(wide[name].room.removeprefix("$"))
        assert room == 500 - Decimal(wide[name].used.removeprefix("$"))


def test_a_book_that_cannot_be_valued_is_refused() -> None:
    bare = replace(VIEW, chain=replace(VIEW.chain, strikes=(), total_vols=()))
    assert {"var", "es"} <= set(breaches(long_call(), view=bare))
    over = replace(VIEW, chain=replace(VIEW.chain, minutes=0.0))
    assert {"var", "es"} <= set(breaches(long_call(), view=over))


def test_a_flat_account_has_no_tail() -> None:
    limits = {limit.name: limit for limit in RISK.check(FLAT, VIEW, Halt.ACTIVE, QUIET)}
    assert (limits["var"].used, limits["es"].used) == ("$0.00", "$0.00")


def test_more_of_the_same_has_more_of_a_tail() -> None:
    roomy = RiskManager(replace(LIMITS, max_daily_loss=Decimal(100_000)))
    small, large = (
        {limit.name: limit for limit in roomy.check(FLAT, VIEW, Halt.ACTIVE, QUIET, order)}
        for order in (CONDOR, TEN)
    )
    for name in ("var", "es"):
        one, ten = (
            Decimal(shown[name].used.removeprefix("$").replace(",", "")) for shown in (small, large)
        )
        assert ten == pytest.approx(10 * one, rel=Decimal("0.01"))
