"""Replacing: a new order in place of the old one, judged as if that were gone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.ids import OrderId
from common.orders import OrderType, Side, TimeInForce
from paper_exchange.engine.account import evolve
from paper_exchange.engine.commands import CancelOrder, MatchOrder, ReplaceOrder
from paper_exchange.engine.events import OrderAccepted, OrderFilled, OrderReplaced, decode, encode
from paper_exchange.engine.market import FillRules, Rules
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.updates import update_of
from tests.paper_exchange.builders import ME, SESSION, Trader, occ

FREE = Rules(fees=False)
NOBODY = OrderId("11111111-1111-1111-1111-111111111111")
CALL, HIGHER = occ(600), occ(605)


def change(trader: Trader, order: OrderState, **changes: Any) -> OrderState:
    """Replace an order and return the new one as it stands."""
    command = ReplaceOrder(order_id=trader.order_id(), replaces=order.id, **changes)
    trader.do(command)
    return trader.state.orders[command.order_id]


def test_a_replaced_order_hands_over_to_the_new_one() -> None:
    trader = Trader()
    old = trader.submit(trader.simple("AAPL", qty=10, limit="150"))
    new = change(trader, old, limit_price=Decimal(160), qty=Decimal(5))
    assert (new.limit_price, new.qty, new.replaces) == (Decimal(160), Decimal(5), old.id)
    assert new.client_order_id != old.client_order_id
    gone = trader.state.orders[old.id]
    assert (gone.status, gone.replaced_by, gone.hold) == (Status.REPLACED, new.id, Decimal(0))
    assert list(trader.state.working) == [new.id]
    assert trader.state.held == new.hold
    replaced, accepted = trader.events[-2:]
    words = [update_of(ME, replaced, gone, "1"), update_of(ME, accepted, new, "2")]
    assert [word.event for word in words if word is not None] == ["replaced", "new"]


def test_a_chain_of_replacements_replays() -> None:
    trader = Trader()
    order = trader.submit(trader.simple("AAPL", qty=10, limit="150"))
    for limit in (151, 152, 201):
        order = change(trader, order, limit_price=Decimal(limit))
    assert order.status is Status.FILLED
    assert order.filled_avg_price == Decimal("200.10")
    state = AccountState(id=ME)
    for event in trader.events:
        evolve(state, decode(encode(event)))
    assert state.orders == trader.state.orders
    assert state.together == trader.state.together


def test_more_than_there_was_needs_only_the_difference() -> None:
    trader = Trader("1000")
    old = trader.submit(trader.simple("AAPL", qty=10, limit="100"))
    bigger = change(trader, old, limit_price=Decimal(110))
    assert bigger.hold == Decimal(550)
    with pytest.raises(Refused, match="insufficient buying power"):
        change(trader, bigger, limit_price=Decimal("199.99"), qty=Decimal(11))
    assert trader.state.orders[bigger.id].status is Status.NEW


def test_what_is_filled_counts_for_the_new_order() -> None:
    trader = Trader(rules=Rules(fills=FillRules(respect_size=True)))
    trader.quote("AAPL", "200", "200.10", size=4)
    old = trader.submit(trader.simple("AAPL", qty=10, limit="200.10"))
    assert old.filled_qty == 4
    with pytest.raises(Refused, match="qty must be > filled qty 4"):
        change(trader, old, qty=Decimal(4))
    new = change(trader, old, qty=Decimal(6))
    filled = trader.state.orders[new.id]
    assert (filled.status, filled.filled_qty) == (Status.FILLED, Decimal(6))
    assert trader.state.qty("AAPL") == 6
    executions = [e.execution_id for e in trader.events if isinstance(e, OrderFilled)]
    assert len(set(executions)) == 2
    assert trader.state.held == 0


def test_a_spread_moves_its_signed_limit() -> None:
    trader = Trader(rules=FREE)
    old = trader.submit(trader.spread((CALL, -1), (HIGHER, 1), limit="-2.50"))
    new = change(trader, old, limit_price=Decimal("-2.20"))
    assert new.hold == 500 - 220
    assert {leg.id for leg in new.legs}.isdisjoint(leg.id for leg in old.legs)
    trader.quote(CALL, "3.30", "3.40")
    trader.do(MatchOrder(order_id=new.id))
    assert trader.state.orders[new.id].filled_avg_price == Decimal("-2.25")
    trader.do(MatchOrder(order_id=old.id))
    assert trader.state.qty(CALL) == -1


def test_a_trail_keeps_its_mark_under_a_new_distance() -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    command = replace(
        trader.simple("AAPL", Side.SELL, 10),
        type=OrderType.TRAILING_STOP,
        trail_percent=Decimal(5),
    )
    old = trader.submit(command)
    trader.quote("AAPL", "210", "210")
    trader.do(MatchOrder(order_id=old.id))
    trader.quote("AAPL", "205", "205")
    new = change(trader, old, trail=Decimal(10))
    assert (new.hwm, new.trail_percent, new.stop_price) == (Decimal(210), Decimal(10), Decimal(189))
    assert new.trail_price is None


def test_a_closing_order_may_be_replaced_though_all_is_claimed() -> None:
    trader = Trader()
    trader.buy("AAPL", 10)
    old = trader.submit(trader.simple("AAPL", Side.SELL, 10, "210"))
    assert change(trader, old, limit_price=Decimal(220)).qty == 10
    assert trader.state.together.claims == {"AAPL": Decimal(10)}


def test_time_in_force_may_change() -> None:
    trader = Trader()
    old = trader.submit(trader.simple("AAPL", limit="150"))
    new = change(trader, old, time_in_force=TimeInForce.GTC)
    assert old.expires_at == SESSION.close
    assert new.expires_at is not None
    assert new.expires_at > SESSION.close
    assert change(trader, new, qty=Decimal(2)).expires_at == new.expires_at


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "order parameters are not changed"),
    "the same": ({"limit_price": Decimal(150)}, "order parameters are not changed"),
    "a trail": ({"trail": Decimal(1)}, "trail is only allowed for trailing stop orders"),
    "a stop": ({"stop_price": Decimal(1)}, "unable to replace order in current state"),
    "between ticks": ({"limit_price": Decimal("150.001")}, "sub-penny"),
    "a name in use": ({"client_order_id": "mine"}, "client_order_id must be unique"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_that_cannot_be_leaves_the_order_alone(case: str) -> None:
    changes, text = REFUSED[case]
    trader = Trader()
    trader.submit(trader.simple("SPY", limit="100", client_order_id="mine"))
    order = trader.submit(trader.simple("AAPL", limit="150"))
    before = dict(trader.state.orders), trader.state.held
    with pytest.raises(Refused, match=text) as refused:
        change(trader, order, **changes)
    assert refused.value.http_status == 422
    assert (trader.state.orders, trader.state.held) == before


def test_orders_that_are_not_on_the_market_are_not_replaced() -> None:
    trader = Trader()
    filled = trader.buy("AAPL")
    with pytest.raises(Refused, match='order is already in "filled" state'):
        change(trader, filled, limit_price=Decimal(1))
    with pytest.raises(Refused, match="order not found"):
        change(trader, msgspec.structs.replace(filled, id=NOBODY), limit_price=Decimal(1))
    order = trader.submit(trader.simple("AAPL", limit="150"))
    change(trader, order, limit_price=Decimal(151))
    with pytest.raises(Refused, match="order already replaced"):
        change(trader, order, limit_price=Decimal(152))
    with pytest.raises(Refused, match='order is already in "replaced" state'):
        trader.do(CancelOrder(order_id=order.id))
    trader.now = SESSION.close
    queued = trader.submit(trader.simple("AAPL", limit="140"))
    with pytest.raises(Refused, match="cannot replace order in accepted status"):
        change(trader, queued, limit_price=Decimal(141))
    kinds = [type(event) for event in trader.events]
    assert kinds.count(OrderReplaced) == 1
    assert kinds.count(OrderAccepted) == 4
