from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from common.contracts import Right
from common.errors import LimitBreached
from common.orders import Approved, OrderIntent, PositionIntent
from common.portfolio import Position
from services.risk.limits import RiskLimits
from services.risk.manager import RiskManager
from tests.builders import contract, make_intent, make_position

RISK = RiskManager(
    RiskLimits(
        max_daily_loss=Decimal("0.01"),
        delta_cap=0.001,
        quote_age_max=timedelta(microseconds=1),
        spread_max=Decimal("0.001"),
        no_entry_before_close=timedelta(hours=12),
        price_tolerance=Decimal("0.001"),
    )
)
CALL, WING = contract(673, Right.CALL), contract(677, Right.CALL)
BUY_BACK, SELL_OUT = PositionIntent.BUY_TO_CLOSE, PositionIntent.SELL_TO_CLOSE
HELD = (make_position(CALL, -2), make_position(WING, 2))


def spread(qty: int = 2) -> OrderIntent:
    return make_intent((CALL, BUY_BACK), (WING, SELL_OUT), limit="0.80", qty=qty)


@pytest.mark.parametrize("qty", [1, 2])
def test_closing_what_is_held_passes_whatever_the_limits_say(qty: int) -> None:
    assert RISK.close(spread(qty), HELD) == Approved(spread(qty))


@pytest.mark.parametrize(
    ("order", "held"),
    [
        (spread(3), HELD),  # more than is held
        (spread(0), HELD),
        (spread(-1), HELD),
        (spread(1), ()),  # nothing is held: a blind sell is a naked short
        (spread(1), (make_position(CALL, 2), make_position(WING, -2))),  # the other way round
        (make_intent((CALL, PositionIntent.BUY_TO_OPEN), limit="1"), HELD),
        (make_intent((CALL, SELL_OUT), limit="-1"), HELD),  # selling what is short
        (make_intent((WING, SELL_OUT), (WING, SELL_OUT), limit="-1", qty=2), HELD),
        (OrderIntent(strategy="t", legs=(), qty=1, limit=Decimal(1)), HELD),
    ],
)
def test_whatever_could_do_more_than_reduce_is_refused(
    order: OrderIntent, held: tuple[Position, ...]
) -> None:
    with pytest.raises(LimitBreached) as refused:
        RISK.close(order, held)
    assert {breach.limit for breach in refused.value.breaches} == {"reduce_only"}


def test_what_a_working_order_has_claimed_cannot_be_closed_twice() -> None:
    short, wing = HELD
    claimed = (replace(short, qty_available=Decimal(-1)), wing)
    assert RISK.close(spread(1), claimed) == Approved(spread(1))
    with pytest.raises(LimitBreached, match=f"allowed 1 of {CALL.symbol}, would be 2"):
        RISK.close(spread(2), claimed)
