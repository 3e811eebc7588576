"""A client that goes away while its order is on its way loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk, DeskClient, Era
from tests.exchange import Exchange
from tests.tools.market import PATIENT, until
from tests.tools.slow_road import SlowRoad, Where

CONDOR = "iron_condor_30_delta"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange.start(folder, clock="stepped", day="2026-12-08", at="10:05", seed=7) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def road(exchange: Exchange) -> Iterator[SlowRoad]:
    with SlowRoad.to(exchange) as road:
        yield road


@pytest.fixture(scope="module")
def desk(road: SlowRoad, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("state")
    with Desk.start(folder, road.exchange, **PATIENT) as desk:
        yield desk


async def send_and_leave(desk: Desk, road: SlowRoad, era: Era, where: Where) -> None:
    """Confirm a condor, and be gone, connection and all, while the order stands on the road."""

    async def confirm(client: DeskClient) -> None:
        shown = await client.ask(CONDOR, width=1)
        arguments: dict[str, Any] = {"preview": False, "confirm_token": shown["confirm_token"]}
        road.hold(where)
        await client.ask(CONDOR, width=1, **arguments)

    async with desk.client(era=era) as client:
        await client.ready()
        confirming = asyncio.create_task(confirm(client))
        await road.held()
        confirming.cancel()
        with suppress(asyncio.CancelledError):
            await confirming


@pytest.mark.parametrize("where", ["request", "answer"])
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_order_whose_caller_left_is_recorded_found_and_sent_once(
    desk: Desk, exchange: Exchange, road: SlowRoad, era: Era, where: Where
) -> None:
    before = {order["client_order_id"] for order in exchange.orders()}
    await send_and_leave(desk, road, era, where)
    assert len(exchange.orders()) == len(before) + (where == "answer")
    road.let_go()

    async def arrived() -> bool:
        return len(exchange.orders()) > len(before)

    await until(arrived, "the order was lost with its caller")
    async with desk.client() as client:
        [placed] = [one for one in exchange.orders() if one["client_order_id"] not in before]
        found = await client.ended(placed["client_order_id"])
        assert found["order_id"] == placed["id"]
        assert (found["status"], found["strategy"]) == ("filled", "iron_condor")
        assert found["exit"].startswith("armed: stop 1x, target 50%, flat by ")
        assert found["reason"] is None  # its send was never broken off, nor its outcome in doubt
        listed = (await client.ask("get_orders", limit=1))["orders"]
        assert [one["client_order_id"] for one in listed] == [placed["client_order_id"]]
        assert (await client.ask("flatten_all"))["flat"]
    after = [one for one in exchange.orders() if one["client_order_id"] not in before]
    opening = [one for one in after if one["legs"][0]["position_intent"].endswith("open")]
    assert len(opening) == 1
    assert len(after) == 2  # it, and what flattened it
    assert exchange.positions() == []
