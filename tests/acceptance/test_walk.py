"""Entries that walk: given up in time, ended by a kill or a cancel, and never doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from math import exp
from pathlib import Path
from typing import Any

import pytest

from common.session import new_york
from services.execution.records import root_of
from tests.desk import Desk, DeskClient
from tests.e2e.changing import changes
from tests.exchange import Exchange
from tests.paper_exchange.feed.recorder import BARS, QUOTES, table
from tests.tools.market import PATIENT, Reply, followed, until

DAY = date(2026, 12, 8)
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


async def test_a_walk_stops_on_old_quotes(exchange: Exchange, tmp_path: Path) -> None:
    async with standing(tmp_path, exchange, {"short_delta": 30, "width": 2}) as (desk, client):
        exchange.fault(kind="500", path="/v1beta1/options", times=0)  # no quote is vouched for
        try:
            order = await ended(client)
        finally:
            exchange.clear_faults()
        assert (order["status"], order["filled_qty"]) == ("canceled", "0")
        assert (
            len(exchange.orders()) == 1
        )  # it was not moved to natural, where it would have filled
        assert "the walk stops: the quote of SPY" in desk.log.read_text()


async def test_a_walk_stops_on_a_spread_that_widens(tmp_path: Path) -> None:
    options = {"feed": "replay", "recording": widening(tmp_path / "recording"), "at": "10:05"}
    (tmp_path / "exchange").mkdir()
    with Exchange.start(tmp_path / "exchange", day=f"{DAY}", **options) as exchange:
        spread = {"right": "call", "buy_strike": 670, "sell_strike": 675}
        tool = "option_debit_spread"
        async with standing(tmp_path / "desk", exchange, spread, tool) as (desk, client):
            [order] = exchange.orders()
            exchange.step(timedelta(minutes=1))
            await followed(client, exchange, order["legs"])
            order = await ended(client)
            assert (order["status"], order["filled_qty"]) == ("canceled", "0")
            assert len(exchange.orders()) == 1
            assert "the walk stops: the spread went from 0.08 to 0.40" in desk.log.read_text()


@asynccontextmanager
async def standing(
    folder: Path, exchange: Exchange, wanted: dict[str, Any], tool: str = CONDOR
) -> AsyncIterator[tuple[Desk, DeskClient]]:
    """Confirm a trade whose order stands at the mid, long before its first step."""
    slow = {"entry_step": 10, "entry_steps": 4, "entry_timeout": 13, "quote_age_max": 5}
    with Desk.start(folder, exchange, **(SETTINGS | slow)) as desk:
        async with desk.client() as client, desk.client() as other:
            await client.ready()
            shown = await client.ask(tool, **wanted)
            agreed = {"preview": False, "confirm_token": shown["confirm_token"]}
            sending = asyncio.ensure_future(other.mcp.call_tool(tool, {**wanted, **agreed}))

            async def stands() -> bool:
                return bool(exchange.orders("open"))

            await until(stands, "it was not sent")
            yield desk, client
            await sending


def widening(folder: Path) -> Path:
    """Record a still morning whose option spreads, after 10:05, are five times as wide."""
    opens, spot = new_york(DAY, time(9, 30)), 672
    minutes = [opens + timedelta(minutes=n) for n in range(60)]
    bars = [(at.isoformat(), spot, spot, spot, spot, 1000) for at in minutes]
    table(folder / f"{DAY}" / "SPY.bars.csv", BARS, bars)
    rows = []
    for at, half in ((opens, 2), (new_york(DAY, time(10, 5, 30)), 10)):  # cents
        for strike in range(spot - 10, spot + 11):
            for right, inner in (("C", spot - strike), ("P", strike - spot)):
                mid = round(100 * max(inner, 0) + 200 * exp(-abs(inner) / 4))
                symbol = f"SPY{DAY:%y%m%d}{right}{strike:05d}000"
                bid, ask = max(mid - half, 1) / 100, (mid + half) / 100
                rows.append((symbol, at.isoformat(), f"{bid:.2f}", f"{ask:.2f}", 50, 50))
    rows.sort(key=lambda row: (row[0], row[1]))
    table(folder / f"{DAY}" / "SPY.option_quotes.csv", ("symbol", *QUOTES), rows)
    return folder
