"""No secret comes out of the desk: not in a reply, a log, a metric, the audit log or a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import MCPError
from pydantic import BaseModel

from tests.desk import Desk, DeskClient
from tests.exchange import Exchange
from tests.tools.listing import listed
from tests.tools.market import PATIENT
from tools.resources import ADDRESSES
from tools.toolset import READS

CONDOR = "iron_condor_30_delta"
BY_NATURE = {"tokens.json", "approvals.url"}  # their owner's only, and made to hold a secret


@pytest.fixture(scope="module")
def desk(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("state")
    with Desk.start(
        folder, exchange, **PATIENT, log_level="debug", approval="always", broker_timeout=2
    ) as desk:
        yield desk


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange.start(folder, clock="stepped", day="2026-12-08", at="10:05", seed=7) as exchange:
        yield exchange


async def called(client: DeskClient) -> list[str]:
    """Call everything that reads, preview a trade, and call wrongly; return all replies."""
    calls: list[Awaitable[Any]] = [client.mcp.list_tools(), client.mcp.list_resources()]
    for name, tool in listed().items():
        if tool.annotations == READS:
            wait = {"timeout_s": 0} if name == "events_wait" else {}
            calls.append(client.mcp.call_tool(name, wait))
    wrong: list[tuple[str, dict[str, Any]]] = [
        (CONDOR, {"width": 1, "preview": False, "confirm_token": "x" * 22}),
        (CONDOR, {"width": -1}),
        (CONDOR, {"force": True}),
        ("no_such_tool", {"api_key": 1}),
        ("get_order_status", {"order_id": "../tokens.json"}),
    ]
    calls += [client.mcp.call_tool(name, arguments) for name, arguments in wrong]
    calls += [client.mcp.read_resource(uri) for uri in [*ADDRESSES.values(), "file:///tokens"]]
    replies = await asyncio.gather(*calls, return_exceptions=True)
    failed = [one for one in replies if isinstance(one, BaseException)]
    assert all(isinstance(one, MCPError) for one in failed), failed
    return [one.model_dump_json() if isinstance(one, BaseModel) else str(one) for one in replies]


async def test_no_secret_comes_out(desk: Desk, exchange: Exchange) -> None:
    secrets = {"key": exchange.key, "secret": exchange.secret, "local": desk.token()}
    replies: list[str] = []
    async with desk.client("dashboard") as client, desk.client(era="legacy") as other:
        secrets["token"] = desk.token("dashboard")
        await client.ready()
        replies += await called(client) + await called(other)
        shown = await client.ask(CONDOR, width=1)
        confirm = {"preview": False, "confirm_token": shown["confirm_token"]}
        waiting = await client.ask(CONDOR, width=1, **confirm)
        assert waiting["status"] == "awaiting_approval"
        exchange.options["port"] = str(urlsplit(exchange.url).port)
        exchange.kill9()
        try:
            replies += await called(client)  # every error that a broker who is gone can bring
        finally:
            exchange.launch()
        await client.ready()
    [address] = desk.folder.glob("*/approvals.url")
    secrets["approvals"] = urlsplit(address.read_text().strip()).path.strip("/")
    async with httpx2.AsyncClient(trust_env=False) as http:
        for url in (desk.told["metrics_url"], desk.told["health_url"]):
            replies.append((await http.get(url)).text)
    replies.append(str(desk.told))

    found = [name for name, secret in secrets.items() if any(secret in one for one in replies)]
    assert found == []
    secrets["confirm"] = str(confirm["confirm_token"])
    assert leaks(desk.folder, secrets) == []
    assert "DEBUG" in desk.log.read_text()  # or the log would have proved nothing
    assert list(desk.folder.rglob("audit/*"))


def leaks(folder: Path, secrets: dict[str, str]) -> list[str]:
    """Return which files hold which secrets, databases included."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in BY_NATURE]
    return [
        f"{path.relative_to(folder)} holds {name}"
        for path in files
        for name, secret in secrets.items()
        if secret.encode() in path.read_bytes()
    ]
