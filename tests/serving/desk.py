"""A desk in a folder of its own, driven as people and hosts drive it: by commands and pipes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.desk import ENTRYPOINT, served

WAIT = 60.0  # seconds that anything gets on a loaded machine
FRAME_MAX = 4_000_000

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test-host", "version": "1"},
}

Frame = dict[str, Any]


@dataclass
class Desk:
    """One state folder and the environment of every process on it."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    served: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, home: Path, **settings: str) -> Iterator[Desk]:
        """Yield a desk; leave no process of it behind."""
        desk = cls(home, settings)
        try:
            yield desk
        finally:
            desk.run("stop")
            for process in desk.served:
                process.wait(WAIT)

    @property
    def lock(self) -> Path:
        """The daemon's lock file."""
        return self.home / "paper-local" / "daemon.lock"

    def environment(self, **more: str) -> dict[str, str]:
        """Return what its processes see."""
        mine = {"STATE_DIR": str(self.home), "PORT": "0", "PROMETHEUS_PORT": "0"}
        return {**os.environ, **mine, **self.settings, **more}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, ENTRYPOINT, *arguments],
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )

    def serve(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the daemon in the foreground and wait until it has said where it is."""
        log = self.home.parent / f"{self.home.name}.serve.log"
        process = served(log, self.environment(), *arguments)
        self.served.append(process)
        until(lambda: bool(self.daemon()) or process.poll() is not None)
        return process

    def daemon(self) -> dict[str, Any]:
        """Return what the running daemon says of itself; empty when none has said anything."""
        try:
            said: dict[str, Any] = json.loads(self.lock.read_text() or "{}")
        except (FileNotFoundError, ValueError):
            return {}
        return said

    def kill9(self) -> int:
        """End the daemon as a power cut would; return its pid."""
        pid = int(self.daemon()["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    @asynccontextmanager
    async def host(self, **more: str) -> AsyncIterator[Host]:
        """Start a bridge as a host does, with its ends of the pipes."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            ENTRYPOINT,
            env=self.environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=FRAME_MAX,
        )
        host = Host(process)
        try:
            yield host
        finally:
            await host.leave()


class Host:
    """The host's side of one bridge. lines: all that came out of its stdout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._next = 0

    async def hello(self) -> Frame:
        """Do the handshake; return the server's answer."""
        answer = await self.ask("initialize", HELLO)
        await self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    async def ask(self, method: str, params: Frame | None = None) -> Frame:
        """Send a request and return its answer."""
        return await self.answer(await self.send(method, params))

    async def call(self, tool: str, **arguments: Any) -> Frame:
        """Call a tool and return its result."""
        answer = await self.ask("tools/call", {"name": tool, "arguments": arguments})
        result: Frame = answer["result"]
        return result

    async def send(self, method: str, params: Frame | None = None) -> int:
        """Send a request; return its id."""
        self._next += 1
        frame = {"jsonrpc": "2.0", "id": self._next, "method": method, "params": params or {}}
        await self.write(frame)
        return self._next

    async def answer(self, request_id: int) -> Frame:
        """Wait for the answer to a request."""
        while True:
            frame = await self._read()
            if frame.get("id") == request_id and "method" not in frame:
                return frame

    async def write(self, frame: Frame | bytes) -> None:
        """Send a frame, or bytes as they are."""
        assert self.process.stdin is not None
        line = frame if isinstance(frame, bytes) else json.dumps(frame).encode() + b"\n"
        self.process.stdin.write(line)
        await self.process.stdin.drain()

    async def end(self) -> int:
        """Close stdin, as a host does that quits; return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await asyncio.wait_for(self.process.wait(), WAIT)

    async def leave(self) -> None:
        """Make sure that it is gone, its last lines read."""
        if self.process.returncode is None:
            self.process.kill()
        out, _ = await self.process.communicate()
        self.lines += out.decode().splitlines()

    async def _read(self) -> Frame:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), WAIT)
        if not line:
            raise EOFError("the bridge ended")
        self.lines.append(line.decode())
        frame: Frame = json.loads(line)
        return frame


def until(true: Callable[[], bool]) -> None:
    """Wait for a condition; fail when it does not come."""
    deadline = time.monotonic() + WAIT
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen")
        time.sleep(0.02)


async def eventually(true: Callable[[], bool]) -> None:
    """Wait for a condition while the loop goes on."""
    await asyncio.to_thread(until, true)
