"""Alpaca's own MCP server, unchanged, drives the exchange: every tool of it works."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.exchange import Exchange
from tests.peer.conftest import Row, Show

LAUNCHER = Path(__file__).with_name("launcher.py")

# They search Alpaca's public web site, and have nothing to do with an exchange.
ABOUT_DOCUMENTS = {
    "search_alpaca_docs", "fetch_alpaca_doc", "search_alpaca_api_specs",
    "list_alpaca_api_endpoints", "get_alpaca_endpoint_docs",
}  # fmt: skip

# Every stock of the synthetic market is easy to borrow, so that none needs to be located.
EMPTY = {"get_locates"}
NOT_FOUND = {"get_locate", "create_locate"}

DAY = {"start": "2026-11-20T14:30:00Z", "end": "2026-11-20T15:00:00Z"}


class Peer:
    """The server's tools, and how each has answered."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.rows: dict[str, Row] = {}

    async def call(self, tool: str, **arguments: object) -> Any:
        """Call a tool; return the data of its answer, None when it failed."""
        answer = await self._client.call_tool(tool, arguments)
        text = " ".join(block.text for block in answer.content if block.type == "text")
        data = None if answer.is_error else _data(text)
        failed = answer.is_error or (isinstance(data, dict) and "error" in data)
        is_empty = not failed and _is_empty(data)
        how = "no" if failed else "none" if is_empty else "ok"
        self.rows[tool] = (tool, how, text[:200] if failed else "")
        return None if failed else data


def _data(text: str) -> Any:
    """Take an answer out of the envelope it comes in."""
    body = json.loads(text) if text else {}
    found = body.get("data", body) if isinstance(body, dict) else body
    if isinstance(found, dict) and set(found) == {"result"}:
        return found["result"]
    return found


def _is_empty(data: Any) -> bool:
    """Whether there is nothing in an answer but its frame."""
    if isinstance(data, dict):
        return all(_is_empty(value) for key, value in data.items() if key != "next_page_token")
    return data is None or data == []


@asynccontextmanager
async def peer_server(python: Path, exchange: Exchange, folder: Path) -> AsyncIterator[Peer]:
    told = StdioServerParameters(
        command=str(python),
        args=[str(LAUNCHER), exchange.url],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ALPACA_API_KEY": exchange.key,
            "ALPACA_SECRET_KEY": exchange.secret,
        },
        cwd=str(folder),
    )
    async with Client(stdio_client(told), mode="legacy") as client:
        yield Peer(client)


async def test_every_tool_returns_data(
    peer: Path, exchange: Exchange, tmp_path: Path, show: Show
) -> None:
    async with peer_server(peer, exchange, tmp_path) as server:
        listed = await server._client.list_tools()
        await orders_and_positions(server)
        await account(server)
        await watchlists(server)
        await references(server)
        await stocks_and_coins(server)
        await options(server)
        await ending(server)
    show(list(server.rows.values()))
    assert len(listed.tools) == 72
    assert {tool.name for tool in listed.tools} - ABOUT_DOCUMENTS == set(server.rows)
    hows = {how: {name for name, *row in server.rows.values() if row[0] == how} for how in _HOWS}
    assert hows["no"] == NOT_FOUND
    assert hows["none"] == EMPTY
    assert len(hows["ok"]) == 72 - len(ABOUT_DOCUMENTS | EMPTY | NOT_FOUND)


_HOWS = ("ok", "none", "no")


async def orders_and_positions(server: Peer) -> None:
    buy = {"side": "buy", "qty": "2"}
    first = await server.call("place_stock_order", symbol="SPY", client_order_id="mine", **buy)
    assert first["symbol"] == "SPY"
    await server.call("place_crypto_order", symbol="BTC/USD", side="buy", qty="0.01")
    resting = await server.call(
        "place_stock_order", symbol="AAPL", type="limit", limit_price="100", **buy
    )
    await server.call("get_orders", status="all")
    await server.call("get_order_by_id", order_id=first["id"])
    await server.call("get_order_by_client_id", client_order_id="mine")
    replaced = await server.call("replace_order_by_id", order_id=resting["id"], limit_price="101")
    await server.call("cancel_order_by_id", order_id=(replaced or resting)["id"])
    await server.call("get_all_positions")
    await server.call("get_open_position", symbol_or_asset_id="SPY")
    await server.call("close_position", symbol_or_asset_id="SPY", qty=1)


async def account(server: Peer) -> None:
    await server.call("get_account_info")
    await server.call("get_account_config")
    await server.call("update_account_config", trade_confirm_email="none")
    await server.call("get_portfolio_history", period="1D", timeframe="5Min")
    await server.call("get_account_activities", activity_types=["FILL", "JNLC"])
    await server.call("get_account_activities_by_type", activity_type="FILL")


async def watchlists(server: Peer) -> None:
    made = await server.call("create_watchlist", name="mine", symbols=["SPY", "AAPL"])
    one = {"watchlist_id": made["id"]}
    await server.call("get_watchlists")
    await server.call("get_watchlist_by_id", **one)
    await server.call("update_watchlist_by_id", name="ours", **one)
    added = await server.call("add_asset_to_watchlist_by_id", symbol="QQQ", **one)
    assert [asset["symbol"] for asset in added["assets"]] == ["SPY", "AAPL", "QQQ"]
    await server.call("remove_asset_from_watchlist_by_id", symbol="QQQ", **one)
    await server.call("delete_watchlist_by_id", **one)


async def references(server: Peer) -> None:
    await server.call("get_clock")
    await server.call("get_calendar", start="2026-11-20", end="2026-11-30")
    await server.call("get_all_assets", asset_class="us_equity")
    await server.call("get_asset", symbol_or_asset_id="SPY")
    since = {"since": "2026-11-01", "until": "2026-11-20"}
    announced = await server.call(
        "get_corporate_action_announcements", ca_types=["Dividend", "Split"], **since
    )
    await server.call("get_corporate_action_announcement", id=announced[0]["id"])
    await server.call("get_corporate_actions", symbols="SPY", start="2026-11-01")
    await server.call("get_news", symbols="SPY", limit=2)
    await server.call("get_fixed_income_latest_quotes", isins="US912810SK51")
    await server.call("get_locates")
    await server.call("create_locate", symbol="SPY", qty=100)
    await server.call("get_locate", locate_id=str(uuid4()))
    await server.call("get_locate_quotes", symbols="SPY")


async def stocks_and_coins(server: Peer) -> None:
    coins = {"loc": "us", "symbols": "BTC/USD"}
    for kind in ("bar", "quote", "trade"):
        more = {**DAY, "limit": 20, **({"timeframe": "5Min"} if kind == "bar" else {})}
        await server.call(f"get_stock_{kind}s", symbols="SPY,AAPL", **more)
        await server.call(f"get_stock_latest_{kind}", symbols="SPY,AAPL")
        await server.call(f"get_crypto_{kind}s", symbols="BTC/USD", **more)
        await server.call(f"get_crypto_latest_{kind}", **coins)
    await server.call("get_stock_snapshot", symbols="SPY,AAPL")
    await server.call("get_crypto_snapshot", **coins)
    await server.call("get_crypto_latest_orderbook", **coins)
    await server.call("get_most_active_stocks", by="trades", top=3)
    await server.call("get_market_movers", market_type="stocks", top=3)


async def options(server: Peer) -> None:
    trades = await server.call("get_stock_latest_trade", symbols="SPY")
    spot = trades["trades"]["SPY"]["p"]
    listed = await server.call(
        "get_option_contracts",
        underlying_symbols="SPY",
        type="call",
        strike_price_gte=spot - 3,
        strike_price_lte=spot + 3,
    )
    symbol = listed["option_contracts"][0]["symbol"]  # in the money, so that it can be exercised
    await server.call("get_option_contract", symbol_or_id=symbol)
    await server.call("get_option_bars", symbols=symbol, timeframe="5Min", **DAY)
    await server.call("get_option_trades", symbols=symbol, **DAY)
    await server.call("get_option_latest_quote", symbols=symbol)
    await server.call("get_option_latest_trade", symbols=symbol)
    await server.call("get_option_snapshot", symbols=symbol)
    await server.call("get_option_chain", underlying_symbol="SPY", limit=50)
    await server.call("get_option_exchange_codes")
    await server.call("place_option_order", symbol=symbol, side="buy", qty="1")
    await server.call("do_not_exercise_options_position", symbol_or_contract_id=symbol)
    await server.call("exercise_options_position", symbol_or_contract_id=symbol)


async def ending(server: Peer) -> None:
    await server.call(
        "place_stock_order", symbol="AAPL", side="buy", qty="1", type="limit", limit_price="100"
    )
    canceled = await server.call("cancel_all_orders")
    assert len(canceled) == 1
    await server.call("close_all_positions", cancel_orders=True)
