"""Settings of the embedded exchange, seen from the desk that starts it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from common.clock import MonotonicClock
from common.config import ExchangeSettings
from common.session import new_york
from serving.sibling import SiblingExchange
from tests.desk import Desk
from tests.e2e.changing import changes
from tests.exchange import Exchange
from tests.tools.market import until


@changes(
    "idle_timeout",
    "exchange.port",
    "exchange.speed",
    "exchange.day",
    "exchange.at",
    "exchange.seed",
    "exchange.cash",
)
async def test_the_embedded_exchange_is_as_configured_and_both_leave_when_idle(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Desk.start(
        tmp_path / "state",
        idle_timeout=0.1,
        exchange__port=port,
        exchange__clock="demo",
        exchange__speed=60,
        exchange__day="2026-12-09",
        exchange__at="10:30",
        exchange__seed=8,
        exchange__cash=50_000,
    ) as desk:
        async with desk.client() as client:
            await client.ready()
            account = await client.ask("get_account_info")
            assert (account["mode"], account["cash"]) == ("paper-local", "50000.00")
            clock = await client.ask("get_market_clock")
            assert "2026-12-09 10:30:00" <= clock["now"] < "2026-12-09 15:00:00"

            async def fast() -> bool:
                clock = await client.ask("get_market_clock")
                return bool(clock["market_seconds_per_second"] > 30)

            await until(fast, "the exchange's clock does not run fast")
            assert desk.told["base_url"] == f"http://127.0.0.1:{port}"
            bar = first_bar(embedded(tmp_path / "state" / "exchange"))
        assert desk.process is not None
        assert await asyncio.to_thread(desk.process.wait, 60) == 0
        assert "idle" in desk.log.read_text()

    usual = tmp_path / "usual"
    usual.mkdir()
    with Exchange.start(usual, day="2026-12-09", at="10:30", seed=7) as other:
        assert first_bar(other) != bar


@changes("exchange.clock")
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
async def test_the_embedded_exchange_stands_still_when_told_to(tmp_path: Path) -> None:
    stepped = ExchangeSettings(clock="stepped", day=date(2026, 12, 9))
    sibling = SiblingExchange(tmp_path, stepped, MonotonicClock())
    await sibling.find_or_start()
    try:
        exchange = embedded(tmp_path)
        assert exchange.now() == exchange.now() == new_york(date(2026, 12, 9), time(9, 30))
    finally:
        assert await sibling.stop()


@changes(
    "exchange.upstream_key",
    "exchange.upstream_secret",
    "exchange.upstream_url",
    "exchange.upstream_requests",
    "exchange.stock_feed",
    "exchange.option_feed",
    "exchange.stale_after",
)
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
async def test_the_embedded_exchange_passes_another_market_through(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("upstream", "usual", "other")]
    for folder in folders:
        folder.mkdir()
    plan = {"clock": "demo", "at": "10:05", "data_plan": "plus"}
    with Exchange.start(folders[0], **plan) as upstream:
        passed = {
            "feed": "live",
            "clock": "real",
            "upstream_key": upstream.key,
            "upstream_secret": upstream.secret,
            "upstream_url": upstream.url,
        }
        feeds = {"stock_feed": "sip", "option_feed": "opra"}
        other = passed | feeds | {"upstream_requests": 30, "stale_after": 0.001}
        async with running(folders[1], passed) as exchange:
            assert exchange.get("/health")["feed"] == "live iex and indicative"
            assert "SPY" in exchange.get("/v2/stocks/quotes/latest", symbols="SPY")["quotes"]
        async with running(folders[2], other) as exchange:
            assert exchange.get("/health")["feed"] == "live sip and opra"
            answer = exchange.request("GET", "/v2/stocks/quotes/latest?symbols=SPY")
            assert answer.status == 503
            assert "[upstream_budget]" in answer.body["message"]

            async def followed() -> bool:
                answer = exchange.request("GET", "/v2/stocks/trades/latest?symbols=SPY")
                return answer.status == 200 and bool(answer.body["trades"])

            await until(followed, "SPY is not followed")
            assert exchange.get("/v2/stocks/quotes/latest", symbols="SPY")["quotes"]
            body = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "market"}
            sent = exchange.request("POST", "/v2/orders", body | {"time_in_force": "day"})
            assert sent.status == 422, "no quote is young enough to trade on"


@asynccontextmanager
async def running(folder: Path, configured: dict[str, Any]) -> AsyncIterator[Exchange]:
    """Run the embedded exchange of a folder while the block runs."""
    sibling = SiblingExchange(folder, ExchangeSettings(**configured), MonotonicClock())
    await sibling.find_or_start()
    try:
        yield embedded(folder)
    finally:
        assert await sibling.stop()


def embedded(folder: Path) -> Exchange:
    """Return the running exchange of a folder, as its files tell of it."""
    keys = json.loads((folder / "keys.json").read_text())
    url = json.loads((folder / "address.json").read_text())["url"]
    return Exchange(folder, key=keys["key"], secret=keys["secret"], url=url)


def first_bar(exchange: Exchange) -> Any:
    """Return SPY's first minute of the day."""
    start = new_york(date(2026, 12, 9), time(9, 30))
    asked = exchange.get("/v2/stocks/SPY/bars", timeframe="1Min", start=start.isoformat(), limit=1)
    return asked["bars"][0]
