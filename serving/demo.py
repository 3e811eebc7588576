"""The demo: one same-day trade after another through a real MCP client, start to flat.

Everything it shows is asked of a running desk on a running exchange, over the same stdio
bridge that a host uses; nothing is scripted but the calls. It works in a folder of its
own and leaves no process behind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from common.clock import MonotonicClock, Stopwatch
from common.config import load_settings
from common.place import COMMAND, ENTRYPOINT, ROOT
from serving import launch
from serving.sibling import SiblingExchange
from serving.state import StateFolder

DAY = "2026-12-08"
AT = "10:05"
BREAKOUT_SEED = 7  # the morning closes above its opening range by 10:05
QUIET_SEED = 8  # it does not
FILL_WAIT = timedelta(seconds=20)

Reply = dict[str, Any]


class DemoFailed(Exception):
    """A step did not do what it shows."""


@dataclass(slots=True)
class Transcript:
    """What is printed as it happens, and the table at the end."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def title(self, text: str) -> None:
        """Start a step."""
        print(f"\n== {text}")

    def say(self, text: str) -> None:
        """Print one line of a step."""
        print(f"   {text}", flush=True)

    def result(self, what: str, outcome: str) -> None:
        """Print an outcome and keep it for the table."""
        self.rows.append((what, outcome))
        self.say(f"-> {outcome}")

    def table(self) -> None:
        """Print every outcome."""
        width = max(len(what) for what, _ in self.rows)
        print("\n" + "=" * 78)
        for what, outcome in self.rows:
            print(f"{what:<{width}}  {outcome}")
        print("=" * 78)


class Desk:
    """An MCP client of one desk."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, tool: str, **arguments: Any) -> Reply:
        """Call a tool that must succeed."""
        answer = await self._client.call_tool(tool, arguments)
        if answer.is_error or answer.structured_content is None:
            raise DemoFailed(f"{tool}: {_text(answer)}")
        return dict(answer.structured_content)

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must be refused; return why."""
        answer = await self._client.call_tool(tool, arguments)
        if not answer.is_error:
            raise DemoFailed(f"{tool} {arguments} was not refused")
        return _text(answer)

    async def trade(self, tool: str, shown: Reply, **arguments: Any) -> Reply:
        """Confirm a preview and wait for its fill; previews that moved are confirmed anew."""
        for _ in range(5):
            token = shown["confirm_token"]
            shown = await self.ask(tool, **arguments, preview=False, confirm_token=token)
            if shown["status"] == "sent":
                return await self._filled(shown["order"])
        raise DemoFailed(f"{tool}: the price kept moving")

    async def _filled(self, order: Reply) -> Reply:
        watch = Stopwatch(MonotonicClock())
        while order["status"] != "filled":
            if watch.elapsed() > FILL_WAIT:
                raise DemoFailed(f"not filled: {order}")
            await asyncio.sleep(0.1)
            asked = await self.ask("get_order_status", order_id=order["client_order_id"])
            order = asked["order"]
        return order


async def run_demo() -> int:
    """Run it all; return the exit code."""
    since = Stopwatch(MonotonicClock())
    home = Path(tempfile.mkdtemp(prefix="zero-dte-demo-"))
    told = Transcript()
    print("0DTE desk, embedded paper exchange, synthetic market. No account, no network.")
    print(f"Exchange time starts at {AT} New York with the morning behind it.")
    failed: BaseException | None = None
    try:
        await _trading_morning(home / "breakout", told, since)
        await _quiet_morning(home / "quiet", told)
    except* DemoFailed as group:
        failed = _first(group)
    if failed is not None:
        print(f"\nThe demo failed: {failed}\nIts logs are kept in {home}", file=sys.stderr)
        return 1
    told.table()
    shutil.rmtree(home, ignore_errors=True)
    print(
        "\nNext:\n"
        f"  {COMMAND} serve      starts the desk and prints the Claude Desktop configuration\n"
        f"  {COMMAND} tools call iron_condor_30_delta width=3\n"
    )
    return 0


async def _quiet_morning(home: Path, told: Transcript) -> None:
    told.title("Another morning, without a breakout: the strategy refuses with the numbers")
    async with _desk(home, QUIET_SEED) as desk:
        await _ready(desk)
        told.result("ORB, no breakout", await desk.refusal("orb_long_call"))


async def _trading_morning(home: Path, told: Transcript, since: Stopwatch) -> None:
    async with _desk(home, BREAKOUT_SEED) as desk:
        await _ready(desk)
        await _open(desk, told)
        await _breakout(desk, told, since)
        await _condor(desk, told)
        await _watch(desk, told)
        await _kill_and_flatten(desk, told)


async def _open(desk: Desk, told: Transcript) -> None:
    told.title("Account, clock, stream")
    account = await desk.ask("get_account_info")
    clock = await desk.ask("get_market_clock")
    told.say(f"mode {account['mode']}, equity ${account['equity']}")
    told.say(f"{clock['now']}, no entry after {clock['no_entry_after']}")
    stream = await desk.ask("streaming_status")
    while stream["messages_per_second"] == 0:
        await asyncio.sleep(0.1)
        stream = await desk.ask("streaming_status")
    told.result(
        "Option stream",
        f"{stream['state']}, {stream['symbols_streamed']} of {stream['contracts_listed']} "
        f"contracts, {stream['messages_per_second']:.0f} quotes/s",
    )


async def _breakout(desk: Desk, told: Transcript, since: Stopwatch) -> None:
    told.title("Opening-range breakout: preview, confirm, fill")
    # Nearer the money than the condor's short strikes: the two must not share a contract.
    shown = await desk.ask("orb_long_call", strike_delta=45)
    _show(shown["preview"], told)
    order = await desk.trade("orb_long_call", shown, strike_delta=45)
    told.result("ORB call", _fill(order))
    seconds = since.elapsed().total_seconds()
    told.result("Time to first fill", f"{seconds:.1f} s after the demo started")


async def _condor(desk: Desk, told: Transcript) -> None:
    told.title("Iron condor, default width 10: the loss budget refuses it")
    refused = await desk.refusal("iron_condor_30_delta")
    told.result("Condor, width 10", refused)
    width = int(refused.split("width=")[1].split(",")[0].split()[0])
    told.title(f"Iron condor, width {width}: preview, a wrong token, the right one")
    shown = await desk.ask("iron_condor_30_delta", width=width)
    _show(shown["preview"], told)
    wrong = await desk.refusal(
        "iron_condor_30_delta",
        width=width,
        preview=False,
        confirm_token="guessed",  # noqa: S106
    )
    told.result("A wrong token", wrong)
    order = await desk.trade("iron_condor_30_delta", shown, width=width)
    told.result("Condor, right token", _fill(order))
    if order["order_class"] != "mleg" or len(order["legs"]) != 4:
        raise DemoFailed(f"the condor was not one multi-leg order: {order}")
    told.say(f"one {order['order_class']} order of {len(order['legs'])} legs, {order['exit']}")


async def _watch(desk: Desk, told: Transcript) -> None:
    told.title("Live profit and loss with greeks")
    for _ in range(3):
        await asyncio.sleep(1)
        pnl = await desk.ask("show_pnl")
        greeks = pnl["greeks"] or {}
        told.say(
            f"session {pnl['session']} (at mid {pnl['session_at_mid']}), realized "
            f"{pnl['realized']}, delta {greeks.get('delta_shares')} shares, theta "
            f"{greeks.get('theta_dollars_per_minute')} $/min"
        )
    told.result("Session P&L", f"${pnl['session']} at exit prices, fees ${pnl['fees']}")
    check = await desk.ask("risk_check")
    for limit in check["limits"]:
        told.say(f"{limit['name']}: {limit['used']} (limit {limit['limit']}, room {limit['room']})")


async def _kill_and_flatten(desk: Desk, told: Transcript) -> None:
    told.title("Kill switch, then flat")
    told.say((await desk.ask("kill_switch"))["message"])
    told.result("A trade after the kill", await desk.refusal("iron_condor_30_delta", width=2))
    told.result("Releasing it as a model", await desk.refusal("kill_switch", enable=False))
    done = await desk.ask("flatten_all")
    positions = (await desk.ask("get_positions"))["positions"]
    orders = (await desk.ask("get_orders", status="open"))["orders"]
    if positions or orders or not done["flat"]:
        raise DemoFailed(f"not flat: {done}")
    told.result("Flatten", f"{len(positions)} positions, {len(orders)} open orders left")
    pnl = await desk.ask("show_pnl")
    told.result("Realized", f"${pnl['realized']}, of it fees ${pnl['fees']}")


@asynccontextmanager
async def _desk(home: Path, seed: int) -> AsyncIterator[Desk]:
    """Start a desk and its exchange in a folder, and end both with the block."""
    configured = {
        "STATE_DIR": str(home),
        "PORT": "0",
        "PROMETHEUS_PORT": "0",
        "EXCHANGE__SEED": str(seed),
        "EXCHANGE__DAY": DAY,
        "EXCHANGE__AT": AT,
    }
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    parameters = StdioServerParameters(
        command=sys.executable,
        args=[str(ENTRYPOINT)],
        env={**keep, **configured},
        cwd=str(ROOT),
    )
    try:
        async with Client(stdio_client(parameters), mode="legacy") as client:
            yield Desk(client)
    finally:
        settings = load_settings(_env_file=None, state_dir=home)
        folder = StateFolder(settings)
        await launch.stop(folder)
        await SiblingExchange(folder.exchange, settings.exchange, MonotonicClock()).stop()


async def _ready(desk: Desk) -> None:
    """Wait until the chain is live, as health_check tells it."""
    watch = Stopwatch(MonotonicClock())
    health = await desk.ask("health_check")
    while not health["ready"]:
        if watch.elapsed() > timedelta(seconds=60):
            raise DemoFailed(f"the desk did not become ready: {health['reasons']}")
        await asyncio.sleep(0.2)
        health = await desk.ask("health_check")


def _show(preview: Reply, told: Transcript) -> None:
    for leg in preview["legs"]:
        told.say(
            f"{leg['intent']:<14} {leg['contracts']} {leg['symbol']}  bid {leg['bid']} ask "
            f"{leg['ask']}  delta {leg['delta']}  {leg['age_seconds']} s old"
        )
    told.say(f"limit {preview['limit']}: {preview['limit_why']}")
    told.say(
        f"{preview['debit_or_credit']}, max loss {preview['max_loss']}, max profit "
        f"{preview['max_profit'] or 'unlimited'}, breakevens {', '.join(preview['breakevens'])}, "
        f"probability of profit {preview['probability_of_profit']}"
    )
    chances, after = preview["chances"], preview["impact"]["after"]
    told.say(
        f"expected value {chances['expected_value_after_costs']}: {chances['note']} After the fill "
        f"cash {after['cash']}, margin {after['margin']}, 99% VaR of 30 min {after['var_99']}"
    )
    told.say(f"fees about ${preview['fees_estimated']}; exit: {preview['exit']}")
    for label, value in preview["facts"].items():
        told.say(f"{label}: {value}")
    for warning in preview["warnings"]:
        told.say(f"warning [{warning['code']}]: {warning['text']}")


def _fill(order: Reply) -> str:
    return (
        f"{order['status']} {order['filled_qty']} at {order['filled_average']} net, slippage "
        f"{order['slippage']} against mid, fees about ${order['fees_estimated']}"
    )


def _first(group: BaseExceptionGroup[DemoFailed]) -> BaseException:
    """Return the failure itself: the client's task groups wrap it on its way out."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner


def _text(answer: Any) -> str:
    return " ".join(block.text for block in answer.content if block.type == "text")
