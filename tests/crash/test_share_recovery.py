"""The desk dies around the send of an order in a stock: it is found again, and never sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.crash.wire import Hold, Wire
from tests.desk import Desk, DeskClient, text_of
from tests.exchange import Exchange

BUY, LIMIT = "buy_stock_market", "buy_stock_limit"
WANTED = {"symbol": "AAPL", "quantity": 2}

Json = dict[str, Any]


@dataclass
class Bench:
    """A desk whose only way to its broker is a wire in our hand."""

    exchange: Exchange
    wire: Wire
    desk: Desk

    async def confirm(self, tool: str, shown: Json, **wanted: Any) -> str:
        """Confirm a preview and return what the desk answers."""
        async with self.desk.client() as client:
            call = wanted | {"preview": False, "confirm_token": shown["confirm_token"]}
            return text_of(await client.mcp.call_tool(tool, call))

    async def killed_while_sending(self, hold: Hold) -> Json:
        """Preview, confirm, and pull the plug once the order is where it is to be held."""
        async with self.desk.client() as client:
            await client.ready()
            shown = await client.ask(BUY, **WANTED)
        self.wire.hold(hold)
        sending = asyncio.create_task(self.confirm(BUY, shown, **WANTED))
        async with asyncio.timeout(20):
            await self.wire.caught.wait()
        self.desk.kill9()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await asyncio.to_thread(self.desk.launch)
        return shown


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with Exchange.start(folder, clock="demo", day="2026-11-20", at="10:30", seed=7) as exchange:
        async with Wire(exchange.url).listening() as wire:
            desk = Desk(
                tmp_path / "state",
                {
                    "alpaca_api_key": exchange.key,
                    "alpaca_secret_key": exchange.secret,
                    "alpaca_base_url": wire.url,
                    "broker_timeout": "2",
                    "quote_age_max": "30",
                },
            )
            try:
                await asyncio.to_thread(desk.launch)
                yield Bench(exchange, wire, desk)
            finally:
                desk.kill9()


async def ours(client: DeskClient) -> Json:
    """Return the one order the desk has written down."""
    [order] = (await client.ask("get_recent_orders"))["orders"]
    return dict(order)


async def used(client: DeskClient) -> Decimal:
    """Return the dollars of the loss budget that are taken up."""
    limits = (await client.ask("risk_check"))["limits"]
    [told] = [limit["used"] for limit in limits if limit["name"] == "daily_loss"]
    return Decimal(told.replace("$", "").replace(",", ""))


async def test_taken_but_the_desk_died_before_it_heard(bench: Bench) -> None:
    shown = await bench.killed_while_sending(Hold.REPLY)
    [taken] = bench.exchange.orders()
    async with bench.desk.client() as client:
        await client.ready()
        found = await client.ended((await ours(client))["client_order_id"], seconds=40)
        assert (found["status"], found["order_id"]) == ("filled", taken["id"])
        assert (found["strategy"], found["filled_qty"]) == ("stock", "2")
        again = await bench.confirm(BUY, shown, **WANTED)
        assert again.startswith("[preview_not_found]")
        assert (await client.ask("reconcile_positions"))["agrees"]
        assert (await client.ask("flatten_all"))["flat"]
    assert bench.wire.posts == 2  # the order, and the one that closed it
    assert len(bench.exchange.orders()) == 2


async def test_never_heard_by_the_broker_is_kept_reserved_and_then_given_up(bench: Bench) -> None:
    shown = await bench.killed_while_sending(Hold.REQUEST)
    async with bench.desk.client() as client:
        await client.ready()
        order = await ours(client)
        assert order["status"] == "unknown"
        assert abs(await used(client) - Decimal(shown["preview"]["max_loss"])) < 2
        ended = await client.ended(order["client_order_id"], seconds=60)
        assert ended["status"] == "expired"
        assert "does not know it" in ended["reason"]
        assert await used(client) == 0
    assert bench.wire.posts == 1
    assert bench.exchange.orders() == []


async def test_a_resting_order_is_ours_again_after_a_power_cut_and_can_be_canceled(
    bench: Bench,
) -> None:
    wanted = WANTED | {"limit_price": 150, "time_in_force": "gtc"}
    async with bench.desk.client() as client:
        await client.ready()
        order = await client.confirmed(LIMIT, await client.ask(LIMIT, **wanted), **wanted)
        assert order["status"] == "accepted"
        reserved = await used(client)
        assert reserved >= 2 * 150 * Decimal("0.20")
    bench.desk.kill9()
    await asyncio.to_thread(bench.desk.launch)
    async with bench.desk.client() as client:
        await client.ready()
        assert await ours(client) == order
        assert await used(client) == reserved
        assert (await client.ask("reconcile_positions"))["agrees"]
        done = await client.ask("cancel_all_stock_orders_tool")
        assert [one["status"] for one in done["orders"]] == ["canceled"]
        assert await used(client) == 0
    assert bench.wire.posts == 1
    assert bench.exchange.orders("open") == []
