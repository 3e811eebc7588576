"""Moving an order's limit: one new order in the old one's place, never worse than approved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from common.errors import BrokerRefused, Halted, OrderUncertain
from common.ids import ClientOrderId, OrderId
from common.orders import Approved, OrderIntent
from services.broker.alpaca import Connection
from tests.services.broker.connecting import LONG, against
from tests.services.broker.fault_server import ORDER_ID, FaultServer, reply, taken
from tests.services.broker.intents import condor, long_call, sell_call
from tests.services.broker.test_outcomes import UNCERTAIN, go

OLD, NEW = OrderId(ORDER_ID), ClientOrderId("spy0-1-r1")


@asynccontextmanager
async def answering(case: str) -> AsyncIterator[tuple[Connection, FaultServer]]:
    answer, patience = UNCERTAIN[case]
    async with against(answer, patience=patience) as pair:
        yield pair


@pytest.mark.parametrize(
    ("approved", "to", "told"),
    [
        (long_call("1.25"), "1.21", "1.21"),
        (sell_call("-1.30"), "-1.33", "1.33"),
        (condor("-0.47"), "-0.52", "-0.52"),
    ],
)
async def test_only_the_limit_and_the_new_name_are_sent(
    approved: Approved[OrderIntent], to: str, told: str
) -> None:
    named = taken(client_order_id=NEW, symbol="SPY261120C00670000", side="buy")
    async with against(named) as (connection, server):
        order = await connection.broker.replace(OLD, approved, NEW, go, Decimal(to))
        [heard] = server.heard
    assert (heard.method, heard.path) == ("PATCH", f"/v2/orders/{OLD}")
    assert heard.body == {"client_order_id": NEW, "limit_price": told}
    assert order.client_order_id == NEW


@pytest.mark.parametrize("send", ["submit", "replace"])
async def test_a_limit_worse_than_approved_never_leaves(send: str) -> None:
    async with against(taken()) as (connection, server):
        broker, worse = connection.broker, Decimal("-0.46")
        sending = (
            broker.submit(condor(), NEW, go, worse)
            if send == "submit"
            else broker.replace(OLD, condor(), NEW, go, worse)
        )
        with pytest.raises(ValueError, match="worse than the approved"):
            await sending
        assert not server.heard


@pytest.mark.parametrize("case", UNCERTAIN)
async def test_an_unclear_answer_is_uncertain_and_never_sent_again(case: str) -> None:
    async with answering(case) as (connection, server):
        with pytest.raises(OrderUncertain) as raised:
            await connection.broker.replace(OLD, long_call(), NEW, go, Decimal("1.20"))
        assert raised.value.client_order_id == NEW
        assert server.count("PATCH") == 1


async def test_a_clear_no_leaves_the_order_as_it_was() -> None:
    words = {"code": 42210000, "message": "unable to replace order in current state"}
    async with against(reply(422, words), patience=LONG) as (connection, _):
        with pytest.raises(BrokerRefused, match="unable to replace"):
            await connection.broker.replace(OLD, long_call(), NEW, go, Decimal("1.20"))


async def test_a_halt_at_the_socket_stops_it() -> None:
    def halted() -> None:
        raise Halted("drill")

    async with against(taken()) as (connection, server):
        with pytest.raises(Halted):
            await connection.broker.replace(OLD, long_call(), NEW, halted, Decimal("1.20"))
        assert not server.heard
