"""The desk as its users meet it: a daemon process, reached over HTTP or through a bridge.

    with Desk.start(tmp_path, exchange) as desk:
        async with desk.client() as client:
            shown = await client.ask("iron_condor_30_delta", width=2)

It trades on an exchange process, so nothing here is a double of anything.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from common.ids import RandomIds
from serving.tokens import TokenFile
from tests.exchange import ROOT, Exchange
from tools.events import ALERTS

ENTRYPOINT = ROOT / "alpaca_mcp_server.py"
START_SECONDS = 60.0
READY_SECONDS = 60.0
STOP_SECONDS = 15.0

# On a clock that stands still a module of tests is one minute of busy trading: how much of that
# is too much is tested where it is meant.
UNHURRIED = {
    "trades_per_day_max": "1000",
    "orders_per_minute_max": "1000",
    "orders_per_hour_max": "1000",
    "calls_per_minute": "1000000",
    "duplicate_window": "0",
    "repeats_max": "1000",
    "cooldown_after_loss": "0",
    "consecutive_losses_max": "1000",
}

Era = Literal["auto", "legacy"]
Reply = dict[str, Any]


class DeskFailed(Exception):
    """The daemon did not come up, or a tool that must succeed did not."""


class DeskClient:
    """An MCP client whose calls either must succeed or must be refused."""

    def __init__(self, client: Client) -> None:
        self.mcp = client

    async def ask(self, tool: str, **arguments: Any) -> Reply:
        """Return the structured answer of a call that must succeed."""
        answer = await self.mcp.call_tool(tool, arguments)
        if answer.is_error or answer.structured_content is None:
            raise DeskFailed(f"{tool} {arguments}: {text_of(answer)}")
        return dict(answer.structured_content)

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Return why a call was refused, which it must be."""
        answer = await self.mcp.call_tool(tool, arguments)
        if not answer.is_error:
            raise DeskFailed(f"{tool} {arguments} was not refused: {answer.structured_content}")
        return text_of(answer)

    async def confirmed(self, tool: str, shown: Reply, **arguments: Any) -> Reply:
        """Send what was shown and return the order; a price that moved is confirmed anew."""
        for _ in range(8):
            token = shown["confirm_token"]
            shown = await self.ask(tool, **arguments, preview=False, confirm_token=token)
            if shown["status"] == "sent":
                return dict(shown["order"])
        raise DeskFailed(f"{tool}: the price kept moving")

    async def ended(self, client_order_id: str, seconds: float = 20) -> Reply:
        """Wait until an order has ended and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            order: Reply = (await self.ask("get_order_status", order_id=client_order_id))["order"]
            if order["status"] in {"filled", "canceled", "expired", "rejected"}:
                return order
            await asyncio.sleep(0.05)
        raise DeskFailed(f"{client_order_id} did not end: {order}")

    async def ready(self, seconds: float = READY_SECONDS) -> Reply:
        """Wait until the desk says that it may open orders."""
        deadline = time.monotonic() + seconds
        health: Reply = {}
        while time.monotonic() < deadline:
            health = await self.ask("health_check")
            if health["ready"]:
                return health
            await asyncio.sleep(0.1)
        raise DeskFailed(f"not ready: {health.get('reasons')}")


@dataclass
class Desk:
    """A daemon on a state folder. settings are environment variables in lower case.

    program is what Python is told to run; it takes the entrypoint's commands.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = (str(ENTRYPOINT),)
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def start(
        cls, folder: Path, exchange: Exchange | None = None, **settings: object
    ) -> Iterator[Desk]:
        """Run a daemon against an exchange, or with its own embedded one; stop it at the end."""
        desk = cls(folder, {name: str(value) for name, value in settings.items()})
        if exchange is not None:
            desk.settings |= {
                "alpaca_api_key": exchange.key,
                "alpaca_secret_key": exchange.secret,
                "alpaca_base_url": exchange.url,
            }
        desk.launch()
        try:
            yield desk
        finally:
            desk.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be, or to find, this desk."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        defaults = {
            "state_dir": str(self.folder),
            "port": "0",
            "prometheus_port": "0",
            "broker_requests_per_minute": "6000",
            "entry_pricing": "natural",  # a walk takes seconds, and is tested where it is meant
            "toolsets": "all",  # what is listed by default is tested where it is meant
            "history_days": "0",  # two years of bars are no test's business but their own
            **UNHURRIED,
        }
        wanted = defaults | self.settings
        return kept | {name.upper(): value for name, value in wanted.items()}

    @property
    def log(self) -> Path:
        """Where the daemon's output goes."""
        return self.folder / "test-daemon.log"

    @property
    def lock(self) -> Path:
        """The daemon's lock file."""
        return next(self.folder.glob("*/daemon.lock"))

    @property
    def told(self) -> Reply:
        """What the daemon says of itself."""
        return dict(json.loads(self.lock.read_text()))

    def launch(self) -> None:
        """Start the daemon, again after stop or kill9, and wait until it listens."""
        self.folder.mkdir(exist_ok=True, parents=True)
        for stale in self.folder.glob("*/daemon.lock"):
            stale.write_text("")
        self.process = served(self.log, self.environment, program=self.program)
        deadline = time.monotonic() + START_SECONDS
        while not self._listening():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill9()
                raise DeskFailed(self.log.read_text(errors="replace")[-3000:])
            time.sleep(0.02)

    def stop(self) -> int:
        """Ask the daemon to stop, wait, and return its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise DeskFailed("the daemon did not stop when asked to") from None

    def kill9(self) -> None:
        """End the daemon as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def token(self, principal: str = "local") -> str:
        """Return a principal's bearer token, made if need be."""
        return TokenFile(self.folder / "tokens.json", RandomIds()).token(principal)

    @asynccontextmanager
    async def client(
        self, principal: str = "local", era: Era = "auto", **options: Any
    ) -> AsyncIterator[DeskClient]:
        """Connect over HTTP with a principal's own token; options are the SDK client's."""
        async with (
            httpx2.AsyncClient(
                headers={"Authorization": f"Bearer {self.token(principal)}"},
                timeout=httpx2.Timeout(30, read=60),
                trust_env=False,
            ) as http,
            Client(
                streamable_http_client(self.told["url"], http_client=http), mode=era, **options
            ) as client,
        ):
            yield DeskClient(client)

    @asynccontextmanager
    async def bridge(self, era: Era = "legacy", **settings: str) -> AsyncIterator[DeskClient]:
        """Connect as a host does: through a stdio bridge of this user."""
        told = StdioServerParameters(
            command=sys.executable,
            args=[str(ENTRYPOINT)],
            env=self.environment | {name.upper(): value for name, value in settings.items()},
            cwd=str(ROOT),
        )
        async with Client(stdio_client(told), mode=era) as client:
            yield DeskClient(client)

    def _listening(self) -> bool:
        try:
            health = self.told["health_url"]
            return bool(httpx2.get(f"{health}/live", trust_env=False).status_code == 200)
        except (StopIteration, OSError, ValueError, KeyError, httpx2.HTTPError):
            return False


def served(
    log: Path,
    environment: dict[str, str],
    *arguments: str,
    program: tuple[str, ...] = (str(ENTRYPOINT),),
) -> subprocess.Popen[bytes]:
    """Start a daemon in the foreground, its output appended to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *program, "serve", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def text_of(answer: Any) -> str:
    """Return the text of an answer without the news that may follow it."""
    texts = [block.text for block in answer.content if block.type == "text"]
    return " ".join(text for text in texts if not text.startswith(ALERTS))
