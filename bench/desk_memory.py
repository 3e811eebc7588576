"""The daemon's memory over a session with three clients: what still grows at the end is a leak.

The exchange's clock is walked from the open to the last entry in steps of ten minutes; at each
the clients ask at once for what they ask for all day, and one opens and closes a position.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mcp import Client

from bench.daemon import ROOMY, Desk, desk
from bench.exchange import exchange
from bench.memory import resident, slope, step
from bench.rows import Row

CLIENTS = 3
STEPS = 33  # from the open until the last entry
SLOPE_MOST = 5.0  # MiB an hour of the session over its second half
SETTINGS = {**ROOMY, "broker_requests_per_minute": "100000", "entry_pricing": "natural"}
ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_option_snapshot", {}),
    ("risk_check", {}),
    ("show_pnl", {}),
    ("market_context", {}),
    ("get_recent_orders", {}),
)


def rows() -> list[Row]:
    """Measure the growth, once: it takes a minute and a half."""
    points = asyncio.run(_session())
    half = len(points) // 2
    return [
        Row.of("the daemon at the open", [points[0]], "MiB", f"{CLIENTS} clients"),
        Row.of("the daemon at midday", [points[half]], "MiB"),
        Row.of("the daemon at the last entry", [points[-1]], "MiB"),
        Row.of(
            "growth over the afternoon",
            [slope(points[half:])],
            "MiB/h",
            f"least squares; {len(points) - half} points; hours of the market's time",
            at_most=SLOPE_MOST,
        ),
    ]


async def _session() -> list[float]:
    with exchange(clock="stepped", at="09:31") as broker:
        async with desk(broker.url, broker.keys, CLIENTS, SETTINGS) as running:
            points = [resident(running.daemon.pid)]
            for _ in range(STEPS):
                await asyncio.to_thread(step, broker)
                await asyncio.sleep(0.5)  # the chain follows
                await _asked(running)
                points.append(resident(running.daemon.pid))
            return points


async def _asked(running: Desk) -> None:
    """Ask everything at once from every client; a refusal is an answer too."""
    asked = [client.call_tool(tool, given) for client in running.clients for tool, given in ASKED]
    await asyncio.gather(*asked, _round_trip(running.clients[0]))


async def _round_trip(client: Client) -> None:
    trade: dict[str, Any] = {"width": 2}
    shown = await client.call_tool("iron_condor_30_delta", trade)
    if not shown.is_error and shown.structured_content:
        trade |= {"preview": False, "confirm_token": shown.structured_content["confirm_token"]}
        await client.call_tool("iron_condor_30_delta", trade)
        await client.call_tool("flatten_all", {})
