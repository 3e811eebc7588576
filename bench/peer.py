"""Beside Alpaca's own MCP server: both on stdio, on one exchange, in turns.

Both servers are the processes a host would start, and both are asked by the same client. A
question is put to the one and to the other in turns, one at a time and eight at once, after
one call of each that is not counted; both must return the same number of rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from bench.daemon import ROOMY, command, environment
from bench.equivalents import Call, Equivalent, counted, equivalents
from bench.exchange import Exchange, call, exchange
from bench.rows import Row, percentile
from common.place import ENTRYPOINT

PEER: Final = ENTRYPOINT.parent / ".venv-peer" / "bin" / "python"
LAUNCHER: Final = ENTRYPOINT.parent / "tests" / "peer" / "launcher.py"
ROUNDS: Final = 3
CALLS: Final = 12  # of a tool and round
TOGETHER: Final = 8
SPAWNS: Final = 5
TOKENS_SHARE: Final = 0.6  # of theirs, a tool


def rows() -> list[Row]:
    """Measure both on one exchange."""
    with (
        exchange(clock="demo", at="10:05") as broker,
        tempfile.TemporaryDirectory(prefix="bench-peer-") as folder,
    ):
        furnish(broker)
        return asyncio.run(_measured(broker, Path(folder)))


async def _measured(broker: Exchange, folder: Path) -> list[Row]:
    ours, theirs = _ours(broker, folder), _theirs(broker, folder)
    cold = await _first_list(ours)
    their_cold = await _first_list(theirs)
    try:
        made = [
            Row.of("ours: spawn to first tools/list", [cold], "s", "daemon started by it"),
            Row.of("theirs: spawn to first tools/list", [their_cold], "s", "first after the start"),
        ]
        async with AsyncExitStack() as stack:
            us = await stack.enter_async_context(_client(ours))
            them = await stack.enter_async_context(_client(theirs))
            made += await _warm(ours, theirs)
            made += await _listed(us, them)
            for one in equivalents(_option(broker)):
                made += await _compared(one, us, them)
        return made
    finally:
        command("stop", ours.env or {})


async def _warm(ours: StdioServerParameters, theirs: StdioServerParameters) -> list[Row]:
    mine, others = [], []
    for _ in range(SPAWNS):
        mine.append(await _first_list(ours))
        others.append(await _first_list(theirs))
    return [
        Row.of("ours: spawn to first tools/list, warm", mine, "s", at_most=percentile(others, 0.5)),
        Row.of("theirs: spawn to first tools/list, warm", others, "s"),
    ]


async def _listed(us: Client, them: Client) -> list[Row]:
    """Weigh both lists of tools as they go over the wire."""
    sizes = []
    for client in (us, them):
        tools = (await client.list_tools()).tools
        wire = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        size = len(json.dumps(wire, separators=(",", ":"), ensure_ascii=False).encode())
        sizes.append((len(tools), size))
    (mine, my_size), (others, their_size) = sizes
    theirs = their_size / others / 4
    return [
        Row.of("ours: tools/list", [my_size], "bytes", f"{mine} tools"),
        Row.of("theirs: tools/list", [their_size], "bytes", f"{others} tools"),
        Row.of(
            "ours: tokens a tool",
            [my_size / mine / 4],
            "tokens",
            "the whole entry, 4 bytes a token",
            at_most=TOKENS_SHARE * theirs,
        ),
        Row.of("theirs: tokens a tool", [theirs], "tokens"),
    ]


async def _compared(one: Equivalent, us: Client, them: Client) -> list[Row]:
    """Ask both the same, in turns."""
    mine, others = counted(await ask(us, one.ours), one.ours.rows), 0
    others = counted(await ask(them, one.theirs), one.theirs.rows)
    if mine != others:
        raise RuntimeError(f"{one.ours.tool}: {mine} rows, {one.theirs.tool}: {others}")
    made = []
    for together in (1, TOGETHER):
        taken: tuple[list[float], list[float]] = ([], [])
        medians: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for side, client, asked in ((0, us, one.ours), (1, them, one.theirs)):
                ms = await _timed(client, asked, together)
                taken[side].extend(ms)
                medians[side].append(percentile(ms, 0.5))
        p50, p95 = ([percentile(side, at) for side in taken] for at in (0.5, 0.95))
        what = f"{one.ours.tool} beside {one.theirs.tool}, {together} at once"
        note = f"p95 {p95[0]:.1f}; theirs p50 {p50[1]:.1f}, p95 {p95[1]:.1f}; {mine} rows"
        made.append(Row.of(what, medians[0], "ms", note, at_most=percentile(medians[1], 0.5)))
    return made


async def _timed(client: Client, asked: Call, together: int) -> list[float]:
    """Return the ms of each of CALLS calls, so many under way at once."""

    async def timed() -> float:
        start = time.perf_counter()
        await client.call_tool(asked.tool, dict(asked.arguments))
        return (time.perf_counter() - start) * 1e3

    taken: list[float] = []
    while len(taken) < CALLS:
        taken += await asyncio.gather(*(timed() for _ in range(together)))
    return taken


async def ask(client: Client, asked: Call) -> Any:
    """Return the data of an answer that must succeed."""
    answer = await client.call_tool(asked.tool, dict(asked.arguments))
    text = " ".join(block.text for block in answer.content if block.type == "text")
    if answer.is_error:
        raise RuntimeError(f"{asked.tool}: {text[:300]}")
    body = json.loads(text)
    found = body.get("data", body) if isinstance(body, dict) else body
    if isinstance(found, dict) and "error" in found:
        raise RuntimeError(f"{asked.tool}: {text[:300]}")
    return found


async def _first_list(server: StdioServerParameters) -> float:
    start = time.perf_counter()
    async with _client(server) as client:
        await client.list_tools()
        return time.perf_counter() - start


@asynccontextmanager
async def _client(server: StdioServerParameters) -> AsyncIterator[Client]:
    async with Client(stdio_client(server), mode="legacy") as client:
        yield client


def _ours(broker: Exchange, folder: Path) -> StdioServerParameters:
    given = {
        "state_dir": str(folder / "state"),
        "alpaca_base_url": broker.url,
        "alpaca_api_key": broker.keys.key,
        "alpaca_secret_key": broker.keys.secret,
        "port": "0",
        "prometheus_port": "0",
        "log_level": "error",
        "broker_requests_per_minute": "100000",
        **ROOMY,
    }
    return StdioServerParameters(
        command=sys.executable, args=[str(ENTRYPOINT)], env=environment(given)
    )


def _theirs(broker: Exchange, folder: Path) -> StdioServerParameters:
    if not PEER.exists():
        raise RuntimeError(f"{PEER} is not there: run make peer")
    return StdioServerParameters(
        command=str(PEER),
        args=[str(LAUNCHER), broker.url],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ALPACA_API_KEY": broker.keys.key,
            "ALPACA_SECRET_KEY": broker.keys.secret,
        },
        cwd=str(folder),
    )


def furnish(broker: Exchange) -> None:
    """Give the account what there is to ask about: holdings, orders, a watchlist."""
    headers = {"APCA-API-KEY-ID": broker.keys.key, "APCA-API-SECRET-KEY": broker.keys.secret}

    def post(path: str, body: dict[str, object]) -> None:
        told = json.dumps(body).encode()
        call(broker.url, "POST", path, told, {**headers, "Content-Type": "application/json"})

    for symbol in ("SPY", "AAPL", "MSFT"):
        order = {"symbol": symbol, "side": "buy", "type": "market", "time_in_force": "day"}
        post("/v2/orders", {**order, "qty": "10"})
        post("/v2/orders", {**order, "qty": "1", "type": "limit", "limit_price": "100"})
    post("/v2/watchlists", {"name": "bench", "symbols": ["SPY", "AAPL"]})


def _option(broker: Exchange) -> str:
    """Return a call that expires today, near the money."""
    headers = {"APCA-API-KEY-ID": broker.keys.key, "APCA-API-SECRET-KEY": broker.keys.secret}
    today = call(broker.url, "GET", "/v2/clock", b"", headers)["timestamp"][:10]
    spot = call(broker.url, "GET", "/v2/stocks/SPY/trades/latest", b"", headers)["trade"]["p"]
    path = f"/v1beta1/options/snapshots/SPY?expiration_date={today}&type=call&limit=1000"
    chain = call(broker.url, "GET", path, b"", headers)["snapshots"]
    nearest: str = min(chain, key=lambda symbol: abs(int(symbol[-8:]) / 1000 - spot))
    return nearest


def used(asked: Sequence[Equivalent]) -> set[str]:
    """Return the names of our tools that are compared."""
    return {one.ours.tool for one in asked}
