"""What is halted waits, and against a crossed quote nothing trades."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paper_exchange.engine.commands import MatchOrder
from paper_exchange.engine.orders import Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import Trader, occ

CALL = occ(600)


@pytest.mark.parametrize("symbol", ["AAPL", CALL])
def test_orders_in_what_is_halted_wait_until_it_trades_again(symbol: str) -> None:
    trader = Trader()
    trading = trader.market
    trader.market = replace(trading, halted=frozenset({symbol}))
    order = trader.buy(symbol, limit="300")
    assert order.status is Status.ACCEPTED
    assert trader.do(MatchOrder(order_id=order.id)) == []
    trader.market = trading
    trader.do(MatchOrder(order_id=order.id))
    assert trader.state.orders[order.id].status is Status.FILLED


def test_an_option_market_order_is_refused_while_halted() -> None:
    trader = Trader()
    trader.market = replace(trader.market, halted=frozenset({CALL}))
    with pytest.raises(Refused, match="only allowed during market hours"):
        trader.buy(CALL)


@pytest.mark.parametrize(
    ("bid", "ask", "filled"), [("5.10", "5.10", True), ("5.20", "5.10", False)]
)
def test_a_locked_quote_trades_and_a_crossed_one_does_not(bid: str, ask: str, filled: bool) -> None:
    trader = Trader()
    trader.quote(CALL, bid, ask)
    order = trader.buy(CALL, limit="6.00")
    assert (order.status is Status.FILLED) is filled
    trader.quote(CALL, "5.00", "5.10")
    trader.do(MatchOrder(order_id=order.id))
    assert trader.state.orders[order.id].status is Status.FILLED
