"""The kill switch: nothing opens any more, what works is taken back, and no restart forgets it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.desk import Desk
from tests.exchange import Exchange
from tests.tools.market import PATIENT, natural
from tests.tools.slow_road import SlowRoad

CONDOR = "iron_condor_30_delta"
OPENING: list[tuple[str, dict[str, Any]]] = [
    (CONDOR, {}),
    ("orb_long_call", {}),
    ("orb_long_put", {}),
    ("lotto_play_5_delta", {"right": "call"}),
    ("option_credit_spread", {"right": "put"}),
    ("option_debit_spread", {"right": "call"}),
    ("buy_option_limit", {"right": "call", "delta": 30, "limit": 1}),
]


@pytest.fixture
def road(exchange: Exchange) -> Iterator[SlowRoad]:
    with SlowRoad.to(exchange) as road:
        yield road


@pytest.fixture
def desk(road: SlowRoad, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk.start(tmp_path_factory.mktemp("state"), road.exchange, **PATIENT) as desk:
        yield desk


async def test_a_kill_takes_back_what_works_refuses_what_opens_and_outlives_the_daemon(
    desk: Desk, exchange: Exchange, road: SlowRoad
) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(CONDOR, width=2)
        held = await client.confirmed(CONDOR, shown, width=2)
        assert (await client.ended(held["client_order_id"]))["status"] == "filled"

        shown = await client.ask(CONDOR, width=1)
        road.hold("request")
        sending = asyncio.create_task(client.confirmed(CONDOR, shown, width=1))
        await road.held()
        legs, limit = shown["preview"]["legs"], Decimal(shown["preview"]["limit"])
        while natural(exchange, legs) <= limit:
            exchange.step(timedelta(minutes=5))
        road.let_go()
        working = await sending
        assert working["status"] == "accepted"

        killed = await client.ask("kill_switch")
        assert (killed["mode"], killed["halt"]) == ("paper", "halted")
        ended = await client.ended(working["client_order_id"])
        assert (ended["status"], ended["filled_qty"]) == ("canceled", "0")
        assert exchange.orders("open") == []
        assert (await client.ask("kill_switch"))["halt"] == "halted"
        released = await client.refusal("kill_switch", enable=False)
        assert released.startswith("[release_refused]")
        assert "in a terminal" in released

    count = len(exchange.orders())
    desk.kill9()
    desk.launch()
    async with desk.client(era="legacy") as client:
        for tool, wanted in OPENING:
            for asked in ({}, {"preview": False, "confirm_token": shown["confirm_token"]}):
                refused = await client.refusal(tool, **wanted, **asked)
                assert refused.startswith(("[kill_switch]", "[preview_not_found]"))
        health = await client.ask("health_check")
        assert (health["ready"], health["halt"]) == (False, "halted")
        why = "kill switch: trading is halted; the kill sentinel is set (kill)"
        assert any(reason.startswith(why) for reason in health["reasons"])
        assert (await client.ask("risk_check"))["ok"] is False
        assert len(exchange.orders()) == count

        known = await client.ask("get_order_status", order_id=held["client_order_id"])
        assert known["order"]["strategy"] == "iron_condor"
        done = await client.ask("flatten_all")  # closing is never halted
        assert done["flat"]
        assert [order["strategy"] for order in done["closing_orders"]] == ["iron_condor"]
    assert exchange.positions() == []
