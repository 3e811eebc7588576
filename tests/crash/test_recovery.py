"""The desk dies, or hears nothing, between writing an order down and knowing its fate.

Whatever happens, the order is sent at most once, its risk stays reserved until its fate is
known, and what the broker has is found by the id that was written down first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.execution.records import OrderRecord
from tests.crash import book
from tests.crash.wire import Hold, Wire
from tests.desk import Desk, DeskClient, text_of
from tests.exchange import Exchange

CONDOR = "iron_condor_30_delta"
WIDTH = 2

Json = dict[str, Any]


@dataclass
class Bench:
    """A desk whose only way to its broker is a wire in our hand."""

    exchange: Exchange
    wire: Wire
    desk: Desk

    async def previewed(self) -> Json:
        """Return a preview that can be confirmed."""
        async with self.desk.client() as client:
            await client.ready()
            return await _shown(client)

    async def confirm(self, shown: Json) -> str:
        """Confirm a preview and return what the desk answers."""
        async with self.desk.client() as client:
            answer = await client.mcp.call_tool(
                CONDOR,
                {"width": WIDTH, "preview": False, "confirm_token": shown["confirm_token"]},
            )
            return text_of(answer)

    async def killed_while_sending(self, shown: Json, hold: Hold) -> None:
        """Confirm, and pull the plug once the order is where it is to be held."""
        self.wire.hold(hold)
        sending = asyncio.create_task(self.confirm(shown))
        async with asyncio.timeout(20):
            await self.wire.caught.wait()
        self.desk.kill9()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    def written(self) -> OrderRecord:
        """Return the one order that the desk has written down."""
        [record] = book.read(next(self.desk.folder.glob("*/desk.sqlite"))).records.values()
        return record

    async def settled(self, client: DeskClient) -> Json:
        """Wait until that order has ended, and return it."""
        return await client.ended(self.written().client_order_id, seconds=40)

    def at_the_broker(self) -> Json:
        """Return the one order that the exchange has."""
        [order] = self.exchange.orders()
        return order


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
                    "price_tolerance": "0.5",  # a loaded machine takes its time
                    "quote_age_max": "30",
                },
            )
            try:
                await asyncio.to_thread(desk.launch)
                yield Bench(exchange, wire, desk)
            finally:
                desk.kill9()


async def test_taken_but_the_desk_died_before_it_heard(bench: Bench) -> None:
    shown = await bench.previewed()
    await bench.killed_while_sending(shown, Hold.REPLY)
    # The reply is held, the order stream is not: it may have told of it already.
    assert bench.written().status in {"submitting", "accepted"}
    taken = bench.at_the_broker()

    await asyncio.to_thread(bench.desk.launch)
    async with bench.desk.client() as client:
        await client.ready()
        found = await bench.settled(client)
        again = await bench.confirm(shown)
    assert (found["status"], found["order_id"]) == ("filled", taken["id"])
    assert taken["client_order_id"] == found["client_order_id"]
    assert "flat by" in found["exit"]
    assert again.startswith("[preview_not_found]")
    assert bench.wire.posts == 1
    assert bench.at_the_broker()["id"] == taken["id"]


async def test_never_heard_by_the_broker_is_kept_reserved_and_then_given_up(bench: Bench) -> None:
    shown = await bench.previewed()
    await bench.killed_while_sending(shown, Hold.REQUEST)
    assert bench.written().status == "submitting"

    await asyncio.to_thread(bench.desk.launch)
    async with bench.desk.client() as client:
        await client.ready()
        assert bench.written().status == "unknown"
        assert await _used(client) == _dollars(shown["preview"]["max_loss"])
        ended = await bench.settled(client)
        assert ended["status"] == "expired"
        assert "does not know it" in ended["reason"]
        assert await _used(client) == 0
    assert bench.wire.posts == 1
    assert bench.exchange.orders() == []


async def test_a_request_that_lands_after_the_desk_gave_up_and_died_is_found(bench: Bench) -> None:
    shown = await bench.previewed()
    bench.wire.hold(Hold.REQUEST)
    assert (await bench.confirm(shown)).startswith("[order_uncertain]")
    async with bench.desk.client() as client:
        assert await _used(client) == _dollars(shown["preview"]["max_loss"])
    assert bench.exchange.orders() == []
    bench.desk.kill9()
    await asyncio.to_thread(bench.desk.launch)
    async with bench.desk.client() as client:
        await client.ready()
        assert bench.written().status == "unknown"
        bench.wire.release()
        found = await bench.settled(client)
    assert (found["status"], found["order_id"]) == ("filled", bench.at_the_broker()["id"])
    assert "flat by" in found["exit"]
    assert bench.wire.posts == 1


async def test_a_reply_that_comes_too_late_leaves_no_doubt_for_long(bench: Bench) -> None:
    shown = await bench.previewed()
    bench.wire.hold(Hold.REPLY)
    assert (await bench.confirm(shown)).startswith("[order_uncertain]")
    async with bench.desk.client() as client:
        found = await bench.settled(client)
        bench.wire.release()
        assert (await bench.confirm(shown)).startswith("[preview_not_found]")
    assert (found["status"], found["order_id"]) == ("filled", bench.at_the_broker()["id"])
    assert bench.wire.posts == 1


async def test_a_power_cut_of_desk_and_embedded_exchange_changes_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"exchange__day": "2026-11-20", "exchange__at": "10:30"})
    try:
        await asyncio.to_thread(desk.launch)
        async with desk.client() as client:
            await client.ready()
            order = await client.confirmed(CONDOR, await _shown(client), width=WIDTH)
            before = await client.ended(order["client_order_id"])
            assert before["status"] == "filled"
            held = await _holdings(client)
        exchange = json.loads((tmp_path / "exchange" / "address.json").read_text())
        for pid in (desk.told["pid"], exchange["pid"]):
            os.kill(pid, signal.SIGKILL)
        desk.kill9()

        await asyncio.to_thread(desk.launch)
        async with desk.client() as client:
            await client.ready()
            [after] = (await client.ask("get_orders", status="all"))["orders"]
            assert after == before
            assert await _holdings(client) == held
            assert (await client.ask("flatten_all"))["flat"]
    finally:
        desk.stop()


async def _shown(client: DeskClient) -> Json:
    """Return a preview that can be confirmed: a young chain may not have the strikes yet."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.mcp.call_tool(CONDOR, {"width": WIDTH})
            if not answer.is_error and answer.structured_content is not None:
                return dict(answer.structured_content)
            await asyncio.sleep(0.1)


async def _holdings(client: DeskClient) -> list[tuple[str, str]]:
    positions = (await client.ask("get_positions"))["positions"]
    return sorted((held["symbol"], held["qty"]) for held in positions)


async def _used(client: DeskClient) -> Decimal:
    """Return the dollars of the loss budget that are taken up."""
    limits = (await client.ask("risk_check"))["limits"]
    [used] = [limit["used"] for limit in limits if limit["name"] == "daily_loss"]
    return _dollars(used)


def _dollars(text: str) -> Decimal:
    return Decimal(text.replace("$", "").replace(",", ""))
