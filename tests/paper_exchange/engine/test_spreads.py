"""Several legs: filled together, margined by what they can lose."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.orders import Side
from paper_exchange.engine.commands import (
    CancelOrder,
    MatchOrder,
)
from paper_exchange.engine.events import (
    OrderFilled,
)
from paper_exchange.engine.figures import account_figures
from paper_exchange.engine.market import Rules
from paper_exchange.engine.orders import OrderState, Status
from tests.paper_exchange.builders import FOLLOWING, Trader, occ

CALL, HIGHER, WING, WORTHLESS = occ(600), occ(605), occ(610), occ(620)
PUT, LOWER, LOWEST = occ(600, "P"), occ(595, "P"), occ(590, "P")
CONDOR = ((HIGHER, -1), (WING, 1), (LOWER, -1), (LOWEST, 1))
FREE = Rules(fees=False)


def _match(trader: Trader, order: OrderState) -> OrderState:
    trader.do(MatchOrder(order_id=order.id))
    return trader.state.orders[order.id]


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, "200.09"), (Side.SELL, "200.01")])
def test_a_limit_inside_the_spread_rests_until_the_touch_comes(side: Side, limit: str) -> None:
    trader = Trader()
    order = trader.submit(trader.simple("AAPL", side, 3, limit))
    assert order.status is Status.NEW
    assert _match(trader, order).status is Status.NEW
    trader.quote("AAPL", "200.05", "200.05")
    filled = _match(trader, order)
    assert filled.status is Status.FILLED
    assert filled.filled_avg_price == Decimal("200.05")


def test_a_condor_fills_whole_at_its_natural_price() -> None:
    trader = Trader(rules=FREE)
    natural = Decimal("-1.00") + Decimal("0.32") - Decimal("1.20") + Decimal("0.52")
    order = trader.submit(trader.spread(*CONDOR, qty=2, limit="-1.00"))
    assert order.status is Status.FILLED
    assert order.filled_avg_price == natural == Decimal("-1.36")
    assert [leg.filled_avg_price for leg in order.legs] == [
        Decimal("1.00"), Decimal("0.32"), Decimal("1.20"), Decimal("0.52"),
    ]  # fmt: skip
    assert [leg.filled_qty for leg in order.legs] == [2, 2, 2, 2]
    assert trader.state.cash == 100_000 + 272
    figures = account_figures(trader.state, trader.market)
    assert figures.initial_margin == 1000  # one wing of $5, two units
    assert figures.options_buying_power == 100_000 + 272 - 1000


def test_a_spread_never_fills_beyond_its_limit() -> None:
    trader = Trader()
    order = trader.submit(trader.spread(*CONDOR, limit="-1.37"))
    assert order.status is Status.NEW
    assert order.hold == 500 - 137 + Decimal("0.21")
    assert not trader.state.positions
    trader.quote(HIGHER, "1.01", "1.05")
    assert _match(trader, order).filled_avg_price == Decimal("-1.37")


def test_the_legs_of_an_order_are_orders_of_their_own() -> None:
    trader = Trader()
    order = trader.submit(trader.spread((CALL, 1), (HIGHER, -2), (WING, 1), limit="5.00"))
    assert len({order.id, *(leg.id for leg in order.legs)}) == 4
    assert [leg.qty for leg in order.legs] == [1, 2, 1]
    assert order.symbol == ""
    assert order.side is None
    event = trader.events[-1]
    assert isinstance(event, OrderFilled)
    assert [fill.order_id for fill in event.fills] == [leg.id for leg in order.legs]
    assert [fill.position_qty for fill in event.fills] == [1, -2, 1]
    assert len({fill.execution_id for fill in event.fills}) == 3


def test_a_condor_with_a_worthless_wing_closes_in_one_order() -> None:
    trader = Trader()
    trader.submit(trader.spread((WING, -1), (WORTHLESS, 1)))
    closed = trader.submit(trader.spread((WING, 1), (WORTHLESS, -1), limit="0.32"))
    assert closed.filled_avg_price == Decimal("0.32")
    assert not trader.state.positions
    assert trader.state.held == 0


def test_nothing_is_sold_short_for_nothing() -> None:
    trader = Trader()
    trader.quote(WING, "0", "0.05")
    order = trader.submit(trader.spread((CALL, 1), (WING, -1), limit="5.00"))
    assert order.status is Status.NEW
    trader.quote(WING, "0.01", "0.05")
    assert _match(trader, order).filled_avg_price == Decimal("3.09")


def test_a_credit_spread_costs_its_width_less_the_credit() -> None:
    trader = Trader("432", rules=FREE)
    order = trader.submit(trader.spread((HIGHER, -1), (WING, 1), limit="-0.70"))
    assert order.status is Status.NEW
    assert order.hold == 500 - 70
    trader.do(CancelOrder(order_id=order.id))
    assert trader.state.held == 0
    assert trader.submit(trader.spread((HIGHER, -1), (WING, 1))).status is Status.FILLED
    assert account_figures(trader.state, trader.market).options_buying_power == 432 + 68 - 500


def test_no_order_counts_on_cover_that_another_may_use() -> None:
    trader = Trader(rules=FREE)
    trader.buy(CALL)  # would margin one more short, but whose?
    for _ in range(2):
        order = trader.submit(trader.spread((HIGHER, -1), (WING, 1), limit="-0.80"))
        assert order.hold == 500 - 80


def test_a_calendar_is_covered_by_the_later_expiry() -> None:
    trader = Trader()
    later = occ(600, expiry=FOLLOWING.day)
    order = trader.submit(trader.spread((CALL, -1), (later, 1)))
    assert order.status is Status.FILLED
    assert account_figures(trader.state, trader.market).initial_margin == 0


def test_a_cash_secured_put_holds_its_strike() -> None:
    trader = Trader(rules=FREE)
    trader.sell(LOWER)
    figures = account_figures(trader.state, trader.market)
    assert figures.initial_margin == 59_500
    assert figures.options_buying_power == 100_000 + 120 - 59_500
