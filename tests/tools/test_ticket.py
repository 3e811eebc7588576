"""The order ticket: what hosts are told of it, and what a person can do with it in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.desk import Desk, Era
from tests.e2e.approving import answer, asking, left_clean, page
from tests.exchange import Exchange
from tests.tools.apps_host import DECLARED, AppsHost
from tests.tools.browser import Browser, installed
from tests.tools.listing import listed
from tools import ticket
from tools.toolset import TRADES
from tools.trade_view import TradeView

CONDOR = "iron_condor_30_delta"
CLOSE = "close_position"
SETTINGS = {"max_daily_loss": 50_000, "portfolio_delta_cap": 1_000}
PLAIN_META = {"io.modelcontextprotocol/serverInfo"}  # the newer era's own, in every answer

eras = pytest.mark.parametrize("era", ["auto", "legacy"])
pytestmark = pytest.mark.usefixtures("flat_after")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    if installed() is None:
        pytest.skip("no Chromium on this machine")
    async with Browser.open(tmp_path / "browser") as browser:
        yield browser


def test_it_is_shown_for_every_preview_and_for_nothing_else() -> None:
    for name, tool in listed().items():
        answers = tool.fn_metadata.output_model
        trades = answers is not None and issubclass(answers, TradeView)
        assert tool.meta == ({"ui": {"resourceUri": ticket.URI}} if trades else None), name
        assert not trades or tool.annotations == TRADES


@eras
async def test_a_host_is_told_of_the_page_and_can_read_it(desk: Desk, era: Era) -> None:
    async with desk.client(era=era, extensions=DECLARED) as client:
        tools = {tool.name: tool for tool in (await client.mcp.list_tools()).tools}
        assert tools[CONDOR].meta == {"ui": {"resourceUri": ticket.URI}}
        assert tools["get_orders"].meta is None
        if era == "auto":
            assert EXTENSION_ID in (client.mcp.server_capabilities.extensions or {})
        [page] = (await client.mcp.read_resource(ticket.URI)).contents
        assert page.mime_type == APP_MIME_TYPE
        html = getattr(page, "text", "")
    assert html.startswith("<!doctype html>")
    loaded = re.findall(r"https?://|\bsrc=|\bhref=|@import|url\(|\bfetch\(|innerHTML|eval\(", html)
    assert loaded == []


@eras
async def test_only_a_host_that_declares_apps_gets_more_than_the_plain_answer(
    desk: Desk, era: Era
) -> None:
    async with desk.client(era=era) as plain, desk.client(era=era, extensions=DECLARED) as host:
        await plain.ready()
        replies: list[dict[str, Any]] = []
        for client in (plain, host):
            told = await client.mcp.call_tool(CONDOR, {"width": 2})
            replies.append(told.model_dump(by_alias=True, mode="json", exclude_none=True))
        usual, rich = replies
        note = rich["_meta"].pop(ticket.CALL)
        assert note == {"tool": CONDOR, "arguments": {"width": 2}}
        assert set(usual.get("_meta", {})) <= PLAIN_META
        assert usual.get("_meta", {}) == rich["_meta"]
        assert usual.keys() - {"_meta"} == rich.keys() - {"_meta"}
        assert usual["structuredContent"].keys() == rich["structuredContent"].keys()
        assert [len(reply["content"]) for reply in replies] == [1, 1]
        other = await host.mcp.call_tool("get_market_clock", {})
        assert ticket.CALL not in (other.meta or {})


async def test_a_person_sees_the_order_and_sends_it_with_the_mouse(
    desk: Desk, exchange: Exchange, browser: Browser
) -> None:
    before = len(exchange.orders("all"))
    async with desk.client(extensions=DECLARED) as client:
        await client.ready()
        async with AppsHost.showing(browser, client, CONDOR, {"theme": "dark"}, width=2) as host:
            await host.until("title", "iron condor, 1 x")
            assert await host.text("mode") == "paper"
            legs = await host.text("legs")
            assert legs.count("SPY261208") == 4
            assert "most it loses$" in await host.text("terms")
            assert "daily loss" in await host.text("limits")
            assert re.search(r"\d s left", await host.text("left"))
            assert set(await host.buttons()) == {"confirm", "discard"}
            await host.true("!pictured.hidden && payoff.naturalWidth > 100")
            assert len(exchange.orders("all")) == before

            await host.press("confirm")
            await host.until("message", "Filled 1 at -")

            assert await host.buttons() == []
            assert host.asked == ["preview_details", CONDOR]
            assert len(exchange.orders("all")) == before + 1
            size = await host.heard("ui/notifications/size-changed")
            assert size["params"]["width"] > 200


async def test_what_a_person_will_not_send_is_not_sent_and_can_be_priced_again(
    desk: Desk, exchange: Exchange, browser: Browser
) -> None:
    before = len(exchange.orders("all"))
    async with desk.client(era="legacy", extensions=DECLARED) as client:
        await client.ready()
        async with AppsHost.showing(browser, client, CONDOR, {}, width=2) as host:
            await host.until("left", "s left")
            await host.press("discard")
            await host.until("message", "Not sent.")
            assert await host.buttons() == ["renew"]
            told = await host.heard("ui/update-model-context")
            assert "do not confirm" in told["params"]["content"][0]["text"]

            await host.press("renew")
            await host.until("left", "s left")
            assert set(await host.buttons()) == {"confirm", "discard"}
            assert host.asked.count(CONDOR) == 1

            await host.here("until = performance.now()")  # as if the time were up
            await host.until("message", "lapsed. Nothing was sent.")
            assert await host.buttons() == ["renew"]
    assert len(exchange.orders("all")) == before


async def test_what_is_done_by_no_option_order_is_shown_and_sent_too(
    desk: Desk, exchange: Exchange, browser: Browser
) -> None:
    bought = {"symbol": "SPY", "qty": "4", "side": "buy", "type": "market", "time_in_force": "day"}
    assert exchange.request("POST", "/v2/orders", bought).status == 200
    async with desk.client(extensions=DECLARED) as client:
        await client.ready()
        async with AppsHost.showing(browser, client, CLOSE, {}, symbol="SPY") as host:
            await host.until("left", "s left")
            assert await host.text("title") == "close position"
            assert "held4" in await host.text("terms")
            assert "market order" in await host.text("warnings")
            assert host.asked == []

            await host.press("confirm")
            await host.until("message", "Sent as a market order")
            await host.press("look")
            await host.until("message", "filled: 4 of 4")
            assert await host.buttons() == []
    assert exchange.positions() == []


async def test_it_offers_to_send_only_where_it_knows_which_call_it_belongs_to(
    desk: Desk, browser: Browser
) -> None:
    named = {"toolInfo": {"tool": {"name": CONDOR}}}
    for context, offered in ((named, {"confirm", "discard"}), ({}, {"discard"})):
        async with desk.client(extensions=DECLARED) as client:
            await client.ready()
            shown = AppsHost.showing(browser, client, CONDOR, context, notes=False, width=2)
            async with shown as host:
                await host.until("left", "s left")
                assert set(await host.buttons()) == offered
                told = {"mode": "live", "status": "awaiting_approval", "message": "Wait."}
                await host.here(f"show({{structuredContent: {json.dumps(told)}}})")
                assert await host.text("mode") == "LIVE, REAL MONEY"
                assert await host.here("getComputedStyle(document.body).outlineStyle") == "solid"


async def test_where_a_person_must_approve_the_page_sends_nothing(
    exchange: Exchange, tmp_path: Path, browser: Browser
) -> None:
    before = len(exchange.orders("all"))
    with asking(exchange, tmp_path / "asking") as desk:
        async with desk.client(extensions=DECLARED) as client:
            await client.ready()
            async with AppsHost.showing(browser, client, CONDOR, {}, width=2) as host:
                await host.until("left", "s left")
                await host.press("confirm")
                await host.until("message", "a person must approve it")
                assert await host.buttons() == ["look"]
                assert len(exchange.orders("all")) == before

                [waits] = httpx2.get(f"{page(desk)}waiting", trust_env=False).json()
                answer(page(desk), waits["id"], "deny")
                await host.press("look")
                await host.until("message", "[approval_denied]")
        await left_clean(desk, exchange)
    assert len(exchange.orders("all")) == before
