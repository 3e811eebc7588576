"""The stdio bridge: what a host starts. Finds or starts the daemon and pumps frames.

Nothing but frames goes to stdout. When the daemon dies the bridge starts another, says
so to whoever waits for an answer, repeats the host's handshake and goes on: exits and
orders never depended on the chat, and the chat need not be restarted either.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import (
    CONNECTION_CLOSED,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from common.config import Settings
from common.errors import TradingError, told
from serving.client import bearer
from serving.launch import find_or_start
from serving.sdk_compat import over_http
from serving.state import Daemon, StateFolder
from serving.tokens import own_grant

log = logging.getLogger(__name__)

WATCH_EVERY = 0.25  # seconds between looks at the daemon's lock
PRESENT_EVERY = 120  # looks between two signs of life, so that an idle daemon stays
AGAIN_AFTER = 0.05  # seconds between a broken link and the next
HANDSHAKE_MAX = 10  # seconds that a daemon gets to answer a repeated handshake
BROKEN = (
    httpx2.HTTPError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)
DAEMON_GONE = -32010  # implementation-defined server error


class Bridge:
    """One host's connection: remembers its handshake and what still waits for an answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = StateFolder(settings)
        self._handshake: list[SessionMessage] = []
        self._unsent: SessionMessage | None = None
        self._waiting: dict[Any, str] = {}
        self._ended = False

    async def run(self) -> TradingError | None:
        """Pump until the host closes its end; return why there was no daemon at the end."""
        failed: TradingError | None = None
        async with stdio_server() as (self._host_in, self._host_out):
            while not self._ended:
                try:
                    daemon = await find_or_start(self._settings, self._folder)
                except TradingError as e:
                    log.error("%s", told(e))
                    failed = e
                    await self._refuse(e)
                    continue
                failed = None
                await self._serve(daemon)
                await self._tell_waiting()
                if not self._ended:
                    await self._pause()
            await self._host_out.aclose()  # or its writer would wait for more
        return failed

    async def _serve(self, daemon: Daemon) -> None:
        """Pump between the host and one daemon until either is gone."""
        try:
            async with self._link(daemon) as (daemon_in, daemon_out):
                await self._shake_hands_again(daemon_in, daemon_out)
                await self._pump(daemon, daemon_in, daemon_out)
        except* BROKEN as broken:
            log.warning("the connection to the daemon broke: %r", broken.exceptions[0])

    async def _pause(self) -> None:
        """After a crash go on at once, positions want minding; after an orderly stop wait.

        Whoever stopped the daemon wants it stopped until the host asks for something.
        """
        if not self._folder.left_in_order():
            await anyio.sleep(AGAIN_AFTER)
            return
        log.info("the daemon was stopped; another starts when the host asks for something")
        self._unsent = await self._receive()

    async def _receive(self) -> SessionMessage | None:
        """Return the host's next frame that can be read; None when it closed its end."""
        while True:
            try:
                message: SessionMessage | Exception = await self._host_in.receive()
            except anyio.EndOfStream:
                self._ended = True
                return None
            if isinstance(message, SessionMessage):
                return message
            log.warning("a frame of the host could not be read: %s", message)

    @asynccontextmanager
    async def _link(self, daemon: Daemon) -> AsyncIterator[tuple[Any, Any]]:
        async with (
            httpx2.AsyncClient(
                headers=bearer(self._folder, own_grant(self._settings)),
                timeout=httpx2.Timeout(30, read=None),
                trust_env=False,
            ) as client,
            streamable_http_client(daemon.url, http_client=client) as streams,
        ):
            yield streams

    async def _pump(self, daemon: Daemon, daemon_in: Any, daemon_out: Any) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._upwards, daemon_out, tasks.cancel_scope)
            tasks.start_soon(self._downwards, daemon_in)
            tasks.start_soon(self._watch, daemon, tasks.cancel_scope)

    async def _upwards(self, daemon_out: Any, scope: anyio.CancelScope) -> None:
        if self._unsent is not None:
            held_back, self._unsent = self._unsent, None
            await self._send(held_back, daemon_out)
        while (message := await self._receive()) is not None:
            await self._send(message, daemon_out)
        scope.cancel()

    async def _send(self, message: SessionMessage, daemon_out: Any) -> None:
        self._remember(message)
        await daemon_out.send(over_http(message))

    async def _downwards(self, daemon_in: Any) -> None:
        async for message in daemon_in:
            if isinstance(message, Exception):
                log.warning("a frame of the daemon could not be read: %s", message)
                continue
            frame = message.message
            if isinstance(frame, JSONRPCError) and frame.error.code == CONNECTION_CLOSED:
                await self._tell_gone(frame.id)
                continue
            if isinstance(frame, JSONRPCResponse | JSONRPCError):
                self._waiting.pop(frame.id, None)
            await self._host_out.send(SessionMessage(frame))

    async def _watch(self, daemon: Daemon, scope: anyio.CancelScope) -> None:
        """End this link when the daemon lets its lock go; show it meanwhile that we are here."""
        looks = 0
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
            while self._folder.running() == daemon:
                if looks % PRESENT_EVERY == PRESENT_EVERY - 1:
                    await self._show_presence(client, daemon)
                looks += 1
                await anyio.sleep(WATCH_EVERY)
        log.warning("the daemon (pid %s) is gone", daemon.pid)
        scope.cancel()

    async def _show_presence(self, client: httpx2.AsyncClient, daemon: Daemon) -> None:
        try:
            await client.request("OPTIONS", daemon.url)
        except httpx2.HTTPError as e:
            log.info("the daemon did not hear us: %s", e)

    def _remember(self, message: SessionMessage) -> None:
        frame = message.message
        if isinstance(frame, JSONRPCRequest):
            self._waiting[frame.id] = frame.method
            if frame.method == "initialize":
                self._handshake = [message]
        elif isinstance(frame, JSONRPCNotification):
            if frame.method == "notifications/initialized":
                self._handshake = [*self._handshake[:1], message]
            elif frame.method == "notifications/cancelled":
                self._waiting.pop((frame.params or {}).get("requestId"), None)

    async def _shake_hands_again(self, daemon_in: Any, daemon_out: Any) -> None:
        """Open a session with a new daemon as the host opened its own; keep the answer."""
        for message in self._handshake:
            await daemon_out.send(over_http(message))
            if isinstance(message.message, JSONRPCRequest):
                with anyio.move_on_after(HANDSHAKE_MAX):
                    await daemon_in.receive()

    async def _tell_waiting(self) -> None:
        """Answer what the daemon will never answer."""
        for request_id in list(self._waiting):
            await self._tell_gone(request_id)

    async def _tell_gone(self, request_id: Any) -> None:
        method = self._waiting.pop(request_id, "the request")
        what = f"the daemon stopped before it answered {method}"
        if method == "tools/call":
            what += "; an order may have been sent"
        await self._error(request_id, f"[daemon_gone] {what}. Next: look at get_orders.")

    async def _refuse(self, error: TradingError) -> None:
        """Tell the host why there is no daemon, where it waits; return when it asks again."""
        while (message := self._unsent or await self._receive()) is not None:
            self._unsent = None
            if isinstance(message.message, JSONRPCRequest):
                await self._error(message.message.id, told(error))
                self._unsent = await self._receive()
                return

    async def _error(self, request_id: Any, message: str) -> None:
        frame = JSONRPCError(
            jsonrpc="2.0", id=request_id, error=ErrorData(code=DAEMON_GONE, message=message)
        )
        await self._host_out.send(SessionMessage(frame))


async def run_bridge(settings: Settings) -> None:
    """Run until the host closes stdin or a signal comes; a signal ends it at once.

    Raises the TradingError which kept the host from a daemon to the end.
    """

    async def watch_signals() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                # The stdin reader is a thread that nothing can interrupt; there is no
                # state here to save.
                os._exit(0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch_signals)
        failed = await Bridge(settings).run()
        tasks.cancel_scope.cancel()
    if failed is not None:
        raise failed
