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
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from common.config import Settings
from common.errors import TradingError
from common.ids import RandomIds
from serving.launch import find_or_start
from serving.sdk_compat import over_http
from serving.state import Daemon, StateFolder, is_locked
from serving.tokens import LOCAL, TokenFile

log = logging.getLogger(__name__)

WATCH_EVERY = 0.25  # seconds between looks at the daemon's lock
PRESENT_EVERY = 120  # looks between two signs of life, so that an idle daemon stays
DAEMON_GONE = -32010  # implementation-defined server error


class Bridge:
    """One host's connection: remembers its handshake and what still waits for an answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = StateFolder(settings)
        self._handshake: list[SessionMessage] = []
        self._waiting: dict[Any, str] = {}
        self._ended = False

    async def run(self) -> None:
        """Pump until the host closes its end."""
        async with stdio_server() as (host_in, host_out):
            self._host_in, self._host_out = host_in, host_out
            first = True
            while not self._ended:
                try:
                    daemon = await find_or_start(self._settings, self._folder)
                except TradingError as e:
                    await self._refuse(e)
                    raise
                async with self._link(daemon) as (daemon_in, daemon_out):
                    if not first:
                        await self._shake_hands_again(daemon_in, daemon_out)
                    first = False
                    await self._pump(daemon, daemon_in, daemon_out)
                await self._tell_waiting()

    @asynccontextmanager
    async def _link(self, daemon: Daemon) -> AsyncIterator[tuple[Any, Any]]:
        token = TokenFile(self._folder.tokens, RandomIds()).token(LOCAL)
        async with (
            httpx2.AsyncClient(
                headers={"Authorization": f"Bearer {token}"},
                timeout=httpx2.Timeout(30, read=None),
                trust_env=False,
            ) as client,
            streamable_http_client(
                daemon.url, http_client=client, terminate_on_close=is_locked(self._folder.lock)
            ) as streams,
        ):
            yield streams

    async def _pump(self, daemon: Daemon, daemon_in: Any, daemon_out: Any) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._upwards, daemon_out, tasks.cancel_scope)
            tasks.start_soon(self._downwards, daemon_in)
            tasks.start_soon(self._watch, daemon, tasks.cancel_scope)

    async def _upwards(self, daemon_out: Any, scope: anyio.CancelScope) -> None:
        async for message in self._host_in:
            if isinstance(message, Exception):
                log.warning("a frame of the host could not be read: %s", message)
                continue
            self._remember(message)
            await daemon_out.send(over_http(message))
        self._ended = True
        scope.cancel()

    async def _downwards(self, daemon_in: Any) -> None:
        async for message in daemon_in:
            if isinstance(message, Exception):
                log.warning("a frame of the daemon could not be read: %s", message)
                continue
            if isinstance(message.message, JSONRPCResponse | JSONRPCError):
                self._waiting.pop(message.message.id, None)
            await self._host_out.send(SessionMessage(message.message))

    async def _watch(self, daemon: Daemon, scope: anyio.CancelScope) -> None:
        """End this link when the daemon lets its lock go; show it meanwhile that we are here."""
        looks = 0
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as client:
            while is_locked(self._folder.lock):
                if looks % PRESENT_EVERY == PRESENT_EVERY - 1:
                    await self._show_presence(client, daemon)
                looks += 1
                await anyio.sleep(WATCH_EVERY)
        log.warning("the daemon (pid %s) is gone; starting another", daemon.pid)
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
        elif isinstance(frame, JSONRPCNotification) and frame.method == "notifications/initialized":
            self._handshake = [*self._handshake[:1], message]

    async def _shake_hands_again(self, daemon_in: Any, daemon_out: Any) -> None:
        """Open a session with the new daemon as the host opened its own; keep the answer."""
        for message in self._handshake:
            await daemon_out.send(over_http(message))
            if isinstance(message.message, JSONRPCRequest):
                await daemon_in.receive()

    async def _tell_waiting(self) -> None:
        for request_id, method in self._waiting.items():
            what = f"the daemon stopped before it answered {method}; an order may have been sent"
            await self._error(request_id, f"[daemon_gone] {what}. Next: look at get_orders.")
        self._waiting.clear()

    async def _refuse(self, error: TradingError) -> None:
        """Tell the host why there is no server, where it waits: in answer to its first call."""
        with anyio.move_on_after(5):
            async for message in self._host_in:
                if not isinstance(message, Exception) and isinstance(
                    message.message, JSONRPCRequest
                ):
                    told = f"[{error.code}] {error}. Next: {error.remedy}."
                    await self._error(message.message.id, told)
                    return

    async def _error(self, request_id: Any, message: str) -> None:
        frame = JSONRPCError(
            jsonrpc="2.0", id=request_id, error=ErrorData(code=DAEMON_GONE, message=message)
        )
        await self._host_out.send(SessionMessage(frame))


async def run_bridge(settings: Settings) -> None:
    """Run until the host closes stdin or a signal comes; a signal ends it at once."""

    async def watch_signals() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                # The stdin reader is a thread that nothing can interrupt; there is no
                # state here to save.
                os._exit(0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch_signals)
        await Bridge(settings).run()
        tasks.cancel_scope.cancel()
