"""Settings that show in a running desk: one with everything changed at once, one that is rare."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest

from common.session import new_york
from tests.desk import ENTRYPOINT, Desk
from tests.e2e.changing import changes
from tests.exchange import ROOT, Exchange
from tests.tools.market import touches, until

DAY = date(2026, 12, 8)
STRATEGY = "iron_condor_30_delta"


# ---- A desk with everything changed at once


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with Exchange.start(
        tmp_path_factory.mktemp("exchange"),
        clock="stepped",
        day=DAY.isoformat(),
        at="10:05",
        seed=7,
        data_plan="plus",
    ) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def desk(
    exchange: Exchange, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    with Desk.start(
        tmp_path_factory.mktemp("state"),
        exchange,
        max_daily_loss=250,
        portfolio_delta_cap=20,
        quote_age_max=60,
        spread_max=0.5,
        no_entry_before_close=100,
        exit_before_close=90,
        last_order_before_close=60,
        confirmation_timeout=1,
        price_tolerance=0.2,
        stream_symbols_max=8,
        auto_expire_time="10:30",
        cache_cleanup_interval=0.5,
        port=ports[0],
        prometheus_port=ports[1],
        allowed_hosts="desk.example",
        log_level="debug",
        answer_schemas="full",
    ) as desk:
        yield desk


@changes("max_daily_loss", "portfolio_delta_cap", "quote_age_max", "spread_max")
async def test_a_risk_check_shows_the_configured_limits(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask("risk_check", strategy=STRATEGY, width=1)
    limits = {limit["name"]: limit["limit"] for limit in shown["limits"]}
    assert limits["daily_loss"] == "$250.00"
    assert limits["delta"] == "-20 to +20 shares"
    assert limits["quote_age"] == "60.0 s"
    assert limits["spread"] == "0.05 or 50% of the mid"
    assert limits["session"].endswith("to 2026-12-08 14:20:00 EST")


@changes("answer_schemas")
async def test_the_list_of_tools_says_every_field_of_an_answer(desk: Desk) -> None:
    async with desk.client() as client:
        tools = {tool.name: tool for tool in (await client.mcp.list_tools()).tools}
    told = tools["get_account_info"].output_schema
    assert told is not None
    assert {"mode", "equity", "cash"} <= set(told["properties"])


@changes("no_entry_before_close", "exit_before_close", "last_order_before_close")
async def test_the_clock_shows_the_configured_cut_offs(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        clock = await client.ask("get_market_clock")
        preview = (await client.ask(STRATEGY, width=1))["preview"]
    assert clock["no_entry_after"] == "2026-12-08 14:20:00 EST"
    assert clock["positions_flat_by"] == "2026-12-08 14:30:00 EST"
    assert clock["broker_last_order"] == "2026-12-08 15:00:00 EST"
    assert preview["exit"].startswith("flat by 2026-12-08 14:30:00 EST")


@changes("confirmation_timeout")
async def test_a_token_dies_after_the_configured_time(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        shown = await client.ask(STRATEGY, width=1)
        assert shown["seconds_left"] == 1
        await asyncio.sleep(1.05)
        token = shown["confirm_token"]
        late = await client.refusal(STRATEGY, width=1, preview=False, confirm_token=token)
    assert late.startswith("[preview_not_found] the preview expired after 1 s")
    assert exchange.orders() == []


@changes("price_tolerance")
async def test_the_limit_lies_as_far_from_natural_as_a_price_may_run(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()
        preview = (await client.ask(STRATEGY, width=3))["preview"]
    natural = Decimal(preview["natural"])
    room = Decimal(preview["limit"]) - natural
    assert 0 <= abs(natural) * Decimal("0.2") - room < Decimal("0.01")


@changes("stream_symbols_max")
async def test_no_more_is_streamed_than_allowed(desk: Desk) -> None:
    async with desk.client() as client:
        await client.ready()

        async def streamed() -> bool:
            return bool((await client.ask("streaming_status"))["symbols_streamed"])

        await until(streamed, "nothing was streamed")
        status = await client.ask("streaming_status")
    assert status["symbols_streamed"] <= 8 < status["contracts_listed"]


@changes("port", "prometheus_port", "state_dir")
def test_it_listens_where_it_was_told_and_keeps_its_state_there(
    desk: Desk, ports: tuple[int, int]
) -> None:
    assert desk.told["url"] == f"http://127.0.0.1:{ports[0]}/mcp"
    health = httpx2.get(f"http://127.0.0.1:{ports[0]}/health", trust_env=False).json()
    assert health["mode"] == "paper"
    metrics = httpx2.get(f"http://127.0.0.1:{ports[1]}/metrics", trust_env=False)
    assert metrics.status_code == 200
    assert "build_info" in metrics.text
    assert desk.lock.is_relative_to(desk.folder)
    assert (desk.lock.parent / "desk.sqlite").exists()


@changes("allowed_hosts")
@pytest.mark.parametrize(("host", "allowed"), [("desk.example", True), ("other.example", False)])
def test_only_configured_names_may_be_used(desk: Desk, host: str, allowed: bool) -> None:
    answer = httpx2.post(
        desk.told["url"],
        headers={
            "Host": host,
            "Authorization": f"Bearer {desk.token()}",
            "Accept": "application/json, text/event-stream",
        },
        json={"jsonrpc": "2.0", "id": 1, "method": "ping"},
        trust_env=False,
    )
    assert (answer.status_code != 421) is allowed


@changes("auto_expire_time", "cache_cleanup_interval")
async def test_the_chain_is_dropped_at_the_configured_time(desk: Desk, exchange: Exchange) -> None:
    async with desk.client() as client:
        await client.ready()
        exchange.step_to(new_york(DAY, time(10, 31)))

        async def empty() -> bool:
            return not (await client.ask("streaming_status"))["contracts_listed"]

        await until(empty, "the chain outlived its time", seconds=20)  # the default looks at 30 s
        refused = await client.refusal("get_option_snapshot")
        assert refused.startswith("[no_market_data] no SPY chain of today is held")


# ---- A desk that prices rarely, on another feed, and says little


@changes("spy_chain_update_interval", "option_feed", "log_level")
async def test_a_long_interval_keeps_prices_and_another_feed_is_named(
    desk: Desk, exchange: Exchange, tmp_path: Path
) -> None:
    assert " DEBUG " in desk.log.read_text()
    seldom = {"spy_chain_update_interval": 3600, "option_feed": "opra", "log_level": "error"}
    with Desk.start(tmp_path / "state", exchange, **seldom) as rare:
        async with rare.client() as client:

            async def quoted() -> bool:
                status = await client.ask("streaming_status")
                return bool(status["quotes_applied"] >= status["contracts_listed"] > 0)

            async def priced() -> bool:
                return not (await client.mcp.call_tool("get_option_snapshot", {})).is_error

            await until(quoted, "no quotes")
            await until(priced, "no price of SPY")
            before = await client.ask("get_option_snapshot")
            assert before["feed"] == (await client.ask("streaming_status"))["feed"] == "opra"
            applied = (await client.ask("streaming_status"))["quotes_applied"]
            exchange.step(timedelta(minutes=10))

            async def heard() -> bool:
                return bool((await client.ask("streaming_status"))["quotes_applied"] > applied)

            await until(heard, "no new quotes")
            after = await client.ask("get_option_snapshot")
            asks = [
                {row["symbol"]: Decimal(row["ask"]) for row in s["options"]}
                for s in (before, after)
            ]
            assert asks[0] == asks[1]
            assert asks[0] != {s: touch.ask for s, touch in touches(exchange, asks[0]).items()}

            async def older() -> bool:  # what is not priced again grows old, too old to trade on
                shown = await client.ask("get_option_snapshot")
                ages = [[row["age_seconds"] for row in s["options"]] for s in (before, shown)]
                return bool(min(ages[1]) > min(ages[0]))

            await until(older, "quotes do not grow old")
        log = rare.log.read_text()
    assert " INFO " not in log
    assert " DEBUG " not in log


@changes("host")
def test_an_address_that_is_not_ours_is_not_listened_on(tmp_path: Path) -> None:
    environment = Desk(tmp_path, {"host": "203.0.113.7"}).environment
    done = subprocess.run(
        [sys.executable, str(ENTRYPOINT), "serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("[misconfigured] PORT: cannot listen on 203.0.113.7:0")
