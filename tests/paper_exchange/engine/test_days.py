"""The day's frame: opening, running out, expiring, settling."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from common.orders import Side, TimeInForce
from common.session import Session, new_york
from paper_exchange.engine.commands import (
    ExpireOrder,
    MatchOrder,
)
from paper_exchange.engine.events import (
    OrderFilled,
    OrderOpened,
)
from paper_exchange.engine.orders import Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import FOLLOWING, SESSION, Trader, occ
from tests.paper_exchange.engine.acting import (
    CALL,
    kinds,
    match,
)


def test_an_order_before_the_open_waits_for_it() -> None:
    trader = Trader()
    trader.now = SESSION.open - timedelta(hours=1)
    order = trader.buy("AAPL", 1, "201")
    assert order.status is Status.ACCEPTED
    assert match(trader, order).status is Status.ACCEPTED
    trader.now = SESSION.open
    assert kinds(trader.do(MatchOrder(order_id=order.id))) == [OrderOpened, OrderFilled]


@pytest.mark.parametrize(
    ("symbol", "until"),
    [
        ("AAPL", SESSION.close),
        (CALL, SESSION.close + timedelta(minutes=15)),
        (occ(200, underlying="AAPL"), SESSION.close),
    ],
)
def test_a_day_order_ends_with_its_symbols_day(symbol: str, until: object) -> None:
    trader = Trader()
    assert trader.buy(symbol, 1, "1.00").expires_at == until


def test_after_the_close_a_day_order_is_for_the_next_session() -> None:
    trader = Trader()
    trader.now = SESSION.close
    order = trader.buy("AAPL", 1, "100")
    assert order.status is Status.ACCEPTED
    assert order.expires_at == FOLLOWING.close
    late = trader.sell(occ(600, "P", FOLLOWING.day), 1, "9.00")
    assert late.status is Status.NEW  # SPY options trade fifteen minutes more


def test_an_early_close_moves_everything() -> None:
    trader = Trader()
    early = Session.regular(SESSION.day, close=time(13, 0))
    trader.market = replace(trader.market, session=early)
    trader.now = early.close - timedelta(minutes=30, seconds=1)
    assert trader.buy(CALL, 1, "0.10").expires_at == new_york(SESSION.day, time(13, 15))
    assert trader.buy("AAPL", 1, "100").expires_at == early.close
    trader.now += timedelta(seconds=1)
    with pytest.raises(Refused, match="expires soon"):
        trader.buy(CALL, 1, "0.10")


def test_gtc_lives_ninety_days() -> None:
    trader = Trader()
    command = trader.simple("AAPL", Side.BUY, 1, "100", time_in_force=TimeInForce.GTC)
    ninety_days_on = new_york(SESSION.day + timedelta(days=90), time(16, 15))
    assert trader.submit(command).expires_at == ninety_days_on


def test_what_expires_gives_its_hold_back() -> None:
    trader = Trader()
    order = trader.buy("AAPL", 10, "150")
    assert trader.state.held == 750
    trader.now = SESSION.close
    trader.do(ExpireOrder(order_id=order.id))
    assert trader.state.orders[order.id].status is Status.EXPIRED
    assert trader.state.held == 0
    assert trader.do(ExpireOrder(order_id=order.id)) == []
