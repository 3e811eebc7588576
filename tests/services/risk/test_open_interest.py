"""Nothing is opened where nobody had a position the day before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.contracts import OptionContract, Right
from services.risk.manager import RiskManager
from tests.builders import contract
from tests.services.risk.cases import CONDOR, LIMITS, breaches, long_call, with_rows

CALL = contract(673, Right.CALL)


@pytest.mark.parametrize(("count", "passes"), [(10, True), (9, False), (0, False), (None, False)])
def test_a_contract_with_too_little_open_or_untold_is_not_opened(
    count: int | None, passes: bool
) -> None:
    found = breaches(long_call(), view=with_rows({CALL: {"open_interest": count}}))
    assert ("open_interest" not in found) is passes
    if not passes:
        told = "unknown" if count is None else str(count)
        assert found["open_interest"] == f"{CALL.symbol} {told}"


def test_each_leg_counts_and_each_thin_one_is_named() -> None:
    thin = [leg.contract for leg in CONDOR.legs[::3]]
    rows: dict[OptionContract, dict[str, Any]] = {one: {"open_interest": 3} for one in thin}
    found = breaches(CONDOR, view=with_rows(rows))
    assert all(f"{one.symbol} 3" in found["open_interest"] for one in thin)
    assert CONDOR.legs[1].contract.symbol not in found["open_interest"]


def test_zero_switches_it_off() -> None:
    free = RiskManager(replace(LIMITS, open_interest_min=0))
    view = with_rows({CALL: {"open_interest": None}})
    assert "open_interest" not in breaches(long_call(), view=view, risk=free)
