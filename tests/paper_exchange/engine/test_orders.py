"""What becomes of an order: fills, prices, waiting, money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.orders import PositionIntent, Side, TimeInForce
from paper_exchange.engine.account import decide
from paper_exchange.engine.commands import (
    ClosePosition,
    MatchOrder,
)
from paper_exchange.engine.events import (
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
)
from paper_exchange.engine.figures import account_figures, position_figures
from paper_exchange.engine.market import FillRules, Rules
from paper_exchange.engine.orders import Status
from tests.paper_exchange.builders import NOON, Trader
from tests.paper_exchange.engine.acting import (
    CALL,
    CONDOR,
    FREE,
    WING,
    WORTHLESS,
    kinds,
    match,
)


@pytest.mark.parametrize(
    ("side", "limit", "price"),
    [
        (Side.BUY, None, "200.10"),
        (Side.SELL, None, "200.00"),
        (Side.BUY, "200.10", "200.10"),
        (Side.BUY, "201.00", "200.10"),
        (Side.SELL, "190.00", "200.00"),
    ],
)
def test_a_marketable_order_fills_at_the_touch(side: Side, limit: str | None, price: str) -> None:
    trader = Trader()
    command = trader.simple("AAPL", side, 3, limit)
    events = trader.do(command)
    assert kinds(events) == [OrderAccepted, OrderFilled]
    order = trader.state.orders[command.order_id]
    assert order.status is Status.FILLED
    assert order.filled_avg_price == Decimal(price)
    assert order.filled_qty == 3
    assert order.filled_at == NOON
    assert trader.state.qty("AAPL") == 3 * side.sign


def test_a_side_nobody_quotes_fills_nothing() -> None:
    trader = Trader()
    trader.buy(WORTHLESS)
    order = trader.sell(WORTHLESS)
    assert order.status is Status.NEW
    trader.quote(WORTHLESS, "0.01", "0.02")
    assert match(trader, order).filled_avg_price == Decimal("0.01")


def test_an_option_counts_a_hundred_shares() -> None:
    trader = Trader(rules=FREE)
    trader.buy(CALL, 2)
    assert trader.state.cash == 100_000 - 2 * 310
    assert trader.state.positions[CALL].cost == 620
    assert trader.state.positions[CALL].avg_entry_price == Decimal("3.10")


def test_intents_follow_holdings() -> None:
    trader = Trader()
    assert trader.buy("AAPL", 2).position_intent is PositionIntent.BUY_TO_OPEN
    assert trader.sell("AAPL", 2).position_intent is PositionIntent.SELL_TO_CLOSE
    assert trader.sell("AAPL", 2).position_intent is PositionIntent.SELL_TO_OPEN
    assert trader.buy("AAPL", 2).position_intent is PositionIntent.BUY_TO_CLOSE
    assert not trader.state.positions


def test_shares_are_lent_on_to_half_their_value() -> None:
    trader = Trader()
    trader.quote("AAPL", "200", "200")
    trader.buy("AAPL", 100)
    figures = account_figures(trader.state, trader.market)
    assert figures.cash == 80_000
    assert figures.equity == 100_000
    assert figures.initial_margin == 10_000
    assert figures.maintenance_margin == 6_000
    assert figures.buying_power == 180_000
    assert trader.buy("AAPL", 900).status is Status.FILLED
    assert account_figures(trader.state, trader.market).buying_power == 0


def test_dollars_buy_what_they_buy() -> None:
    trader = Trader(rules=FREE)
    order = trader.submit(trader.simple("AAPL", qty=None, notional="100.00"))
    assert order.status is Status.FILLED
    assert order.qty is None
    assert order.filled_qty == Decimal("0.499750124")
    sold = trader.submit(trader.simple("AAPL", Side.SELL, None, notional="5000"))
    assert sold.filled_qty == order.filled_qty
    assert not trader.state.positions


def test_dollars_sold_leave_what_another_order_has_claimed() -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    trader.sell("AAPL", 9, "250")
    sold = trader.submit(trader.simple("AAPL", Side.SELL, None, notional="5000"))
    assert sold.filled_qty == 1


def test_coins_are_paid_whole_and_their_fee_in_dollars() -> None:
    trader = Trader()
    trader.buy("BTC/USD", "0.5")
    assert trader.state.cash == 100_000 - 45_005 - Decimal("112.52")
    figures = account_figures(trader.state, trader.market)
    assert figures.options_buying_power == trader.state.cash


def test_fees_of_a_day_are_rounded_once_for_each_kind() -> None:
    trader = Trader()
    for _ in range(10):
        trader.buy(WING)
    # occ .20, orf .2685 -> .27, cat .00046 -> .01: less than ten times .05
    assert trader.state.cash == 100_000 - 320 - Decimal("0.48")


def test_ioc_fills_or_is_gone() -> None:
    trader = Trader(rules=Rules(fills=FillRules(respect_size=True)))
    trader.quote("AAPL", "200", "200.10", size=4)
    for limit, filled in (("200.10", 4), ("199", 0)):
        command = trader.simple("AAPL", Side.BUY, 10, limit, time_in_force=TimeInForce.IOC)
        assert trader.do(command)[-1].__class__ is OrderCanceled
        order = trader.state.orders[command.order_id]
        assert order.status is Status.CANCELED
        assert order.filled_qty == filled
    assert trader.state.held == 0


def test_displayed_size_can_be_respected() -> None:
    trader = Trader(rules=Rules(fills=FillRules(respect_size=True)))
    trader.quote("AAPL", "200", "200.10", size=4)
    order = trader.buy("AAPL", 10, "201")
    assert order.status is Status.PARTIALLY_FILLED
    assert order.filled_qty == 4
    assert order.hold > 0
    assert match(trader, order).filled_qty == 8
    done = match(trader, order)
    assert done.status is Status.FILLED
    assert done.filled_qty == 10
    assert trader.state.held == 0


def test_random_parts_are_drawn_alike_every_time() -> None:
    fills = []
    for _ in range(2):
        trader = Trader(rules=Rules(fills=FillRules(partial_probability=1.0, seed=3)))
        order = trader.submit(trader.spread(*CONDOR, qty=40, limit="-1.00"))
        assert order.status is Status.PARTIALLY_FILLED
        while not order.status.terminal:
            order = match(trader, order)
        assert order.filled_qty == 40
        assert trader.state.held == 0
        fills.append([e.qty for e in trader.events if isinstance(e, OrderFilled)])
    assert fills[0] == fills[1]
    assert len(fills[0]) > 1


def test_what_cannot_be_afforded_when_its_price_comes_is_rejected() -> None:
    trader = Trader("1000", rules=Rules(fees=False, fills=FillRules(respect_size=True)))
    trader.quote(CALL, "3.00", "3.10", size=1)
    order = trader.buy(CALL, 3)  # 930, one third of it filled
    assert order.filled_qty == 1
    trader.quote(CALL, "4.00", "9.00", size=5)
    assert type(trader.do(MatchOrder(order_id=order.id))[0]) is OrderRejected
    rejected = trader.state.orders[order.id]
    assert rejected.status is Status.REJECTED
    assert rejected.filled_qty == 1
    assert rejected.reject_reason is not None
    assert trader.state.held == 0
    assert trader.state.cash == 690


def test_closing_part_of_a_position() -> None:
    trader = Trader()
    trader.buy("AAPL", 11)
    for left, percentage, qty in ((6, Decimal(50), None), (4, None, Decimal(2)), (0, None, None)):
        trader.do(
            ClosePosition(order_id=trader.order_id(), symbol="AAPL", qty=qty, percentage=percentage)
        )
        assert trader.state.qty("AAPL") == left


def test_a_position_shows_its_profit_and_what_is_free() -> None:
    trader = Trader(rules=FREE)
    trader.buy(CALL, 3)
    trader.sell(CALL, 1, "5.00")
    [position] = position_figures(trader.state, trader.market)
    assert position.qty == 3
    assert position.qty_available == 2
    assert position.market_value == 915
    assert position.unrealized_pl == 915 - 930
    assert position.lastday_price is None


def test_deciding_changes_nothing() -> None:
    trader = Trader()
    trader.buy("AAPL")
    before = repr(trader.state), dict(trader.state.ledger.balances)
    decide(trader.state, trader.simple("AAPL"), trader.market, trader.now)
    assert (repr(trader.state), dict(trader.state.ledger.balances)) == before


def test_the_average_price_weighs_every_fill() -> None:
    trader = Trader(rules=Rules(fills=FillRules(respect_size=True)))
    trader.quote("AAPL", "200", "201", size=1)
    order = trader.buy("AAPL", 3, "205")
    trader.quote("AAPL", "200", "204", size=2)
    assert match(trader, order).filled_avg_price == Decimal(203)
    assert order.filled_avg_price == Decimal(201)  # what was handed out stays as it was
    assert trader.state.positions["AAPL"].cost == 609
