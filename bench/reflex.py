"""What the desk does of its own accord, and how soon: kill, exit, alert, news of a fill.

A daemon trades on the paper exchange; what happened is read from the exchange itself. Where
the market must move, its clock is stepped, and the time runs from the step's reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from mcp import Client

from bench.daemon import ROOMY, desk
from bench.exchange import ADMIN_KEY, Exchange, call, exchange
from bench.rows import Row, percentile

FAST = {**ROOMY, "broker_requests_per_minute": "100000"}
ORDERS = 50
KILLS, FILLS, EXITS, DRIFTS = 3, 30, 20, 5
READS = 60  # asked for at once, more than the bucket of 200 a minute holds
POLL = 0.005  # seconds
STEP = 420  # seconds of market time
# Of an exit's step: after a minute without a new price the desk takes spot for frozen and decides
# nothing until it is polled again, which is no reflex but its absence.
TICK, TICKS = 50, 40
KILL_MOST, FILL_MOST, EXIT_MOST, DRIFT_MOST = 1_000.0, 2_000.0, 500.0, 1_000.0


def rows() -> list[Row]:
    """Measure each in turn."""
    kills = [asyncio.run(_kill()) for _ in range(KILLS)]
    fills = asyncio.run(_fills())
    exits = asyncio.run(_exits())
    drifts = [ms for _ in range(DRIFTS) if (ms := asyncio.run(_drift())) is not None]
    note = f"200 requests a minute, its bucket empty; {ORDERS} orders"
    return [
        Row.of("kill_switch called to the last cancel", kills, "ms", note, at_most=KILL_MOST),
        Row.of("fill to client, p50", [percentile(fills, 0.50)], "ms", f"{len(fills)} fills"),
        Row.of("fill to client, p95", [percentile(fills, 0.95)], "ms", at_most=FILL_MOST),
        Row.of("tick to exit order, p50", [percentile(exits, 0.50)], "ms", f"{len(exits)} exits"),
        Row.of("tick to exit order, p95", [percentile(exits, 0.95)], "ms", at_most=EXIT_MOST),
        Row.of("drift past the delta cap to the halt", drifts, "ms", at_most=DRIFT_MOST),
    ]


async def _kill() -> float:
    """Time a kill with many orders working and no request left to spend."""
    with (
        exchange(clock="demo", at="10:05") as broker,
        tempfile.TemporaryDirectory(prefix="bench-desk-") as folder,
    ):
        async with desk(broker.url, broker.keys, 3, FAST, Path(folder)) as running:
            symbol = await _call_of(running.clients[0])
            for _ in range(0, ORDERS, len(running.clients)):
                orders = (_rest(client, symbol) for client in running.clients)
                await asyncio.gather(*orders)
        slow = {**ROOMY, "broker_requests_per_minute": "200"}
        async with desk(broker.url, broker.keys, 2, slow, Path(folder)) as running:
            asking, killing = running.clients
            asked = [asyncio.create_task(_ask(asking, "risk_check")) for _ in range(READS)]
            await asyncio.sleep(1.0)  # the bucket is empty long before
            held = len(_open(broker))
            start = time.perf_counter()
            reply = asyncio.create_task(_ask(killing, "kill_switch"))
            await _until(lambda: not _open(broker))
            ms = (time.perf_counter() - start) * 1e3
            await reply
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            if held < ORDERS:
                raise RuntimeError(f"only {held} orders worked")
            return ms


async def _fills() -> list[float]:
    """Time from a fill's own instant at the exchange to a client's being told of it."""
    taken: list[float] = []
    async with _one_client("demo", "10:05") as (broker, client):
        while len(taken) < FILLS:
            order = await _sent(client, "iron_condor_30_delta", width=2)
            if order is None:
                continue  # the price moved
            name = order["client_order_id"]
            while order["status"] != "filled":
                order = (await _ask(client, "get_order_status", order_id=name))["order"]
            now = datetime.fromisoformat(_get(broker, "/v2/clock")["timestamp"])
            [filled] = [o for o in _all(broker) if o["client_order_id"] == name]
            at = datetime.fromisoformat(filled["filled_at"])
            taken.append((now - at).total_seconds() * 1e3)
    return taken


async def _exits() -> list[float]:
    """Time from a move of the market to the arrival of the exit order it makes due."""
    taken: list[float] = []
    spread = {"right": "call", "delta": 50, "width": 5, "stop": "8%", "target": "8%"}
    async with _one_client("stepped", "10:05") as (broker, client):
        while len(taken) < EXITS:
            if await _sent(client, "option_debit_spread", **spread) is None:
                await _step(broker)
                continue
            await asyncio.sleep(1.0)  # what was opened is seen to be held
            if (ms := await _exited(broker)) is not None:
                taken.append(ms)
            await _ask(client, "flatten_all")
    return taken


@contextlib.asynccontextmanager
async def _one_client(
    clock: str, at: str, **settings: str
) -> AsyncIterator[tuple[Exchange, Client]]:
    """Run an exchange and a desk on it that prices at natural, for one client."""
    wanted = {**FAST, "entry_pricing": "natural", **settings}
    with exchange(clock=clock, at=at) as broker:
        async with desk(broker.url, broker.keys, 1, wanted) as running:
            yield broker, running.clients[0]


async def _exited(broker: Exchange) -> float | None:
    """Step the market until an exit order arrives; return how long after its step it did."""
    before = len(_all(broker))
    for _ in range(TICKS):
        start = await _step(broker, TICK)
        if await _until(lambda: len(_all(broker)) > before, 2.0):
            return (time.perf_counter() - start) * 1e3
    return None


async def _drift() -> float | None:
    """Time from a move past the delta cap to the desk's taking no new risk."""
    condor = {"width": 3, "contracts": 3, "stop": "none", "target": "none"}
    async with _one_client("stepped", "10:30", portfolio_delta_cap="25") as (broker, client):
        if await _sent(client, "iron_condor_30_delta", **condor) is None:
            return None
        await asyncio.sleep(1.5)
        for _ in range(30):
            start = await _step(broker)
            if await _until_halted(client, start + 1.5):
                return (time.perf_counter() - start) * 1e3
    return None


async def _until_halted(client: Client, deadline: float) -> bool:
    while time.perf_counter() < deadline:
        if (await _ask(client, "health_check"))["halt"] != "active":
            return True
    return False


async def _rest(client: Client, symbol: str) -> None:
    order = await _sent(client, "buy_option_limit", symbol=symbol, limit=0.01)
    if order is None:
        raise RuntimeError("a resting order was not taken")


async def _call_of(client: Client) -> str:
    """Return the contract of a condor's short call: it is far from a cent's worth."""
    shown = await _ask(client, "iron_condor_30_delta", width=2)
    return str(next(leg["symbol"] for leg in shown["preview"]["legs"] if "C0" in leg["symbol"]))


async def _sent(client: Client, tool: str, **arguments: Any) -> dict[str, Any] | None:
    """Preview and confirm; the order, None when the market did not allow it."""
    shown = await client.call_tool(tool, arguments)
    if shown.is_error or shown.structured_content is None:
        return None
    token = shown.structured_content["confirm_token"]
    given = {**arguments, "preview": False, "confirm_token": token}
    told = await client.call_tool(tool, given)
    if told.is_error or told.structured_content is None:
        return None
    return dict(told.structured_content["order"] or {}) or None


async def _ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    if answer.is_error or answer.structured_content is None:
        raise RuntimeError(f"{tool}: {answer.content}")
    return dict(answer.structured_content)


async def _until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        if await asyncio.to_thread(true):
            return True
        await asyncio.sleep(POLL)
    return False


async def _step(broker: Exchange, seconds: int = STEP) -> float:
    """Step the market; return when its reply was there."""
    body = json.dumps({"by": seconds}).encode()
    admin = {"Authorization": f"Bearer {ADMIN_KEY}"}
    await asyncio.to_thread(call, broker.url, "POST", "/admin/clock", body, admin)
    return time.perf_counter()


def _open(broker: Exchange) -> list[dict[str, Any]]:
    return list(_get(broker, "/v2/orders?status=open&limit=500"))


def _all(broker: Exchange) -> list[dict[str, Any]]:
    return list(_get(broker, "/v2/orders?status=all&limit=500"))


def _get(broker: Exchange, path: str) -> Any:
    headers = {"APCA-API-KEY-ID": broker.keys.key, "APCA-API-SECRET-KEY": broker.keys.secret}
    return call(broker.url, "GET", path, b"", headers)
