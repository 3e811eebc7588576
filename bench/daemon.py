"""The desk as a process of its own, on a broker given by its URL, for one measurement."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client

from bench.exchange import Keys
from common.config import load_settings
from common.place import ENTRYPOINT
from serving import launch
from serving.client import bearer, client_of
from serving.state import Daemon, StateFolder

ROOMY = {  # limits that a run of orders does not reach: what is timed is the way to the broker
    "max_daily_loss": "1000000",
    "portfolio_delta_cap": "100000",
    "sigma_delta_cap": "1000000",
    "late_gamma_max": "1000000000",
    "assignment_shares_max": "100000",
    "strike_contracts_max": "100000",
    "expiry_contracts_max": "100000",
    "trades_per_day_max": "100000",
    "orders_per_minute_max": "100000",
    "orders_per_hour_max": "100000",
    "duplicate_window": "0",
    "repeats_max": "100000",
    "cooldown_after_loss": "0",
    "consecutive_losses_max": "100000",
    "open_interest_min": "0",
}

START_SECONDS = 90.0
KEPT = ("PATH", "HOME", "PYTHONPATH", "LANG")
PHRASE = b"RELEASE\n"


@dataclass(frozen=True, slots=True)
class Desk:
    """A running daemon with clients connected."""

    daemon: Daemon
    environment: dict[str, str]
    clients: tuple[Client, ...]


@asynccontextmanager
async def desk(
    url: str,
    keys: Keys,
    clients: int,
    settings: Mapping[str, str],
    home: Path | None = None,
) -> AsyncIterator[Desk]:
    """Start a daemon, wait until it is ready to trade, connect clients over MCP HTTP.

    home: a state folder that outlives it; a new one when there is none.
    """
    with tempfile.TemporaryDirectory(prefix="bench-desk-") as folder_of_one:
        given = {
            "state_dir": str(home or folder_of_one),
            "alpaca_base_url": url,
            "alpaca_api_key": keys.key,
            "alpaca_secret_key": keys.secret,
            "port": "0",
            "prometheus_port": "0",
            "log_level": "error",
            "calls_per_minute": "1000000",
            **settings,
        }
        folder = StateFolder(load_settings(_env_file=None, **given))
        started = environment(given)
        with _running(started) as process:
            daemon = await _ready(folder, process)
            async with AsyncExitStack() as stack:
                headers = bearer(folder)
                connected = [
                    await stack.enter_async_context(client_of(daemon, headers))
                    for _ in range(clients)
                ]
                yield Desk(daemon, started, tuple(connected))


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a process of ours gets to see: settings, and nothing else of this user's."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **{name.upper(): value for name, value in settings.items()}}


def command(name: str, given: Mapping[str, str]) -> None:
    """Run one of our commands, which must succeed."""
    subprocess.run(
        [sys.executable, str(ENTRYPOINT), name],
        env=dict(given),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def release(given: dict[str, str]) -> None:
    """Release the kill switch of an environment as a person does: at a terminal."""
    mine, terminal = pty.openpty()
    try:
        os.write(mine, PHRASE)
        command = [sys.executable, str(ENTRYPOINT), "kill", "--release"]
        subprocess.run(command, stdin=terminal, stdout=subprocess.DEVNULL, env=given, check=True)
    finally:
        os.close(mine)
        os.close(terminal)


@contextlib.contextmanager
def _running(given: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(ENTRYPOINT), "serve", "--any-port"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=given) as process:
        try:
            yield process
        finally:
            process.terminate()


async def _ready(folder: StateFolder, process: subprocess.Popen[bytes]) -> Daemon:
    deadline = time.monotonic() + START_SECONDS
    told: Any = "no daemon"
    while time.monotonic() < deadline and process.poll() is None:
        if daemon := await launch.find(folder):
            async with httpx2.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"{daemon.health_url}/ready")
            if answer.status_code == 200:
                return daemon
            told = answer.text
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the desk did not become ready: {told}")
