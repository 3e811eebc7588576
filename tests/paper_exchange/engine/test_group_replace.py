"""Replacing one order of a group: it takes the place, and the group stays what it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from common.orders import OrderClass, OrderType, Side, TimeInForce
from paper_exchange.engine.commands import CancelOrder, ReplaceOrder
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import Trader
from tests.paper_exchange.engine.test_groups import (
    BRACKET,
    OCO,
    OTO,
    SIZED,
    enter,
    group,
    members,
    move,
    replayed,
    statuses,
)


def change(trader: Trader, order: OrderState, **changes: Any) -> OrderState:
    """Replace an order and return the new one as it stands; replays agree."""
    prices: dict[str, Any] = {name: Decimal(price) for name, price in changes.items()}
    command = ReplaceOrder(order_id=trader.order_id(), replaces=order.id, **prices)
    trader.do(command)
    assert replayed(trader).orders == trader.state.orders
    assert trader.state.orders[order.id].replaced_by == command.order_id
    return trader.state.orders[command.order_id]


def pair(trader: Trader) -> list[OrderState]:
    """Return the two exits at work of ten shares held, the take profit first."""
    trader.buy("AAPL", 10)
    sale = group(trader, OCO, Side.SELL, "210", "210", "180")
    return enter(trader, sale)


def test_an_entry_is_replaced_at_the_head_of_its_group() -> None:
    trader = Trader()
    old = enter(trader, group(trader, BRACKET, limit="190", profit="210", stop="180"))[0]
    new = change(trader, old, limit_price="191")
    assert [order.parent_id for order in members(trader, new)] == [None, new.id, new.id]
    assert trader.state.orders[old.id].children == ()
    assert trader.state.held == new.hold
    move(trader, "191")
    assert statuses(trader, new) == ["filled", "new", "new"]
    move(trader, "210")
    assert statuses(trader, new) == ["filled", "filled", "canceled"]
    assert not trader.state.positions


def test_an_exit_is_replaced_before_its_entry_fills() -> None:
    trader = Trader()
    head, profit, stop = enter(
        trader, group(trader, BRACKET, limit="190", profit="210", stop="180")
    )
    tight = change(trader, stop, stop_price="185")
    near = change(trader, profit, limit_price="200")
    assert (tight.status, near.status) == (Status.HELD, Status.HELD)
    assert trader.state.orders[head.id].children == (near.id, tight.id)
    move(trader, "190")
    assert statuses(trader, trader.state.orders[head.id]) == ["filled", "new", "new"]
    move(trader, "185")
    assert trader.state.orders[tight.id].status is Status.FILLED
    assert trader.state.orders[near.id].status is Status.CANCELED


def test_a_stop_at_work_may_follow_the_market_past_the_entry() -> None:
    trader = Trader()
    head, _, stop = enter(trader, group(trader, BRACKET, limit="201", profit="230", stop="180"))
    move(trader, "220")
    locked = change(trader, stop, stop_price="215")
    with pytest.raises(Refused, match=r"stop_loss\.stop_price must be <= base_price"):
        change(trader, locked, stop_price="221")
    move(trader, "214")
    assert statuses(trader, trader.state.orders[head.id]) == ["filled", "canceled", "filled"]


def test_a_take_profit_replaced_to_the_market_fills_and_ends_the_stop() -> None:
    trader = Trader()
    profit, stop = pair(trader)
    new = change(trader, profit, limit_price="199")
    assert new.status is Status.FILLED
    assert trader.state.orders[stop.id].status is Status.CANCELED
    assert not trader.state.positions


def test_a_replaced_exit_still_ends_and_reduces_the_other() -> None:
    trader = Trader(rules=SIZED)
    profit, stop = pair(trader)
    profit = change(trader, profit, limit_price="205")
    stop = change(trader, stop, stop_price="185")
    move(trader, "205", size=4)
    assert trader.state.orders[profit.id].filled_qty == 4
    assert trader.state.orders[stop.id].qty == 6
    further = change(trader, trader.state.orders[profit.id], limit_price="206")
    assert (further.filled_qty, further.remaining) == (Decimal(4), Decimal(6))
    trader.do(CancelOrder(order_id=stop.id))
    assert trader.state.orders[further.id].status is Status.CANCELED
    assert not trader.state.working


def test_a_chain_leads_from_the_first_order_to_the_last() -> None:
    trader = Trader()
    profit, stop = pair(trader)
    first = stop
    for price in ("181", "182", "183"):
        stop = change(trader, stop, stop_price=price)
    seen = first
    while seen.replaced_by is not None or seen.id == first.id:
        after = trader.state.orders[seen.id].replaced_by
        if after is None:
            break
        assert trader.state.orders[after].replaces == seen.id
        seen = trader.state.orders[after]
    assert seen.id == stop.id
    assert trader.state.orders[profit.id].children == (stop.id,)


REFUSED: dict[str, tuple[OrderClass, int, dict[str, Any], str]] = {
    "an oto": (OTO, 0, {"limit_price": Decimal(191)}, "oto orders cannot be replaced"),
    "size": (BRACKET, 0, {"qty": Decimal(5)}, "only prices of bracket orders"),
    "time": (BRACKET, 1, {"time_in_force": TimeInForce.GTC}, "only prices of bracket orders"),
    "a limit of a stop": (BRACKET, 2, {"limit_price": Decimal(170)}, "limit_price is not accepted"),
    "a stop of a limit": (BRACKET, 1, {"stop_price": Decimal(170)}, "stop_price is not accepted"),
    "crossed exits": (BRACKET, 1, {"limit_price": Decimal(179)}, "take_profit.limit_price must be"),
    "a stop past the entry": (BRACKET, 2, {"stop_price": Decimal(195)}, "stop_loss.stop_price"),
    "between ticks": (BRACKET, 2, {"stop_price": Decimal("180.001")}, "sub-penny"),
    "nothing": (BRACKET, 2, {"stop_price": Decimal(180)}, "not changed"),
    "a trail": (BRACKET, 2, {"trail": Decimal(1)}, "trail is only allowed"),
    "a name twice": (BRACKET, 2, {"client_order_id": "taken"}, "must be unique"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_group_does_not_let_change_is_refused(case: str) -> None:
    kind, member, changes, text = REFUSED[case]
    trader = Trader()
    trader.submit(trader.simple("SPY", limit="500", client_order_id="taken"))
    stop = None if kind is OTO else "180"
    orders = enter(trader, group(trader, kind, limit="190", profit="210", stop=stop))
    before = dict(trader.state.orders)
    command = ReplaceOrder(order_id=trader.order_id(), replaces=orders[member].id, **changes)
    with pytest.raises(Refused, match=text):
        trader.do(command)
    assert trader.state.orders == before


def test_a_stop_limit_exit_changes_both_its_prices() -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    stop = enter(trader, group(trader, OCO, Side.SELL, "210", "210", "180", "178"))[1]
    new = change(trader, stop, stop_price="182", limit_price="181")
    assert new.type is OrderType.STOP_LIMIT
    assert (new.stop_price, new.limit_price) == (Decimal(182), Decimal(181))
