"""Entries that walk: given up in time, ended by a kill or a cancel, and never doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.execution.records import root_of
from tests.desk import Desk, DeskClient
from tests.e2e.changing import changes
from tests.exchange import Exchange
from tests.tools.market import PATIENT, Reply, until

CONDOR = "iron_condor_30_delta"
SETTINGS: dict[str, Any] = {
    **PATIENT,
    "max_daily_loss": 5000,
    "open_interest_min": 0,
    "broker_timeout": 1,
    "entry_pricing": "adaptive",
    "entry_step": 0.5,
    "entry_steps": 1,  # half way to natural, where nobody fills it
    "entry_timeout": 30,
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    day = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}
    with Exchange.start(tmp_path_factory.mktemp("exchange"), **day) as exchange:
        yield exchange


@pytest.fixture
def exchange(shared: Exchange) -> Exchange:
    """Return the account of one case."""
    return shared.tenant()


@asynccontextmanager
async def walking(
    folder: Path, exchange: Exchange, **changes: object
) -> AsyncIterator[tuple[DeskClient, asyncio.Future[Any]]]:
    """Confirm a condor whose order is half way when the block begins."""
    with Desk.start(folder, exchange, **(SETTINGS | changes)) as desk:
        async with desk.client() as client, desk.client() as other:
            await client.ready()
            shown = await client.ask(CONDOR, width=2)
            arguments = {"width": 2, "preview": False, "confirm_token": shown["confirm_token"]}
            sending = asyncio.ensure_future(other.mcp.call_tool(CONDOR, arguments))

            async def moved() -> bool:
                return any(order["status"] == "replaced" for order in exchange.orders())

            await until(moved, "it was not moved")
            yield client, sending
            await sending
            one_order(exchange)
            assert exchange.positions() == []
            assert exchange.orders("open") == []


def one_order(exchange: Exchange) -> None:
    """Require one order and what took its place, one after the other."""
    orders = exchange.orders()
    assert len({root_of(order["client_order_id"]) for order in orders}) == 1
    assert [o["status"] for o in reversed(orders)][:-1] == ["replaced"] * (len(orders) - 1)


async def ended(client: DeskClient) -> Reply:
    [order] = (await client.ask("get_recent_orders"))["orders"]
    return await client.ended(order["client_order_id"])


@changes("entry_pricing", "entry_steps", "entry_timeout")
async def test_what_does_not_fill_is_given_up_and_says_so(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with walking(tmp_path, exchange, entry_timeout=2) as (client, _):
        order = await ended(client)
        assert (order["status"], order["filled_qty"]) == ("canceled", "0")

        async def told() -> bool:
            [order] = (await client.ask("get_recent_orders"))["orders"]
            return bool((order["reason"] or "").startswith("gave up: not filled at"))

        await until(told, "it does not say that it gave up")
        reason = (await client.ask("get_recent_orders"))["orders"][0]["reason"]
        assert reason.endswith("within 2 s")
        assert Decimal(order["working_limit"]) < Decimal(order["limit"])
        assert len(exchange.orders()) == 2  # one step was allowed


@changes("entry_step")
async def test_a_kill_ends_a_walk(exchange: Exchange, tmp_path: Path) -> None:
    async with walking(tmp_path, exchange, entry_steps=20, entry_step=1.5) as (client, _):
        await client.ask("kill_switch")
        assert (await ended(client))["status"] == "canceled"


async def test_a_cancel_ends_a_walk(exchange: Exchange, tmp_path: Path) -> None:
    async with walking(tmp_path, exchange, entry_steps=20, entry_step=1.5) as (client, _):
        [order] = (await client.ask("get_recent_orders"))["orders"]
        told = await client.ask("cancel_order", order_id=order["client_order_id"])
        assert told["order"]["status"] == "canceled"


async def test_a_move_without_an_answer_is_looked_up_and_not_made_again(
    exchange: Exchange, tmp_path: Path
) -> None:
    fault = {"kind": "timeout_after_accept", "method": "PATCH", "path": "/v2/orders", "seconds": 3}
    headers = {"Authorization": f"Bearer {exchange.admin_key}"}
    assert exchange.request("POST", "/admin/faults", fault, headers=headers).status == 200
    async with walking(tmp_path, exchange, entry_timeout=6) as (client, _):
        order = await ended(client)
        assert order["status"] == "canceled"
        assert len(exchange.orders()) == 2
        assert order["order_id"] == exchange.orders()[0]["id"]


async def test_a_desk_that_died_half_way_gives_its_order_up(
    exchange: Exchange, tmp_path: Path
) -> None:
    with Desk.start(tmp_path, exchange, **SETTINGS) as desk:
        async with desk.client() as client:
            await client.ready()
            shown = await client.ask(CONDOR, width=2)
            sent = await client.confirmed(CONDOR, shown, width=2)
        desk.kill9()
        assert len(exchange.orders("open")) == 1
        desk.launch()
        async with desk.client() as client:
            await client.ready()
            assert (await client.ended(sent["client_order_id"]))["status"] == "canceled"
    one_order(exchange)
    assert exchange.positions() == []
