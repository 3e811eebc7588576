"""The embedded exchange: a process of its own beside the daemon, found or started.

It outlives a daemon that is killed, so nothing it holds is lost or doubled: the next
daemon finds it by its address file. Its database has one owner at a time, held by a
lock of the exchange itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from common.clock import Stopwatch, WallClock
from common.config import ExchangeSettings
from common.errors import Misconfigured
from common.place import ROOT
from serving import logs
from serving.probe import answers
from serving.state import held

log = logging.getLogger(__name__)

START_MAX = timedelta(seconds=25)
STOP_MAX = timedelta(seconds=5)
LOOK_AGAIN = 0.05  # seconds
LOOK_ALIVE = 1.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAddress:
    """A running exchange and the keys of our account there."""

    url: str
    pid: int
    key: str
    secret: str = field(repr=False)


class SiblingExchange:
    """Finds, starts and stops the exchange of one state folder."""

    def __init__(self, folder: Path, settings: ExchangeSettings, wall: WallClock) -> None:
        self._folder = folder
        self._settings = settings
        self._wall = wall

    @property
    def database(self) -> Path:
        """The exchange's database."""
        return self._folder / "exchange.sqlite"

    @property
    def address(self) -> Path:
        """The file in which a running exchange says where it listens."""
        return self._folder / "address.json"

    @property
    def keys(self) -> Path:
        """The file with the keys of our account there."""
        return self._folder / "keys.json"

    @property
    def _log(self) -> Path:
        return self._folder / "exchange.log"

    async def find(self) -> ExchangeAddress | None:
        """Return the exchange if it answers."""
        try:
            told = json.loads(self.address.read_text(encoding="utf-8"))
            keys = json.loads(self.keys.read_text(encoding="utf-8"))
            address = ExchangeAddress(
                url=told["url"], pid=told["pid"], key=keys["key"], secret=keys["secret"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return address if await answers(f"{address.url}/health") else None

    async def keep(self, address: ExchangeAddress) -> None:
        """Start the exchange again, where it was, whenever its process has ended; for ever.

        Its database has everything it ever answered for. The port must be the same: the
        desk goes on asking there.
        """
        while True:
            await asyncio.sleep(LOOK_ALIVE)
            if _ended(address.pid):
                log.error("the paper exchange (pid %s) has ended; starting it again", address.pid)
                address = await self.find_or_start(port=urlsplit(address.url).port)

    async def find_or_start(self, port: int | None = None) -> ExchangeAddress:
        """Return the exchange, started if none answers; raise Misconfigured if it fails.

        port: where to start it, None as configured.
        """
        watch = Stopwatch(self._wall)
        process: subprocess.Popen[bytes] | None = None
        while watch.elapsed() < START_MAX:
            if found := await self.find():
                return found
            if process is None:
                with held(self._folder / "start.lock") as mine:
                    if mine is not None and await self.find() is None:
                        process = self._spawn(port)
            elif process.poll() not in (None, 0):
                break
            await asyncio.sleep(LOOK_AGAIN)
        if process is not None and process.poll() is None:
            process.terminate()
        raise Misconfigured(
            f"the paper exchange did not start: {logs.last_words(self._log)}",
            remedy=f"read {self._log}, then run doctor",
        )

    async def stop(self) -> bool:
        """End the exchange; return whether one was running."""
        found = await self.find()
        if found is None:
            return False
        return await terminated(found.pid, lambda: _ended(found.pid), self._wall, STOP_MAX)

    def _spawn(self, port: int | None) -> subprocess.Popen[bytes]:
        self.address.unlink(missing_ok=True)
        logs.start_anew_when_full(self._log)
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 our own package, our own interpreter
                self._command(self._settings.port if port is None else port),
                cwd=ROOT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _command(self, port: int) -> list[str]:
        wanted = self._settings
        command = [sys.executable, "-m", "paper_exchange", "--host", "127.0.0.1"]
        options = {
            "--port": port,
            "--database": f"sqlite:///{self.database}",
            "--feed": wanted.feed,
            "--clock": wanted.clock,
            "--speed": wanted.speed if wanted.clock == "demo" else None,
            "--seed": wanted.seed,
            "--cash": wanted.cash,
            "--partial-fills": 0,  # what the desk shows is repeatable
            "--key-file": self.keys,
            "--address-file": self.address,
            "--at": wanted.at.strftime("%H:%M") if wanted.at else None,
            "--day": wanted.day.isoformat() if wanted.day else None,
        }
        if wanted.feed == "live":
            options |= {
                "--upstream-url": wanted.upstream_url,
                "--upstream-requests": wanted.upstream_requests,
                "--stock-feed": wanted.stock_feed,
                "--option-feed": wanted.option_feed,
                "--stale-after": wanted.stale_after.total_seconds(),
            }
        for option, value in options.items():
            if value is not None:
                command += [option, str(value)]
        return command

    def _environment(self) -> dict[str, str]:
        """Return ours with the upstream's keys: a command line is for everyone to read."""
        keys = {
            "PAPER_EXCHANGE_UPSTREAM_KEY": self._settings.upstream_key,
            "PAPER_EXCHANGE_UPSTREAM_SECRET": self._settings.upstream_secret,
        }
        told = {name: key.get_secret_value() for name, key in keys.items() if key is not None}
        return {**os.environ, **told}


async def terminated(
    pid: int, gone: Callable[[], bool], wall: WallClock, within: timedelta
) -> bool:
    """Send SIGTERM, after a time SIGKILL, and tell whether the process is gone."""
    watch = Stopwatch(wall)
    asked = signal.SIGTERM
    try:
        os.kill(pid, asked)
        while watch.elapsed() < 2 * within:
            if gone():
                return True
            if watch.elapsed() > within and asked is signal.SIGTERM:
                asked = signal.SIGKILL
                os.kill(pid, asked)
            await asyncio.sleep(LOOK_AGAIN)
    except ProcessLookupError:
        return True
    return gone()


def _ended(pid: int) -> bool:
    """Tell whether a process is gone; reap it if it was a child of this one."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
