"""What is sold by hand leaves no short without its long."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.contracts import OptionContract, Right
from common.errors import LimitBreached
from common.orders import Approved, OrderIntent, PositionIntent
from common.portfolio import Position
from services.risk.cover import uncovered
from tests.builders import contract, make_intent, make_position
from tests.services.risk.cases import RISK

LONG, SHORT = contract(675, Right.CALL), contract(673, Right.CALL)


def sale(of: OptionContract = LONG, qty: int = 1) -> OrderIntent:
    return make_intent((of, PositionIntent.SELL_TO_CLOSE), limit="-0.50", qty=qty)


@pytest.mark.parametrize(
    ("held", "intent", "covered"),
    [
        ([(LONG, 1)], sale(), True),
        ([(LONG, 1), (SHORT, -1)], sale(), False),
        ([(LONG, 2), (SHORT, -1)], sale(), True),
        ([(LONG, 2), (SHORT, -1)], sale(qty=2), False),
        ([(LONG, 1), (contract(680, Right.CALL), 1), (SHORT, -1)], sale(), True),
        ([(LONG, 1), (contract(665, Right.PUT), -1), (contract(663, Right.PUT), 1)], sale(), True),
    ],
)
def test_a_long_is_sold_only_where_no_short_needs_it(
    held: list[tuple[OptionContract, int]], intent: OrderIntent, covered: bool
) -> None:
    positions = [make_position(which, qty) for which, qty in held]
    if covered:
        assert RISK.close_by_hand(intent, positions) == Approved(intent)
        return
    with pytest.raises(LimitBreached, match="cover: allowed a long call for each short one"):
        RISK.close_by_hand(intent, positions)
    assert RISK.close(intent, positions) == Approved(intent)  # what unwinds buys the short first


def test_a_long_that_is_being_sold_already_covers_nothing() -> None:
    claimed = replace(make_position(LONG, 2), qty_available=Decimal(1))
    assert uncovered(sale(), [claimed, make_position(SHORT, -1)])


def test_both_sides_of_a_spread_may_go_together() -> None:
    both = make_intent(
        (LONG, PositionIntent.SELL_TO_CLOSE), (SHORT, PositionIntent.BUY_TO_CLOSE), limit="0.60"
    )
    held: list[Position] = [make_position(LONG, 1), make_position(SHORT, -1)]
    assert RISK.close_by_hand(both, held) == Approved(both)


def test_more_than_is_held_is_refused_for_that_first() -> None:
    with pytest.raises(LimitBreached, match="reduce_only"):
        RISK.close_by_hand(sale(qty=2), [make_position(LONG, 1)])
