"""What a day's end leaves covered: orders given up, calls bought back, nothing promised twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.money import ZERO
from common.orders import PositionIntent, Side, TimeInForce
from paper_exchange.engine.commands import CancelOrder, ExerciseOption, MatchOrder, ReplaceOrder
from paper_exchange.engine.cover import naked_shares
from paper_exchange.engine.figures import account_figures
from paper_exchange.engine.margin import holdings
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import FOLLOWING, Trader, occ
from tests.paper_exchange.engine.test_option_life import (
    CALL,
    HIGHER,
    PUT,
    SHORT,
    end,
    held,
    next_day,
    trader,
)

LATER = occ(605, expiry=FOLLOWING.day)


def uncovered() -> Trader:
    """Shares cover two shorts while a long of the first day stands in between; then they go."""
    one = trader()
    one.buy("SPY", 100)
    one.buy(HIGHER)
    one.sell(SHORT)
    one.sell(LATER)
    end(one, "607")
    assert held(one) == {LATER: -1}
    return one


def bought_back(one: Trader) -> OrderState:
    [order] = [order for order in one.state.working_orders() if order.liquidation]
    return order


def resting(one: Trader, symbol: str, side: Side, qty: int, limit: str) -> OrderState:
    order = one.simple(symbol, side, qty, limit, time_in_force=TimeInForce.GTC)
    return one.submit(order)


def status(one: Trader, order: OrderState) -> Status:
    return one.state.orders[order.id].status


def test_a_call_left_uncovered_by_an_assignment_is_bought_back_at_the_open() -> None:
    one = uncovered()
    order = bought_back(one)
    assert (order.symbol, order.side, order.qty) == (LATER, Side.BUY, Decimal(1))
    assert (order.status, order.opens_at) == (Status.ACCEPTED, FOLLOWING.open)
    assert naked_shares(holdings(one.state), [order], "SPY") == 0
    figures = account_figures(one.state, one.market)
    assert figures.options_buying_power == ZERO
    assert figures.maintenance_margin == 60_500
    one.market, one.now = next_day(one.market), FOLLOWING.open
    with pytest.raises(Refused, match="insufficient buying power"):
        one.buy("AAPL")
    with pytest.raises(Refused, match="insufficient qty available"):
        one.buy(LATER)
    one.do(MatchOrder(order_id=order.id))
    assert held(one) == {}
    assert status(one, order) is Status.FILLED


def test_what_the_exchange_buys_back_nobody_else_moves() -> None:
    one = uncovered()
    order = bought_back(one)
    with pytest.raises(Refused, match="entered by the broker"):
        one.do(CancelOrder(order_id=order.id))
    with pytest.raises(Refused):
        one.do(
            ReplaceOrder(order_id=one.order_id(), replaces=order.id, limit_price=Decimal("0.01"))
        )


def test_orders_in_a_call_that_is_bought_back_give_way() -> None:
    one = trader()
    one.buy("SPY", 100)
    one.buy(HIGHER)
    one.sell(SHORT)
    one.sell(LATER)
    own = resting(one, LATER, Side.BUY, 1, "0.50")
    end(one, "607")
    assert status(one, own) is Status.CANCELED
    assert bought_back(one).qty == 1


def test_a_put_takes_shares_from_a_resting_sale() -> None:
    one = trader()
    one.buy("SPY", 150)
    one.buy(PUT)
    kept = resting(one, "SPY", Side.SELL, 40, "700")
    gone = resting(one, "SPY", Side.SELL, 60, "710")
    end(one, "598")
    assert held(one) == {"SPY": 50}
    assert (status(one, kept), status(one, gone)) == (Status.NEW, Status.CANCELED)


def test_a_put_leaves_the_shares_that_cover_a_call_which_lives_on() -> None:
    one = trader()
    one.buy("SPY", 100)
    one.buy(PUT)
    one.sell(LATER)
    end(one, "598")
    assert held(one) == {"SPY": 100, LATER: -1}
    assert not list(one.state.working_orders())


def test_the_last_sale_that_would_take_cover_is_given_up() -> None:
    one = trader()
    one.buy("SPY", 300)
    one.buy(PUT)
    one.sell(LATER)
    first = resting(one, "SPY", Side.SELL, 100, "700")
    second = resting(one, "SPY", Side.SELL, 50, "710")
    end(one, "598")
    assert held(one) == {"SPY": 200, LATER: -1}
    assert (status(one, first), status(one, second)) == (Status.NEW, Status.CANCELED)


def test_an_order_that_would_open_the_other_side_is_given_up() -> None:
    one = trader()
    short = resting(one, "SPY", Side.SELL, 50, "700")
    assert short.position_intent is PositionIntent.SELL_TO_OPEN
    one.buy(CALL)
    one.do(ExerciseOption(symbol=CALL))
    assert held(one) == {"SPY": 100}
    assert status(one, short) is Status.CANCELED


def test_a_notional_purchase_closes_a_short_and_goes_no_further() -> None:
    one = trader()
    one.sell("AAPL", 2)
    one.submit(one.simple("AAPL", Side.BUY, None, notional="1000"))
    assert held(one) == {}


def test_a_put_keeps_the_shares_that_a_call_on_offer_would_need() -> None:
    one = trader()
    one.buy("SPY", 100)
    one.buy(PUT)
    one.sell(SHORT, 1, "9.00")
    with pytest.raises(Refused, match="uncovered"):
        one.do(ExerciseOption(symbol=PUT))


def test_an_order_that_would_buy_back_a_short_which_is_gone_is_given_up() -> None:
    one = trader()
    one.sell("SPY", 60)
    cover = resting(one, "SPY", Side.BUY, 60, "500")
    one.buy(CALL)
    one.do(ExerciseOption(symbol=CALL))
    assert held(one) == {"SPY": 40}
    assert status(one, cover) is Status.CANCELED
