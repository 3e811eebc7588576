"""Brackets, OTO and OCO: exits wait for their entry, and of two exits one will do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from common.orders import OrderClass, OrderType, Side, TimeInForce
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import (
    CancelOrder,
    ClosePosition,
    EndDay,
    ExpireOrder,
    MatchOrder,
    SubmitOrder,
)
from paper_exchange.engine.events import OrderReduced, decode, encode
from paper_exchange.engine.market import FillRules, Rules
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from paper_exchange.venue.book import Book
from tests.paper_exchange.builders import LATE, ME, SESSION, Trader, occ

BRACKET, OCO, OTO = OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO
SIZED = Rules(fills=FillRules(respect_size=True))


def group(
    trader: Trader,
    kind: OrderClass,
    side: Side = Side.BUY,
    limit: str | None = None,
    profit: str | None = None,
    stop: str | None = None,
    stop_limit: str | None = None,
    **more: Any,
) -> SubmitOrder:
    """Return an order of ten shares with its exits."""
    return replace(
        trader.simple("AAPL", side, 10, limit),
        order_class=kind,
        take_profit=None if profit is None else Decimal(profit),
        stop_loss=None if stop is None else Decimal(stop),
        stop_loss_limit=None if stop_limit is None else Decimal(stop_limit),
        **more,
    )


def enter(trader: Trader, command: SubmitOrder) -> list[OrderState]:
    """Submit and return the whole group, head first."""
    head = trader.submit(command)
    return members(trader, head)


def members(trader: Trader, head: OrderState) -> list[OrderState]:
    orders = trader.state.orders
    return [orders[order_id] for order_id in (head.id, *head.children)]


def statuses(trader: Trader, head: OrderState) -> list[str]:
    return [order.status.value for order in members(trader, head)]


def move(trader: Trader, price: str, size: int = 100) -> None:
    """Move the market and let the book, rebuilt from the journal, say what it fires."""
    trader.quote("AAPL", price, price, size)
    state = replayed(trader)
    assert state.orders == trader.state.orders
    assert state.together == trader.state.together
    book = Book((ME, order) for order in state.working_orders())
    for ref in book.fired(trader.market.quotes):
        trader.do(MatchOrder(order_id=ref.order))
    assert replayed(trader).orders == trader.state.orders


def replayed(trader: Trader) -> AccountState:
    state = AccountState(id=ME)
    for event in trader.events:
        evolve(state, decode(encode(event)))
    return state


def test_exits_are_held_until_the_entry_has_filled() -> None:
    trader = Trader()
    head, profit, stop = enter(
        trader, group(trader, BRACKET, limit="190", profit="210", stop="180")
    )
    assert statuses(trader, head) == ["new", "held", "held"]
    assert (profit.type, profit.limit_price) == (OrderType.LIMIT, Decimal(210))
    assert (stop.type, stop.stop_price) == (OrderType.STOP, Decimal(180))
    assert {profit.side, stop.side} == {Side.SELL}
    move(trader, "211")
    move(trader, "195")
    assert statuses(trader, head) == ["new", "held", "held"]
    move(trader, "190")
    assert statuses(trader, head) == ["filled", "new", "new"]
    assert trader.state.together.claims == {"AAPL": Decimal(10)}


@pytest.mark.parametrize(
    ("price", "ends", "fill"),
    [
        ("212", ["filled", "filled", "canceled"], "212"),
        ("170", ["filled", "canceled", "filled"], "170"),
    ],
)
def test_one_exit_fills_and_the_other_is_canceled(price: str, ends: list[str], fill: str) -> None:
    trader = Trader()
    head = enter(trader, group(trader, BRACKET, profit="210", stop="180"))[0]
    move(trader, price)
    assert statuses(trader, head) == ends
    assert Decimal(fill) in [order.filled_avg_price for order in members(trader, head)]
    assert not trader.state.positions
    assert not trader.state.working
    assert trader.state.held == 0


def test_a_short_entry_turns_everything_round() -> None:
    trader = Trader()
    head = enter(trader, group(trader, BRACKET, Side.SELL, profit="190", stop="210"))[0]
    assert trader.state.qty("AAPL") == -10
    move(trader, "210")
    assert statuses(trader, head) == ["filled", "canceled", "filled"]
    assert not trader.state.positions


def test_a_part_of_the_profit_reduces_the_stop() -> None:
    trader = Trader(rules=SIZED)
    head = enter(trader, group(trader, BRACKET, profit="210", stop="180"))[0]
    move(trader, "210", size=4)
    _, profit, stop = members(trader, head)
    assert (profit.filled_qty, stop.qty) == (Decimal(4), Decimal(6))
    assert trader.state.together.claims == {"AAPL": Decimal(6)}
    move(trader, "180")
    assert statuses(trader, head) == ["filled", "canceled", "filled"]
    assert not trader.state.positions


def test_a_part_of_the_stop_reduces_the_profit() -> None:
    trader = Trader(rules=SIZED)
    head = enter(trader, group(trader, BRACKET, profit="210", stop="180"))[0]
    move(trader, "179", size=3)
    assert members(trader, head)[1].qty == Decimal(7)
    move(trader, "210")
    assert not trader.state.positions
    assert sum(isinstance(event, OrderReduced) for event in trader.events) == 1


def test_a_part_of_the_entry_belongs_to_its_exits() -> None:
    trader = Trader(rules=SIZED)
    trader.quote("AAPL", "199.90", "200", size=4)
    head = enter(trader, group(trader, BRACKET, limit="200", profit="210", stop="180"))[0]
    assert statuses(trader, head) == ["partially_filled", "held", "held"]
    with pytest.raises(Refused, match="insufficient qty available"):
        trader.do(ClosePosition(order_id=trader.order_id(), symbol="AAPL"))
    move(trader, "200")
    assert statuses(trader, head) == ["filled", "new", "new"]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("limit", ["190", None])
def test_canceling_one_cancels_the_group(place: int, limit: str | None) -> None:
    trader = Trader()
    group_ = enter(trader, group(trader, BRACKET, limit=limit, profit="210", stop="180"))
    if limit is None and place == 0:
        with pytest.raises(Refused, match='order is already in "filled" state'):
            trader.do(CancelOrder(order_id=group_[0].id))
        return
    trader.do(CancelOrder(order_id=group_[place].id))
    rest = statuses(trader, group_[0])
    assert rest == ["canceled" if limit else "filled", "canceled", "canceled"]
    assert trader.state.held == 0
    assert replayed(trader).orders == trader.state.orders


def test_an_entry_that_expires_takes_its_exits_along() -> None:
    trader = Trader()
    head = enter(trader, group(trader, BRACKET, limit="190", profit="210", stop="180"))[0]
    trader.now = SESSION.close
    trader.do(ExpireOrder(order_id=head.id))
    assert statuses(trader, head) == ["expired", "canceled", "canceled"]


def test_a_day_that_ends_ends_the_group_once() -> None:
    trader = Trader()
    waiting = enter(trader, group(trader, BRACKET, limit="190", profit="210", stop="180"))[0]
    filled = enter(trader, group(trader, OTO, stop="170"))[0]
    trader.now = SESSION.close + LATE
    trader.do(EndDay(day=SESSION.day, closes=()))
    assert statuses(trader, waiting) == ["expired", "canceled", "canceled"]
    assert statuses(trader, filled) == ["filled", "expired"]


def test_one_triggers_one_other() -> None:
    trader = Trader()
    head, stop = enter(trader, group(trader, OTO, limit="190", stop="180", stop_limit="179"))
    assert (stop.type, stop.limit_price) == (OrderType.STOP_LIMIT, Decimal(179))
    move(trader, "190")
    assert statuses(trader, head) == ["filled", "new"]
    move(trader, "179.50")
    assert statuses(trader, head) == ["filled", "filled"]


@pytest.mark.parametrize(
    ("price", "ends"), [("211", ["filled", "canceled"]), ("179", ["canceled", "filled"])]
)
def test_one_exit_cancels_the_other(price: str, ends: list[str]) -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    head = enter(trader, group(trader, OCO, Side.SELL, "210", profit="210", stop="180"))[0]
    assert statuses(trader, head) == ["new", "new"]
    assert trader.state.together.claims == {"AAPL": Decimal(10)}
    move(trader, price)
    assert statuses(trader, head) == ends
    assert not trader.state.positions


def test_a_group_entered_overnight_begins_at_the_open() -> None:
    trader = Trader()
    trader.now = SESSION.open.replace(hour=2)
    head = enter(trader, group(trader, BRACKET, profit="210", stop="180"))[0]
    assert statuses(trader, head) == ["accepted", "held", "held"]
    trader.now = SESSION.open
    trader.do(MatchOrder(order_id=head.id))
    assert statuses(trader, head) == ["filled", "new", "new"]


def test_of_two_queued_exits_the_first_to_open_reduces_the_other() -> None:
    trader = Trader(rules=SIZED)
    trader.buy("AAPL", 10)
    trader.now = SESSION.open.replace(hour=2)
    head, stop = enter(trader, group(trader, OCO, Side.SELL, "199", "199", "180"))
    assert statuses(trader, head) == ["accepted", "accepted"]
    trader.now = SESSION.open
    trader.quote("AAPL", "200", "200.10", 4)
    trader.do(MatchOrder(order_id=head.id))
    assert statuses(trader, head) == ["partially_filled", "accepted"]
    assert trader.state.orders[stop.id].qty == 6
    trader.do(MatchOrder(order_id=stop.id))
    assert trader.state.orders[stop.id].status is Status.NEW


def test_a_group_is_no_wash_trade() -> None:
    trader = Trader()
    enter(trader, group(trader, BRACKET, limit="190", profit="210", stop="180"))
    move(trader, "190")
    assert trader.submit(trader.simple("AAPL", limit="150")).status is Status.NEW


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "one exit": ({"kind": BRACKET, "stop": "180"}, "bracket orders require both"),
    "two exits": ({"kind": OTO, "profit": "210", "stop": "180"}, "oto orders require exactly one"),
    "exits of a simple order": ({"kind": OrderClass.SIMPLE, "stop": "180"}, "only allowed for"),
    "profit below stop": (
        {"kind": BRACKET, "profit": "170", "stop": "180"},
        "take_profit.limit_price must be > stop_loss.stop_price",
    ),
    "stop above entry": (
        {"kind": BRACKET, "limit": "190", "profit": "210", "stop": "190"},
        "stop_loss.stop_price must be <= base_price - 0.01",
    ),
    "nothing to exit": (
        {"kind": OCO, "side": Side.SELL, "limit": "210", "profit": "210", "stop": "180"},
        "oco orders must be exit orders",
    ),
    "at once": (
        {"kind": BRACKET, "profit": "210", "stop": "180", "time_in_force": TimeInForce.IOC},
        "bracket orders must be DAY or GTC orders",
    ),
    "parts of shares": (
        {"kind": BRACKET, "profit": "210", "stop": "180", "qty": Decimal("0.5")},
        "fractional orders must be simple orders",
    ),
    "an option": (
        {"kind": BRACKET, "profit": "9", "stop": "1", "symbol": occ(600)},
        "bracket orders are only supported for stocks",
    ),
    "between ticks": (
        {"kind": BRACKET, "profit": "210.001", "stop": "180"},
        "invalid take_profit.limit_price 210.001. sub-penny",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_group_that_cannot_be_is_refused(case: str) -> None:
    changes, text = REFUSED[case]
    trader = Trader()
    with pytest.raises(Refused, match=text) as refused:
        trader.do(group(trader, **changes))
    assert refused.value.http_status == 422
    assert not trader.state.orders
