"""A person approves orders in stocks as they approve options: shown in full, asked in words."""

from __future__ import annotations

import asyncio
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.types import ElicitResult

from tests.desk import Desk, DeskClient, Era
from tests.e2e.approval.test_by_host import host
from tests.e2e.approving import answer, asking, audited, page
from tests.exchange import Exchange

BUY, SELL = "buy_stock_market", "sell_stock_market"
AAPL = {"symbol": "AAPL", "quantity": 2}


async def wanted(client: DeskClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """Preview, confirm by token, and return the arguments of that call with what it told."""
    shown = await client.ask(BUY, **AAPL)
    call = AAPL | {"preview": False, "confirm_token": shown["confirm_token"]}
    return call, await client.ask(BUY, **call)


async def test_a_token_alone_sends_nothing_and_the_page_shows_the_stock_and_sends(
    desk: Desk, exchange: Exchange
) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        call, told = await wanted(client)
        assert told["status"] == "awaiting_approval"
        assert len(exchange.orders()) == before
        url, name = page(desk), told["approval_id"]
        html = unescape(httpx2.get(url, trust_env=False).text)
        shown = (await client.ask(BUY, **AAPL))["preview"]
        for text in (shown["order"], shown["max_loss"], shown["value"], shown["notes"][0]):
            assert text in html
        assert "PAPER ORDER, stock: buy 2 AAPL market, day" in html
        assert call["confirm_token"] not in html

        assert answer(url, name, "approve").status_code == 303
        sent = await client.ask(BUY, **call)
        assert sent["status"] == "sent"
        assert (await client.ended(sent["order"]["client_order_id"]))["status"] == "filled"
        assert answer(url, name, "approve").status_code == 303
        assert len(exchange.orders()) == before + 1
    [intent] = [
        record["facts"]
        for record in audited(desk, "intent")
        if record["facts"]["client_order_id"] == sent["order"]["client_order_id"]
    ]
    assert (intent["preview"], intent["symbol"], intent["qty"]) == (name, "AAPL", "2")
    kinds = [
        record["kind"]
        for record in (*audited(desk, "preview"), *audited(desk, "approval"))
        if record["facts"]["preview"] == name
    ]
    assert kinds == ["preview", "approval"]
    fills = [
        record["facts"]["filled_qty"]
        for record in audited(desk, "fill")
        if record["facts"]["client_order_id"] == intent["client_order_id"]
    ]
    assert fills[-1] == "2"


async def test_a_no_is_final(desk: Desk, exchange: Exchange) -> None:
    before = len(exchange.orders())
    async with desk.client() as client:
        call, told = await wanted(client)
        answer(page(desk), told["approval_id"], "deny")
        answer(page(desk), told["approval_id"], "approve")
        assert (await client.refusal(BUY, **call)).startswith("[approval_denied]")
    assert len(exchange.orders()) == before


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_host_that_can_ask_is_asked_about_the_stock(
    desk: Desk, exchange: Exchange, era: Era
) -> None:
    before, said = len(exchange.orders()), list[str]()
    yes = ElicitResult(action="accept", content={"approve": True})
    async with host(desk, era, said, yes) as client:
        shown = await client.ask(BUY, **AAPL)
        assert said == []
        order = await client.confirmed(BUY, shown, **AAPL)
        assert (await client.ended(order["client_order_id"]))["status"] == "filled"
    assert len(exchange.orders()) == before + 1
    [question] = set(said)
    assert question.startswith("PAPER ORDER, stock: buy 2 AAPL market, day, worth about $")
    assert f"lose ${shown['preview']['max_loss']}" in question


async def test_what_was_agreed_to_is_checked_again_before_it_is_sent(
    exchange: Exchange, tmp_path: Path
) -> None:
    account = exchange.tenant()
    with asking(account, tmp_path) as desk:
        async with desk.client() as client:
            await client.ready()
            call, told = await wanted(client)
            await client.ask("kill_switch")
            await asyncio.to_thread(answer, page(desk), told["approval_id"], "approve")
            assert (await client.refusal(BUY, **call)).startswith("[kill_switch]")
    assert account.orders() == []
