"""How the daemon serves HTTP: one way for MCP, for metrics and for approvals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import uvicorn

GRACE = 1  # seconds that open streams get when the daemon stops


class Beside(uvicorn.Server):
    """A server beside the main one: signals are not its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def config(app: Any, lifespan: Literal["on", "off"] = "on") -> uvicorn.Config:
    """Return how an application is served: no access log, no signal handling of its own."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=75,
    )


@asynccontextmanager
async def beside(app: Any, bound: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a socket while the block lasts."""
    server = Beside(config(app, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
