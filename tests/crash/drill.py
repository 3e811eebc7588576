"""The crash drill: the daemon dies at each step of a trade, with the exchange's faults on.

One exchange and one desk for all steps. After each death the desk is started again and held
against the broker: what is held, what it is called, its exits, its P&L, its audit log; every
order was sent once, and none is lost.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time as wall
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.execution.records import OrderRecord, root_of
from tests.crash import book
from tests.crash.journal import require
from tests.crash.wire import Hold, Wire
from tests.desk import ENTRYPOINT, Desk, DeskClient, text_of
from tests.exchange import ROOT, Exchange
from tests.tools.market import PATIENT, followed, until

CONDOR, CALL = "iron_condor_30_delta", "orb_long_call"
WIDTH = {"width": 2}
MORNING = {"clock": "stepped", "day": "2026-12-08", "at": "10:05", "seed": "7"}
MINUTE = timedelta(minutes=1)
NEAR = Decimal("0.10")  # dollars of SPY: a level that a few minutes reach

# The updates come late, twice and in disorder all along; reads fail now and then.
FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "duplicated_updates", "times": 0},
    {"kind": "reordered_updates", "times": 40},
    {"kind": "late_updates", "times": 40, "seconds": 0.3},
)
AT_RESTART: tuple[dict[str, object], ...] = (
    {"kind": "429", "times": 2, "method": "GET", "path": "/v2/orders"},
    {"kind": "500", "times": 2, "method": "GET", "path": "/v2/positions"},
    {"kind": "drop", "times": 2, "method": "GET", "path": "/v2/account"},
    {"kind": "drop_sockets"},
)
SETTINGS = {
    **{name: str(value) for name, value in PATIENT.items()},
    "broker_timeout": "2",
    "price_tolerance": "0.5",
    "max_daily_loss": "5000",
    "portfolio_delta_cap": "500",
    "trades_per_day_max": "1000",
    "duplicate_window": "0",
    "repeats_max": "1000",
    "cooldown_after_loss": "0",
    "consecutive_losses_max": "1000",
    "open_interest_min": "0",
    "orb_entries_max": "100",
    "entry_pricing": "adaptive",
    "entry_step": "0.5",
    "entry_timeout": "4",
}

Json = dict[str, Any]
Step = Callable[["Drill"], Awaitable[None]]


@dataclass
class Drill:
    """One desk, its broker, and the wire between them in our hand."""

    exchange: Exchange
    wire: Wire
    desk: Desk
    took: dict[str, float] = field(default_factory=dict)  # seconds to recover, by step
    sent: int = 0  # confirmations that became orders

    async def play(self, name: str, step: Step) -> None:
        """Take one step, death included, and look at everything afterwards."""
        before = len(self.records())
        await step(self)
        self.took[name] = await self._recovered(name)
        require(len(self.records()) > before or name == "preview", f"{name} left no record")

    def records(self) -> dict[str, OrderRecord]:
        """Return the desk's own records, read beside it."""
        page = book.read(next(self.desk.folder.glob("*/desk.sqlite")))
        return {str(name): record for name, record in page.records.items()}

    def faults(self, *wanted: Json | dict[str, object]) -> None:
        """Have the exchange misbehave."""
        headers = {"Authorization": f"Bearer {self.exchange.admin_key}"}
        for fault in wanted:
            answer = self.exchange.request("POST", "/admin/faults", fault, headers=headers)
            require(answer.status == 200, f"no fault: {answer}")

    async def previewed(self, client: DeskClient) -> Json:
        """Return a preview that can be confirmed."""
        await client.ready()
        return await client.ask(CONDOR, **WIDTH)

    async def die_while(self, hold: Hold, doing: Awaitable[object]) -> None:
        """Pull the plug once the next order is where it is to be held."""
        self.wire.hold(hold)
        task = asyncio.ensure_future(doing)
        async with asyncio.timeout(60):
            await self.wire.caught.wait()
        self.desk.kill9()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def confirm(self, shown: Json) -> str:
        """Confirm a preview over a connection of its own; return what the desk says."""
        async with self.desk.client() as client:
            arguments = {**WIDTH, "preview": False, "confirm_token": shown["confirm_token"]}
            return text_of(await client.mcp.call_tool(CONDOR, arguments))

    async def held(self, client: DeskClient) -> Json:
        """Open a condor and return its filled order."""
        for _ in range(5):
            sent = await client.confirmed(CONDOR, await self.previewed(client), **WIDTH)
            order = await client.ended(sent["client_order_id"])
            if order["status"] == "filled":
                return order
        raise AssertionError(f"no fill: {order}")

    async def guarded(self, client: DeskClient, order: Json) -> None:
        """Put levels so near on both sides that a few minutes reach one."""
        quote = self.exchange.get("/v2/stocks/SPY/quotes/latest")["quote"]
        spot = (Decimal(str(quote["bp"])) + Decimal(str(quote["ap"]))) / 2
        low, high = round(spot - NEAR, 2), round(spot + NEAR, 2)
        await client.ask(
            "edit_exit",
            order_id=order["order_id"],
            stop=f"SPY<{low}",
            target=f"SPY>{high}",
            per_side=False,
        )

    async def run_into_exit(self, client: DeskClient, order: Json) -> None:
        """Let the market move until an exit fires, which the wire catches."""
        for _ in range(60):
            if self.wire.caught.is_set():
                return
            await asyncio.to_thread(self.exchange.step, MINUTE)
            await followed(client, self.exchange, order["legs"])
            await asyncio.sleep(1.0)  # an exit confirms its trigger for half a second

    async def _recovered(self, name: str) -> float:
        """Start the desk again and require that everything is as the broker has it."""
        self.faults(*AT_RESTART)
        began = wall.monotonic()
        await asyncio.to_thread(self.desk.launch)
        async with self.desk.client() as client:
            await client.ready()
            took = wall.monotonic() - began
            await self._right(name, client)
            require((await client.ask("flatten_all"))["flat"], f"{name}: not flat")
            await self._right(name, client)
        return took

    async def _right(self, name: str, client: DeskClient) -> None:
        async def settled() -> bool:
            self.wire.release()
            working = [r for r in self.records().values() if not r.status.terminal]
            closing = [t for t in await self._watched(client) if t["state"] == "closing"]
            return not working and not closing

        await until(settled, f"{name}: orders did not end", seconds=90)
        found = await client.ask("reconcile_positions")
        require(found["agrees"], f"{name}: {found['differences']}")
        self._orders(name)
        await self._exits(name, client)
        pnl = await client.ask("show_pnl")
        equity = Decimal(self.exchange.get("/v2/account")["equity"])
        same = Decimal(pnl["equity_at_broker"]) == equity
        require(same, f"{name}: equity {pnl['equity_at_broker']}, the account has {equity}")
        if not self.exchange.positions():
            session = equity - Decimal(pnl["opening_equity"])
            require(Decimal(pnl["session"]) == session, f"{name}: P&L {pnl}, not {session}")

    async def _watched(self, client: DeskClient) -> list[Json]:
        return list((await client.ask("list_exits"))["trades"])

    def _orders(self, name: str) -> None:
        """Require that each order at the broker is one record, with the same fills and tag."""
        records = self.records()
        chains: dict[str, list[Json]] = {}
        for order in self.exchange.orders():
            chains.setdefault(str(root_of(order["client_order_id"])), []).append(order)
        require(set(chains) <= set(records), f"{name}: {set(chains) - set(records)} not ours")
        for root, chain in chains.items():
            record = records[root]
            alive = [order for order in chain if order["status"] != "replaced"]
            require(len(alive) == 1, f"{name}: {root} is there {len(alive)} times")
            filled = Decimal(alive[0]["filled_qty"])
            require(filled == record.filled_qty, f"{name}: {root} filled {filled}, {record}")
            tags = {"iron_condor", CONDOR, "flatten"}
            require(record.intent.strategy in tags, f"{name}: tag {record.intent.strategy}")
        opened = [r for r in records.values() if r.intent.opens and r.broker_id is not None]
        most = self.sent
        require(len(opened) <= most, f"{name}: {len(opened)} orders of {most} confirmations")

    async def _exits(self, name: str, client: DeskClient) -> None:
        """Require a living exit for whatever is held, and none for what is not."""
        watched = await self._watched(client)
        held = {position["symbol"] for position in self.exchange.positions()}
        guarded = {symbol for trade in watched for symbol in trade["legs_held"]}
        require(held <= guarded, f"{name}: {held - guarded} without an exit")

    def audited(self) -> str:
        """Verify the audit log as a person would."""
        command = [sys.executable, str(ENTRYPOINT), "audit", "verify"]
        done = subprocess.run(
            command, cwd=ROOT, env=self.desk.environment, capture_output=True, text=True, timeout=60
        )
        require(done.returncode == 0, f"the audit log: {done.stdout}{done.stderr}")
        return done.stdout.strip()


@asynccontextmanager
async def drilling(folder: Path) -> AsyncIterator[Drill]:
    """Start everything; stop it at the end."""
    home = folder / "exchange"
    home.mkdir()
    with Exchange.start(home, **MORNING) as exchange:
        async with Wire(exchange.url).listening() as line:
            keys = {
                "alpaca_api_key": exchange.key,
                "alpaca_secret_key": exchange.secret,
                "alpaca_base_url": line.url,
            }
            desk = Desk(folder / "desk", SETTINGS | keys)
            drill = Drill(exchange, line, desk)
            try:
                await asyncio.to_thread(desk.launch)
                drill.faults(*FAULTS)
                yield drill
            finally:
                desk.kill9()
