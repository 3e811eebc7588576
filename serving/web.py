"""How the daemon serves HTTP: one way for MCP, for metrics and for approvals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

GRACE = 1  # seconds that open streams get when the daemon stops


class Beside(uvicorn.Server):
    """A server beside the main one: signals are not its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def trimmed(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that white space around a header's value is no part of it.

    RFC 9110, 5.5. The parser leaves it at the end, where it would tell a header from the
    body's field it repeats.
    """

    async def trimming(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers}
        await app(scope, receive, send)

    return trimming


def config(app: ASGIApp, lifespan: Literal["on", "off"] = "on") -> uvicorn.Config:
    """Return how an application is served: no access log, no signal handling of its own."""
    return uvicorn.Config(
        trimmed(app),
        loop="uvloop",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=75,
    )


@asynccontextmanager
async def beside(app: ASGIApp, bound: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a socket while the block lasts."""
    server = Beside(config(app, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
