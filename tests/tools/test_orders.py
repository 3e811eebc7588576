"""Orders through a client: how each stands, whose it is, and taking it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.market import PATIENT, Reply, followed, natural, until
from tests.tools.slow_road import SlowRoad

pytestmark = pytest.mark.usefixtures("flat_after")

CONDOR = "iron_condor_30_delta"
FAR_CALL = "SPY261208C00690000"


@pytest.fixture(scope="module")
def road(exchange: Exchange) -> Iterator[SlowRoad]:
    with SlowRoad.to(exchange) as road:
        yield road


@pytest.fixture(scope="module")
def desk(road: SlowRoad, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.start(tmp_path_factory.mktemp("state"), road.exchange, **PATIENT) as desk:
        yield desk


@asynccontextmanager
async def working_order(
    desk: Desk, exchange: Exchange, road: SlowRoad, width: int = 1
) -> AsyncIterator[tuple[DeskClient, Reply]]:
    """Have an opening order of the desk work at the exchange.

    The market leaves its limit while it is on its way there, which needs no help from inside.
    """
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        shown = await client.ask(CONDOR, width=width)
        legs, limit = shown["preview"]["legs"], Decimal(shown["preview"]["limit"])
        road.hold("request")
        sending = asyncio.create_task(client.confirmed(CONDOR, shown, width=width))
        await road.held()
        while natural(exchange, legs) <= limit:
            exchange.step(timedelta(minutes=5))
        road.let_go()
        yield client, await sending


def external_order(exchange: Exchange) -> Reply:
    """Place an order as somebody else would: past the desk, too far away to fill."""
    answer = exchange.request(
        "POST",
        "/v2/orders",
        {
            "symbol": FAR_CALL,
            "qty": "1",
            "side": "buy",
            "type": "limit",
            "limit_price": "0.01",
            "time_in_force": "day",
        },
    )
    assert answer.status == 200, answer.body
    placed: Reply = answer.body
    return placed


async def test_a_working_order_is_told_as_working_and_canceled_once(
    desk: Desk, exchange: Exchange, road: SlowRoad
) -> None:
    async with working_order(desk, exchange, road) as (client, order):
        assert (order["status"], order["filled_qty"]) == ("accepted", "0")
        by_ours = await client.ask("get_order_status", order_id=order["client_order_id"])
        by_theirs = await client.ask("get_order_status", order_id=order["order_id"])
        assert by_ours == by_theirs
        assert by_ours["message"] == "accepted: 0 of 1 filled."
        working = (await client.ask("get_orders", status="open"))["orders"]
        assert [one["client_order_id"] for one in working] == [order["client_order_id"]]

        async def priced() -> bool:
            return not (await client.mcp.call_tool("risk_check", {})).is_error

        await until(priced, "the stepped market is not seen yet")
        reserved = await client.ask("risk_check")
        [loss] = [limit for limit in reserved["limits"] if limit["name"] == "daily_loss"]
        assert loss["used"] != "$0.00"

        done = await client.ask("cancel_order", order_id=order["order_id"])
        assert (done["mode"], done["order"]["status"]) == ("paper", "canceled")
        assert exchange.orders("open") == []
        again = await client.refusal("cancel_order", order_id=order["client_order_id"])
        assert again.startswith("[not_open]")
        assert "already canceled" in again
        unknown = await client.refusal("cancel_order", order_id="not-an-order")
        assert unknown.startswith("[order_not_found]")


async def test_a_filled_order_cannot_be_canceled_and_keeps_its_strategy(
    desk: Desk, exchange: Exchange
) -> None:
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        shown = await client.ask(CONDOR, width=2)
        order = await client.confirmed(CONDOR, shown, width=2)
        await client.ended(order["client_order_id"])
        told = await client.ask("get_order_status", order_id=order["order_id"])
        assert told["message"] == "filled: 1 of 1 filled."
        assert told["order"]["strategy"] == "iron_condor"
        assert told["order"]["legs"] == order["legs"]
        refused = await client.refusal("cancel_order", order_id=order["order_id"])
        assert refused.startswith("[not_open]")
        assert "already filled" in refused
        assert exchange.get(f"/v2/orders/{order['order_id']}")["status"] == "filled"


async def test_somebody_elses_order_is_shown_as_external_and_can_be_canceled(
    desk: Desk, exchange: Exchange
) -> None:
    placed = external_order(exchange)
    async with desk.client() as client:
        await client.ready()
        newest = (await client.ask("get_orders", limit=1))["orders"]
        assert [one["order_id"] for one in newest] == [placed["id"]]
        for order_id in (placed["id"], placed["client_order_id"]):
            told = await client.ask("get_order_status", order_id=order_id)
            assert told["order"]["strategy"] == "external"
            assert (told["order"]["limit"], told["order"]["exit"]) == ("0.01", None)
        done = await client.ask("cancel_order", order_id=placed["client_order_id"])
        assert done["order"]["status"] == "canceled"
        assert exchange.get(f"/v2/orders/{placed['id']}")["status"] == "canceled"


async def test_orders_are_listed_newest_first_by_status_up_to_the_limit(
    desk: Desk, exchange: Exchange
) -> None:
    first, second = external_order(exchange), external_order(exchange)
    async with desk.client() as client:
        await client.ready()

        async def listed(**arguments: object) -> list[str]:
            found = await client.ask("get_orders", **arguments)
            assert found["mode"] == "paper"
            return [order["order_id"] for order in found["orders"]]

        assert (await listed(status="open")) == [second["id"], first["id"]]
        assert (await listed(status="open", limit=1)) == [second["id"]]
        await client.ask("cancel_order", order_id=first["id"])
        assert (await listed(status="open")) == [second["id"]]
        assert first["id"] in await listed(status="closed")
        everything = [order["id"] for order in exchange.orders()]
        assert (await listed(limit=100)) == everything[:100]


async def test_an_order_on_its_way_is_unknown_to_nobody_and_never_sent_again(
    desk: Desk, exchange: Exchange, road: SlowRoad
) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        await client.ready()
        await followed(client, exchange)
        shown = await client.ask(CONDOR, width=1)
        road.hold("answer")
        sending = asyncio.create_task(client.confirmed(CONDOR, shown, width=1))
        await road.held()
        [placed, *_] = exchange.orders()
        told = await client.ask("get_order_status", order_id=placed["client_order_id"])
        assert told["order"]["status"] in {
            "submitting",
            "accepted",
            "filled",
        }  # the stream is faster
        again = await client.refusal(
            CONDOR, width=1, preview=False, confirm_token=shown["confirm_token"]
        )
        assert again.startswith("[preview_not_found]")
        road.let_go()
        order = await sending
        assert order["client_order_id"] == placed["client_order_id"]
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
    assert len(exchange.orders()) == before + 1
