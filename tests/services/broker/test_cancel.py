"""Cancels are tried until they are clear."""

from __future__ import annotations

import pytest

from common.errors import BrokerUnavailable, NotOpen, OrderNotFound
from common.ids import OrderId
from tests.services.broker import fault_server as faults
from tests.services.broker.connecting import against
from tests.services.broker.fault_server import reply


async def test_a_cancel_is_tried_again_until_it_is_clear() -> None:
    async with against(reply(503), faults.close, reply(204)) as (connection, server):
        await connection.broker.cancel(OrderId(faults.ORDER_ID))
        assert [request.path for request in server.heard] == [f"/v2/orders/{faults.ORDER_ID}"] * 3


async def test_a_cancel_says_why_it_cannot() -> None:
    unknown = reply(404, {"code": 40410000, "message": "order not found"})
    ended = reply(422, {"code": 42210000, "message": 'order is already in "filled" state'})
    async with against(unknown, ended) as (connection, _):
        with pytest.raises(OrderNotFound):
            await connection.broker.cancel(OrderId("a/../b"))
        with pytest.raises(NotOpen, match='already in "filled" state'):
            await connection.broker.cancel(OrderId(faults.ORDER_ID))


async def test_an_order_id_cannot_reach_another_path() -> None:
    async with against(reply(204)) as (connection, server):
        await connection.broker.cancel(OrderId("../positions?x=1"))
        assert server.heard[0].path == "/v2/orders/..%2Fpositions%3Fx%3D1"


async def test_a_broker_that_does_not_say_whether_it_is_suspended_is_not_taken_for_open() -> None:
    async with against(reply(200, {"no": "word of it"})) as (connection, _):
        with pytest.raises(BrokerUnavailable, match="cannot be read"):
            await connection.reader.suspended()


async def test_one_request_cancels_all_and_says_which_the_broker_took() -> None:
    lines = [{"id": "one", "status": 200}, {"id": "two", "status": 500}]
    async with against(reply(207, lines), reply(207, [])) as (connection, server):
        assert await connection.broker.cancel_all() == {"one"}
        assert await connection.broker.cancel_all() == frozenset()
        assert [(asked.method, asked.path) for asked in server.heard] == [
            ("DELETE", "/v2/orders")
        ] * 2


async def test_a_cancel_of_all_that_cannot_be_read_is_none() -> None:
    async with against(reply(207, [{"id": 1}])) as (connection, _):
        with pytest.raises(BrokerUnavailable, match="cannot be read"):
            await connection.broker.cancel_all()
