"""What risk does by itself: a drift is blocked, and a kill takes back what works.

Drift: desks that hold one call each see the market step away at once; timed to the latch in
each one's database. Kill: a desk has many orders resting; timed from the call to the last
order's end in its records.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from mcp import Client

from bench.daemon import Desk, desk
from bench.desk import ROOMY
from bench.exchange import ADMIN_KEY, Exchange, call, exchange
from bench.rows import Row

MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": 7}
PATIENT = {"quote_age_max": "60", "history_days": "0", "log_level": "error"}
DESKS = 3
ORDERS = 50
RESTING = {
    "entry_pricing": "adaptive",
    "entry_step": "600",
    "entry_timeout": "3600",
    "confirmation_timeout": "300",
}
DRIFTED_AT = 15 * 60.0  # seconds of market time after which that morning's call has gone up
WAIT = 120.0
CONDOR = "iron_condor_30_delta"
DRIFTED = "SELECT count(*) FROM latches WHERE cause='drift'"
WORKING = (
    "SELECT count(*) FROM orders WHERE status NOT IN ('filled', 'canceled', 'expired', 'rejected')"
)

Reply = dict[str, Any]


def rows() -> list[Row]:
    """Measure both, each on an exchange of its own."""
    return [asyncio.run(_drift()), asyncio.run(_kill())]


async def _drift() -> Row:
    with exchange(**MORNING) as broker:
        async with AsyncExitStack() as stack:
            running = []
            for keys in (broker.keys, *(broker.open_account() for _ in range(DESKS - 1))):
                one = await stack.enter_async_context(desk(broker.url, keys, 1, **PATIENT))
                await _open(one.clients[0], "orb_long_call", strike_delta=45)
                running.append(one)
            _step(broker, DRIFTED_AT)
            start = time.perf_counter()
            taken = await asyncio.gather(
                *(_until(partial(_counted, one, DRIFTED), start) for one in running)
            )
    note = f"{DESKS} desks at once, from the step of the market"
    return Row.of("delta past its cap to the block of new risk", taken, "ms", note, at_most=1000.0)


async def _kill() -> Row:
    with exchange(**MORNING) as broker:
        async with desk(broker.url, broker.keys, 1, **ROOMY | PATIENT | RESTING) as running:
            [client] = running.clients
            shown = [await _ask(client, CONDOR, width=2) for _ in range(ORDERS)]
            sending = [asyncio.create_task(_confirmed(client, one)) for one in shown]
            await _until(lambda: _counted(running, WORKING) == ORDERS, time.perf_counter())
            start = time.perf_counter()
            await _ask(client, "kill_switch")
            taken = await _until(lambda: not _counted(running, WORKING), start)
            await asyncio.gather(*sending, return_exceptions=True)
    note = f"{ORDERS} orders resting at the exchange"
    return Row.of("kill switch to the last cancel", [taken], "ms", note, at_most=1000.0)


async def _open(client: Client, tool: str, **arguments: Any) -> None:
    """Preview, confirm and wait until it is filled."""
    shown = await _ask(client, tool, **arguments)
    told = (await _confirmed(client, shown, tool, **arguments))["order"]
    deadline = time.monotonic() + WAIT
    while told["status"] != "filled":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{tool} did not fill: {told}")
        asked = await _ask(client, "get_order_status", order_id=told["client_order_id"])
        told = asked["order"]


async def _confirmed(client: Client, shown: Reply, tool: str = CONDOR, **arguments: Any) -> Reply:
    """Confirm a preview; the answer comes when its walk has ended."""
    wanted = arguments or {"width": 2}
    return await _ask(client, tool, **wanted, preview=False, confirm_token=shown["confirm_token"])


async def _ask(client: Client, tool: str, **arguments: Any) -> Reply:
    answer = await client.call_tool(tool, arguments)
    if answer.is_error or answer.structured_content is None:
        raise RuntimeError(f"{tool}: {answer.content}")
    return dict(answer.structured_content)


async def _until(met: Callable[[], object], start: float) -> float:
    """Return the milliseconds from a start until it is met, looked at every two."""
    while not met():
        if time.perf_counter() - start > WAIT:
            raise RuntimeError("it never came about")
        await asyncio.sleep(0.002)
    return (time.perf_counter() - start) * 1e3


def _step(broker: Exchange, seconds: float) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    call(broker.url, "POST", "/admin/clock", json.dumps({"by": seconds}).encode(), headers)


def _counted(running: Desk, query: str) -> int:
    """Return what a query counts in a desk's database."""
    [database] = Path(running.environment["STATE_DIR"]).glob("*/desk.sqlite")
    db = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5.0)
    try:
        (count,) = db.execute(query).fetchone()
    finally:
        db.close()
    return int(count)
