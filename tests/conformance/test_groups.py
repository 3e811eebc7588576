"""alpaca-py changes the prices of a bracket and of an OCO while they wait."""

from __future__ import annotations

import uuid

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    LimitOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)

from tests.conformance.conftest import Client


def bracket(client: TradingClient) -> Order:
    """Send a bracket whose entry waits far below the market."""
    sent = client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=2,
            side=OrderSide.BUY,
            time_in_force=TimeInForce.GTC,
            limit_price=10,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=4000),
            stop_loss=StopLossRequest(stop_price=5),
            client_order_id=str(uuid.uuid4()),
        )
    )
    assert isinstance(sent, Order)
    return sent


def shown(client: TradingClient, order_id: uuid.UUID) -> Order:
    found = client.get_order_by_id(order_id, GetOrderByIdRequest(nested=True))
    assert isinstance(found, Order)
    return found


def replaced(client: TradingClient, order_id: uuid.UUID, **changes: float) -> Order:
    new = client.replace_order_by_id(order_id, ReplaceOrderRequest.model_validate(changes))
    assert isinstance(new, Order)
    assert new.replaces == order_id
    assert shown(client, order_id).replaced_by == new.id
    return new


def test_the_entry_and_both_exits_are_replaced_and_stay_one_group(flat: Client) -> None:
    entry = bracket(flat)
    assert entry.legs is not None
    profit, stop = entry.legs
    near = replaced(flat, profit.id, limit_price=3000)
    tight = replaced(flat, stop.id, stop_price=6)
    head = replaced(flat, entry.id, limit_price=11)
    assert (near.status, tight.status) == (OrderStatus.HELD, OrderStatus.HELD)
    legs = shown(flat, head.id).legs
    assert legs is not None
    assert [(leg.id, leg.limit_price, leg.stop_price) for leg in legs] == [
        (near.id, "3000", None),
        (tight.id, None, "6"),
    ]
    flat.cancel_order_by_id(tight.id)
    for order_id in (head.id, near.id, tight.id):
        assert shown(flat, order_id).status is OrderStatus.CANCELED


def test_what_else_a_bracket_is_stays_as_it_was_sent(flat: Client) -> None:
    entry = bracket(flat)
    with pytest.raises(APIError, match="only prices of bracket orders can be replaced"):
        flat.replace_order_by_id(entry.id, ReplaceOrderRequest(qty=1))
    flat.cancel_order_by_id(entry.id)
