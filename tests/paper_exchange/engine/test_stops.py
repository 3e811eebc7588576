"""Stops: what elects them, what they then pay, how trails move, and that all of it replays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from common.orders import OrderType, Side, TimeInForce
from common.session import Session
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import CancelOrder, MatchOrder, SubmitOrder
from paper_exchange.engine.events import (
    OrderFilled,
    OrderOpened,
    OrderTrailed,
    OrderTriggered,
    decode,
    encode,
)
from paper_exchange.engine.lifecycle import IllegalMove
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from tests.paper_exchange.builders import ME, SESSION, Trader, occ

BUY, SELL = Side.BUY, Side.SELL
STOP, STOP_LIMIT, TRAILING = OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
CALL = occ(600)


def stop(
    trader: Trader,
    side: Side,
    kind: OrderType,
    symbol: str | None = None,
    qty: str = "10",
    time_in_force: TimeInForce | None = None,
    **prices: str,
) -> SubmitOrder:
    """Return an order of a kind; prices are given as text."""
    simple = trader.simple(symbol or "AAPL", side, qty, time_in_force=time_in_force)
    numbers: dict[str, Any] = {name: Decimal(price) for name, price in prices.items()}
    return replace(simple, type=kind, **numbers)


def holder(symbol: str = "AAPL", qty: str = "10") -> Trader:
    """Return a trader who is long; the market in the symbol is 200.00 to 200.10."""
    trader = Trader()
    trader.buy(symbol, qty)
    return trader


def walk(trader: Trader, order: OrderState, prices: Iterable[str]) -> OrderState:
    """Move the market through prices, one match at each; return the order at the end."""
    for price in prices:
        trader.quote(order.symbol, price, price)
        trader.do(MatchOrder(order_id=order.id))
        assert same_after_replay(trader)
    return trader.state.orders[order.id]


def same_after_replay(trader: Trader) -> bool:
    state = AccountState(id=ME)
    for event in trader.events:
        evolve(state, decode(encode(event)))
    return (state.orders, state.working, state.positions, dict(state.ledger.balances)) == (
        trader.state.orders,
        trader.state.working,
        trader.state.positions,
        dict(trader.state.ledger.balances),
    )


def test_a_sell_stop_waits_above_its_stop_and_fills_at_the_bid_once_reached() -> None:
    trader = holder()
    order = trader.submit(stop(trader, SELL, STOP, stop_price="195"))
    assert order.status is Status.NEW
    waiting = walk(trader, order, ["199", "195.01"])
    assert waiting.triggered_at is None
    filled = walk(trader, order, ["195"])
    assert (filled.status, filled.filled_avg_price) == (Status.FILLED, Decimal(195))


@pytest.mark.parametrize(("side", "at", "gap"), [(SELL, "195", "180"), (BUY, "205", "209.50")])
def test_a_gap_through_a_stop_fills_at_the_gap_price(side: Side, at: str, gap: str) -> None:
    trader = holder() if side is SELL else Trader()
    order = trader.submit(stop(trader, side, STOP, stop_price=at))
    filled = walk(trader, order, [gap])
    assert filled.filled_avg_price == Decimal(gap)


def test_a_buy_stop_pays_no_more_than_its_collar() -> None:
    trader = Trader()
    order = trader.submit(stop(trader, BUY, STOP, stop_price="205"))
    collar = Decimal("210.12")  # 2.5% over the stop
    assert order.bound == collar
    assert order.hold == collar * 10 - Decimal("1000.25")  # half the present value is lent
    assert order.limit_price is None
    waiting = walk(trader, order, ["215"])
    assert waiting.status is Status.NEW
    assert waiting.triggered_at is not None
    assert walk(trader, order, ["210.12"]).filled_avg_price == collar


def test_a_cheap_share_has_a_wider_collar() -> None:
    trader = Trader()
    trader.quote("AAPL", "39", "39.01")
    assert trader.submit(stop(trader, BUY, STOP, stop_price="40")).bound == Decimal("41.60")


def test_a_stop_limit_becomes_a_limit_order_and_stays_one() -> None:
    trader = holder()
    order = trader.submit(stop(trader, SELL, STOP_LIMIT, stop_price="195", limit_price="194"))
    elected = walk(trader, order, ["190"])
    assert elected.status is Status.NEW
    assert elected.triggered_at is not None
    assert walk(trader, order, ["193.99"]).status is Status.NEW
    assert walk(trader, order, ["198"]).filled_avg_price == Decimal(198)


def test_a_percent_trail_follows_the_bid_up_and_fires_on_the_way_down() -> None:
    trader = holder()
    trader.quote("AAPL", "100", "100.10")
    order = trader.submit(stop(trader, SELL, TRAILING, trail_percent="5"))
    assert (order.hwm, order.stop_price) == (Decimal(100), Decimal(95))
    high = walk(trader, order, ["101", "99", "105", "110"])
    assert (high.hwm, high.stop_price) == (Decimal(110), Decimal("104.50"))
    assert walk(trader, order, ["104.51"]).triggered_at is None
    fired = walk(trader, order, ["104.50"])
    assert (fired.status, fired.filled_avg_price) == (Status.FILLED, Decimal("104.5"))
    assert sum(isinstance(event, OrderTrailed) for event in trader.events) == 3


def test_a_dollar_trail_follows_the_ask_down_and_fires_on_the_way_up() -> None:
    trader = Trader()
    order = trader.submit(stop(trader, BUY, TRAILING, trail_price="2.50"))
    assert (order.hwm, order.stop_price) == (Decimal("200.10"), Decimal("202.60"))
    low = walk(trader, order, ["195", "196", "194", "196.49"])
    assert (low.hwm, low.stop_price) == (Decimal(194), Decimal("196.5"))
    assert walk(trader, order, ["199"]).filled_avg_price == Decimal(199)


def test_a_trail_rounds_its_stop_away_from_the_market() -> None:
    trader = holder()
    trader.quote("AAPL", "100.01", "100.02")
    order = trader.submit(stop(trader, SELL, TRAILING, trail_percent="3"))
    assert order.stop_price == Decimal("97.00")  # 97.0097


def test_a_trail_without_a_market_begins_when_there_is_one() -> None:
    trader = holder()
    trader.quote("AAPL", "0", "200.10")
    order = trader.submit(stop(trader, SELL, TRAILING, trail_price="5"))
    assert (order.hwm, order.stop_price) == (None, None)
    assert walk(trader, order, ["198"]).stop_price == Decimal(193)


def test_a_side_nobody_quotes_elects_nothing() -> None:
    trader = holder()
    order = trader.submit(stop(trader, SELL, STOP, stop_price="195"))
    trader.quote("AAPL", "0", "190")
    assert trader.do(MatchOrder(order_id=order.id)) == []


def test_an_option_stop_looks_at_the_bid_to_sell_and_at_the_ask_to_buy() -> None:
    trader = holder(CALL, "2")
    order = trader.submit(stop(trader, SELL, STOP, CALL, "2", stop_price="2.00"))
    trader.quote(CALL, "2.01", "9.00")
    assert trader.do(MatchOrder(order_id=order.id)) == []
    trader.quote(CALL, "1.90", "9.00")
    trader.do(MatchOrder(order_id=order.id))
    assert trader.state.orders[order.id].filled_avg_price == Decimal("1.90")
    entry = trader.submit(stop(trader, BUY, STOP, CALL, "1", stop_price="10.00"))
    assert entry.hold > 1000
    trader.quote(CALL, "1.90", "10.05")
    trader.do(MatchOrder(order_id=entry.id))
    assert trader.state.orders[entry.id].filled_avg_price == Decimal("10.05")


def test_a_coin_stops_with_a_limit() -> None:
    trader = holder("BTC/USD", "1")
    command = stop(
        trader, SELL, STOP_LIMIT, "BTC/USD", "1", stop_price="85000", limit_price="84000"
    )
    order = trader.submit(command)
    assert walk(trader, order, ["84900"]).filled_avg_price == Decimal(84900)


def test_a_stop_entered_overnight_is_elected_by_the_open() -> None:
    trader = holder()
    trader.now = SESSION.open.replace(hour=1)
    order = trader.submit(stop(trader, SELL, STOP, stop_price="195"))
    assert order.status is Status.ACCEPTED
    trader.now = SESSION.open
    trader.quote("AAPL", "190", "190.10")
    events = trader.do(MatchOrder(order_id=order.id))
    assert [type(event) for event in events] == [OrderOpened, OrderTriggered, OrderFilled]
    assert trader.state.orders[order.id].filled_avg_price == Decimal(190)


def test_a_trail_rests_outside_the_session() -> None:
    trader = holder()
    order = trader.submit(
        stop(trader, SELL, TRAILING, trail_price="5", time_in_force=TimeInForce.GTC)
    )
    trader.now = SESSION.close
    trader.quote("AAPL", "150", "150")
    assert trader.do(MatchOrder(order_id=order.id)) == []
    trader.market = replace(trader.market, session=Session.regular(trader.market.following.day))
    trader.now = trader.market.session.open
    assert walk(trader, order, ["190"]).filled_avg_price == Decimal(190)


def test_an_elected_stop_can_be_canceled_and_holds_nothing_then() -> None:
    trader = Trader()
    order = trader.submit(stop(trader, BUY, STOP, stop_price="205"))
    walk(trader, order, ["230"])
    trader.do(CancelOrder(order_id=order.id))
    assert trader.state.held == 0
    assert trader.do(MatchOrder(order_id=order.id)) == []


REFUSED: dict[str, tuple[Side, OrderType, dict[str, str], str]] = {
    "sell stop above the market": (
        SELL, STOP, {"stop_price": "200"}, "stop price must be less than current price",
    ),
    "buy stop below the market": (
        BUY, STOP, {"stop_price": "200.10"}, "stop price must be greater than current price",
    ),
    "buy stop limit below the market": (
        BUY, STOP_LIMIT, {"stop_price": "190", "limit_price": "195"},
        "stop price must be greater than current price",
    ),
    "no stop": (SELL, STOP, {}, "stop orders require a stop price"),
    "stop with a limit": (
        SELL, STOP, {"stop_price": "190", "limit_price": "189"},
        "no other price is accepted for stop orders",
    ),
    "stop limit without a limit": (
        SELL, STOP_LIMIT, {"stop_price": "190"},
        "stop limit orders require both stop and limit price",
    ),
    "both trails": (
        SELL, TRAILING, {"trail_price": "1", "trail_percent": "1"},
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    "no trail": (
        SELL, TRAILING, {}, "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    "trail of a stop": (
        SELL, STOP, {"stop_price": "190", "trail_price": "1"},
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    "trail with a stop": (
        SELL, TRAILING, {"stop_price": "190", "trail_price": "1"},
        "no other price is accepted for trailing_stop orders",
    ),
    "negative trail": (SELL, TRAILING, {"trail_price": "-1"}, "trail_price must be > 0"),
    "no distance": (SELL, TRAILING, {"trail_percent": "0"}, "trail_percent must be > 0"),
    "all of it": (SELL, TRAILING, {"trail_percent": "100"}, "trail_percent must be < 100"),
    "between ticks": (
        SELL, STOP, {"stop_price": "190.001"},
        "invalid stop_price 190.001. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    "stop of nothing": (SELL, STOP, {"stop_price": "0"}, "stop_price must be > 0"),
}  # fmt: skip


def test_a_stop_does_not_work_at_once() -> None:
    trader = holder()
    with pytest.raises(Refused, match="invalid time_in_force"):
        trader.do(stop(trader, SELL, STOP, time_in_force=TimeInForce.IOC, stop_price="190"))


@pytest.mark.parametrize("case", REFUSED)
def test_a_stop_that_cannot_be_is_refused(case: str) -> None:
    side, kind, prices, text = REFUSED[case]
    trader = holder()
    with pytest.raises(Refused) as refused:
        trader.do(stop(trader, side, kind, "AAPL", "10", None, **prices))
    assert refused.value.message == text
    assert refused.value.http_status == 422


@pytest.mark.parametrize(
    ("symbol", "kind", "text"),
    [
        (CALL, TRAILING, "invalid order type for options trading"),
        ("BTC/USD", TRAILING, "invalid order type for crypto order"),
        ("BTC/USD", STOP, "invalid order type for crypto order"),
    ],
)
def test_a_stop_an_asset_does_not_take_is_refused(symbol: str, kind: OrderType, text: str) -> None:
    trader = holder(symbol, "1")
    price = {"trail_price": "1"} if kind is TRAILING else {"stop_price": "1"}
    with pytest.raises(Refused, match=text):
        trader.do(stop(trader, SELL, kind, symbol, "1", None, **price))


def test_what_has_ended_never_moves_again() -> None:
    trader = holder()
    order = trader.submit(stop(trader, SELL, STOP, stop_price="195"))
    walk(trader, order, ["190"])
    with pytest.raises(IllegalMove):
        evolve(trader.state, OrderOpened(order_id=order.id, at=trader.now))


def test_an_opposite_stop_is_a_wash_trade_and_a_trail_is_not() -> None:
    trader = holder()
    trader.submit(stop(trader, SELL, TRAILING, qty="4", trail_price="5"))
    trader.submit(trader.simple("AAPL", limit="150"))
    trader.do(CancelOrder(order_id=list(trader.state.working)[-1]))
    trader.submit(stop(trader, SELL, STOP, qty="4", stop_price="195"))
    with pytest.raises(Refused) as refused:
        trader.do(trader.simple("AAPL", limit="150"))
    assert refused.value.extras["reject_reason"] == "opposite side market/stop order exists"
