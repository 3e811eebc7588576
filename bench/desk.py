"""What a model waits for: MCP calls of three clients at once, the broker 50 ms away.

A daemon trades on the paper exchange through a proxy that adds 50 ms to each broker call.
Three clients speak MCP over HTTP and call at the same time, each waiting for its reply.
kill_switch is timed to its reply, which comes after both gates are latched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from mcp import Client

from bench.daemon import ROOMY, Desk, desk, release
from bench.exchange import call, exchange
from bench.rows import Row, percentile
from bench.slow_proxy import slow_proxy

CLIENTS = 3
ROUNDS = 3
DELAY = 0.050  # seconds a broker call takes longer
CONDOR = {"width": 2}
# Natural: an adaptive entry walks towards its fill for seconds, by intent, and confirm waits.
SETTINGS = {**ROOMY, "broker_requests_per_minute": "100000", "entry_pricing": "natural"}

Sample: TypeAlias = Callable[[Client], Awaitable[float | None]]  # ms; None is no sample


def rows() -> list[Row]:
    """Measure everything on one desk."""
    with (
        exchange(clock="demo", at="10:05") as broker,
        slow_proxy(broker.url, DELAY) as far,
    ):
        headers = {"APCA-API-KEY-ID": broker.keys.key, "APCA-API-SECRET-KEY": broker.keys.secret}

        async def measured() -> list[Row]:
            async with desk(far, broker.keys, CLIENTS, SETTINGS) as running:
                return await _rows(running)

        trips = [_trip(far, headers) for _ in range(20)]
        return [Row.of("one broker call through the proxy", trips, "ms"), *asyncio.run(measured())]


async def _rows(running: Desk) -> list[Row]:
    what = {
        "preview of a condor": (preview, 12, 200.0),
        "risk_check": (risk_check, 12, 100.0),
        "confirm of a condor": (confirm, 8, 500.0),
        "kill_switch": (kill, 8, 50.0),
    }
    made = []
    for name, (sample, calls, target) in what.items():
        rounds = [await _round(running, sample, calls) for _ in range(ROUNDS)]
        note = f"{CLIENTS} clients, {sum(map(len, rounds))} calls"
        p50, p95 = ([percentile(taken, at) for taken in rounds] for at in (0.50, 0.95))
        made.append(Row.of(f"{name}, p50", p50, "ms", note))
        made.append(Row.of(f"{name}, p95", p95, "ms", at_most=target))
    return made


async def _round(running: Desk, sample: Sample, calls: int) -> list[float]:
    """Have every client call at the same time, so many times; return what the calls took."""
    taken: list[float] = []
    for _ in range(calls):
        found = await asyncio.gather(*(sample(client) for client in running.clients))
        taken += [ms for ms in found if ms is not None]
        if sample is kill:
            await asyncio.to_thread(release, running.environment)
    if not taken:
        raise RuntimeError(f"{sample.__name__} never succeeded")
    return taken


async def preview(client: Client) -> float | None:
    """Time a preview."""
    ms, _ = await _timed(client, "iron_condor_30_delta", **CONDOR)
    return ms


async def risk_check(client: Client) -> float | None:
    """Time a look at every limit."""
    ms, _ = await _timed(client, "risk_check")
    return ms


async def confirm(client: Client) -> float | None:
    """Time a confirmation, if the price did not move away from its preview."""
    _, shown = await _timed(client, "iron_condor_30_delta", **CONDOR)
    token = shown["confirm_token"]
    ms, told = await _timed(
        client, "iron_condor_30_delta", **CONDOR, preview=False, confirm_token=token
    )
    return ms if told["status"] == "sent" else None


async def kill(client: Client) -> float | None:
    """Time the kill switch to its reply."""
    ms, _ = await _timed(client, "kill_switch")
    return ms


async def _timed(client: Client, tool: str, **arguments: Any) -> tuple[float, dict[str, Any]]:
    start = time.perf_counter()
    answer = await client.call_tool(tool, arguments)
    ms = (time.perf_counter() - start) * 1e3
    if answer.is_error or answer.structured_content is None:
        raise RuntimeError(f"{tool}: {answer.content}")
    return ms, dict(answer.structured_content)


def _trip(url: str, headers: dict[str, str]) -> float:
    start = time.perf_counter()
    call(url, "GET", "/v2/clock", b"", headers)
    return (time.perf_counter() - start) * 1e3
