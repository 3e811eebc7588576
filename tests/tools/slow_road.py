"""The way from the desk to the broker, on which one order at a time can be held up.

    with SlowRoad.to(exchange) as road, Desk.start(folder, road.exchange) as desk:
        road.hold("request")        # the broker has not heard of it yet
        ...                         # confirm in a task of its own
        await road.held()
        road.let_go()

In threads of its own, so that it goes on whatever the test's loop is doing.
"""

from __future__ import annotations

import asyncio
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

from tests.exchange import Exchange

ORDER = b"POST /v2/orders"
METHODS = (b"GET ", b"POST ", b"DELETE ", b"PATCH ", b"PUT ")
PATIENCE = 30.0

Where = Literal["request", "answer"]


@dataclass
class SlowRoad:
    """A byte pump in front of an exchange."""

    beyond: Exchange
    exchange: Exchange  # the same, at the end of this road
    _where: Where | None = None
    _arrived: threading.Event = field(default_factory=threading.Event)
    _go: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def to(cls, exchange: Exchange) -> Iterator[SlowRoad]:
        """Open a road to an exchange; close it at the end."""
        road = cls(exchange, exchange)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                road._carry(self.request)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            server.block_on_close = False
            host, port = server.server_address[:2]
            road.exchange = replace(exchange, url=f"http://{host!s}:{port}")
            serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            serving.start()
            try:
                yield road
            finally:
                road.let_go()
                server.shutdown()

    def hold(self, where: Where) -> None:
        """Hold up the next order on its way there, or the answer to it on its way back."""
        self._go.clear()
        self._where = where

    async def held(self) -> None:
        """Wait until an order, or its answer, stands on the road."""
        assert await asyncio.to_thread(self._arrived.wait, PATIENCE), "no order was sent"

    def let_go(self) -> None:
        """Let it pass."""
        self._where = None
        self._arrived.clear()
        self._go.set()

    def _carry(self, near: socket.socket) -> None:
        address = urlsplit(self.beyond.url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as far:
            ordered = threading.Event()
            back = threading.Thread(
                target=self._pump, args=(far, near, "answer", ordered), daemon=True
            )
            back.start()
            self._pump(near, far, "request", ordered)
            back.join()

    def _pump(
        self, source: socket.socket, sink: socket.socket, where: Where, ordered: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if where == "request" and data.startswith(METHODS):
                    (ordered.set if data.startswith(ORDER) else ordered.clear)()
                if self._where == where and ordered.is_set():
                    self._arrived.set()
                    self._go.wait(PATIENCE)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            source.shutdown(socket.SHUT_RDWR)
