"""The stdio bridge: what a host starts. Finds or starts the daemon and pumps frames.

Nothing but frames goes to stdout. When the daemon dies the bridge starts another, says
so to whoever waits for an answer, repeats the host's handshake and goes on: exits and
orders never depended on the chat, and the chat need not be restarted either.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common.config import Settings
from common.errors import TradingError, told
from serving.host import Frame, Host, frame_of
from serving.launch import alive, find_or_start
from serving.state import Daemon, StateFolder
from serving.tokens import own_grant, own_token

log = logging.getLogger(__name__)

AGAIN_AFTER = 0.05  # seconds between a broken link and the next
HANDSHAKE_MAX = 10  # seconds that a daemon gets to answer a repeated handshake
GOING_MAX = 20.0  # seconds that a daemon which no longer answers gets to be gone
FRAME_MAX = 64 * 1024 * 1024  # bytes of an answer
DAEMON_GONE = -32010  # implementation-defined server error


class Bridge:
    """One host's connection: remembers its handshake and what still waits for an answer."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings = settings
        self._folder = StateFolder(settings)
        self._host = host
        self._handshake: list[Frame] = []
        self._unsent: Frame | None = None
        self._waiting: dict[Any, str] = {}
        self._asked = False  # whether this link has carried a request
        self._ended = False

    async def run(self) -> TradingError | None:
        """Pump until the host closes its end; return why there was no daemon at the end."""
        failed: TradingError | None = None
        while not self._ended:
            try:
                daemon = await find_or_start(self._settings, self._folder)
            except TradingError as e:
                log.error("%s", told(e))
                failed = e
                await self._refuse(e)
                continue
            failed = None
            if await self._serve(daemon):
                continue
            await self._tell_waiting()
            if not self._ended:
                await self._pause(daemon)
        return failed

    async def _serve(self, daemon: Daemon) -> bool:
        """Pump between the host and one daemon; return whether the host begins a new session."""
        try:
            async with self._link(daemon) as (reader, writer):
                await self._shake_hands_again(reader, writer)
                return await self._pump(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError) as broken:
            log.warning("the connection to the daemon broke: %r", broken)
            return False

    @asynccontextmanager
    async def _link(
        self, daemon: Daemon
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.link, limit=FRAME_MAX)
        try:
            writer.write(f"{own_token(self._folder, own_grant(self._settings))}\n".encode())
            yield reader, writer
        finally:
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Carry frames both ways until either side is gone or the host shakes hands anew."""
        self._asked = False
        upwards = asyncio.create_task(self._upwards(writer))
        downwards = asyncio.create_task(self._downwards(reader))
        try:
            done, _ = await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
        finally:
            upwards.cancel()
            downwards.cancel()
            await asyncio.gather(upwards, downwards, return_exceptions=True)
        for task in done:
            if not task.cancelled() and (failure := task.exception()) is not None:
                raise failure
        return self._unsent is not None

    async def _upwards(self, writer: asyncio.StreamWriter) -> None:
        """Send what the host says; return when it has ended, or begins a session anew.

        A session has one era, so a handshake after a request needs a link of its own: some
        hosts probe first what a server speaks.
        """
        while (frame := self._unsent or await self._next()) is not None:
            self._unsent = frame
            if frame.method == "initialize" and self._asked:
                return
            self._asked = self._asked or frame.asks
            self._remember(frame)
            writer.write(frame.line)
            self._unsent = None
            await writer.drain()

    async def _downwards(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            frame = frame_of(line)
            if frame is None:
                log.warning("a frame of the daemon could not be read: %.80r", line)
                continue
            if frame.answers:
                self._waiting.pop(frame.id, None)
            await self._host.write(line)

    async def _next(self) -> Frame | None:
        frame = await self._host.read()
        self._ended = frame is None
        return frame

    async def _pause(self, daemon: Daemon) -> None:
        """After a crash go on at once, positions want minding; after an orderly stop wait.

        Whoever stopped the daemon wants it stopped until the host asks for something.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + GOING_MAX
        while self._folder.running() == daemon and loop.time() < until:
            if await alive(daemon):
                return  # only the link broke
            await asyncio.sleep(AGAIN_AFTER)
        if not self._folder.left_in_order():
            log.warning("the daemon (pid %s) is gone", daemon.pid)
            return
        log.info("the daemon was stopped; another starts when the host asks for something")
        self._unsent = self._unsent or await self._next()

    def _remember(self, frame: Frame) -> None:
        if frame.asks:
            self._waiting[frame.id] = str(frame.method)
            if frame.method == "initialize":
                self._handshake = [frame]
        elif frame.method == "notifications/initialized":
            self._handshake = [*self._handshake[:1], frame]
        elif frame.method == "notifications/cancelled":
            self._waiting.pop(frame.cancels, None)

    async def _shake_hands_again(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Open a session with a new daemon as the host opened its own; keep the answer."""
        if self._unsent is not None and self._unsent.method == "initialize":
            self._handshake = []  # the host does so itself
        for frame in self._handshake:
            writer.write(frame.line)
            if frame.asks:
                async with asyncio.timeout(HANDSHAKE_MAX):
                    await reader.readline()

    async def _tell_waiting(self) -> None:
        """Answer what the daemon will never answer."""
        for request_id, method in list(self._waiting.items()):
            what = f"the daemon stopped before it answered {method}"
            if method == "tools/call":
                what += "; an order may have been sent"
            await self._error(request_id, f"[daemon_gone] {what}. Next: look at get_orders.")
        self._waiting.clear()

    async def _refuse(self, error: TradingError) -> None:
        """Tell the host why there is no daemon, where it waits; return when it asks again."""
        while (frame := self._unsent or await self._next()) is not None:
            self._unsent = None
            if frame.asks:
                await self._error(frame.id, told(error))
                self._unsent = await self._next()
                return

    async def _error(self, request_id: Any, message: str) -> None:
        error = {"code": DAEMON_GONE, "message": message}
        frame = {"jsonrpc": "2.0", "id": request_id, "error": error}
        await self._host.write(json.dumps(frame, separators=(",", ":")).encode() + b"\n")


async def run_bridge(settings: Settings) -> None:
    """Run until the host closes stdin or a signal comes; a signal ends it at once.

    Raises the TradingError which kept the host from a daemon to the end.
    """
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        # The stdin reader is a thread that nothing can interrupt; there is no state to save.
        loop.add_signal_handler(ending, os._exit, 0)
    failed = await Bridge(settings, Host.of_stdio()).run()
    if failed is not None:
        raise failed
