"""An option feed on a real socket: Alpaca's protocol, with faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgpack
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

KEY, SECRET = "KEY", "SECRET"
AT = datetime(2026, 11, 20, 15, 5, tzinfo=UTC)


def quote(
    symbol: str, bid: float | None, ask: float | None, *, at: datetime = AT, **more: Any
) -> Any:
    """Build a quote as the feed sends it."""
    return {
        "T": "q",
        "S": symbol,
        "t": msgpack.Timestamp.from_datetime(at),
        "bx": "A",
        "bp": bid,
        "bs": 53,
        "ax": "C",
        "ap": ask,
        "as": 38,
        "c": "A",
        **more,
    }


@dataclass(slots=True)
class Feed:
    """What the server is to do, and what it saw."""

    url: str = ""
    refuse: tuple[int, str] | None = None  # instead of the login's success
    limit: int = 200
    connects: int = 0
    open: int = 0
    most_open: int = 0
    actions: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str | None] = field(default_factory=list)
    subscribed: set[str] = field(default_factory=set)
    connection: ServerConnection | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def send(self, *messages: Any) -> None:
        """Send one frame holding these messages."""
        await self.raw(msgpack.packb(list(messages)))

    async def raw(self, payload: bytes | str | list[bytes]) -> None:
        """Send bytes as they are; a list goes as fragments of one message."""
        assert self.connection is not None
        await self.connection.send(payload)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for a condition on what was seen."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(true)

    async def handle(self, connection: ServerConnection) -> None:
        """Serve one connection."""
        self.connects += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        assert connection.request is not None
        self.headers.append(connection.request.headers.get("Content-Type"))
        self.connection = connection
        self.subscribed = set()
        try:
            await self.send({"T": "success", "msg": "connected"})
            async for payload in connection:
                assert isinstance(payload, bytes)
                await self._answer(msgpack.unpackb(payload))
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1
            await self._tell()

    async def _answer(self, action: dict[str, Any]) -> None:
        self.actions.append(action)
        if action["action"] == "auth":
            if self.refuse is not None:
                code, text = self.refuse
                await self.send({"T": "error", "code": code, "msg": text})
            elif (action["key"], action["secret"]) == (KEY, SECRET):
                await self.send({"T": "success", "msg": "authenticated"})
            else:
                await self.send({"T": "error", "code": 402, "msg": "auth failed"})
        else:
            symbols = set(action["quotes"])
            adds = action["action"] == "subscribe"
            after = self.subscribed | symbols if adds else self.subscribed - symbols
            if len(after) > self.limit:
                await self.send({"T": "error", "code": 405, "msg": "symbol limit exceeded"})
            else:
                self.subscribed = after
                await self.send({"T": "subscription", "quotes": sorted(after), "trades": []})
        await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def feed() -> AsyncIterator[Feed]:
    """Serve a feed on a free port of the loopback."""
    served = Feed()
    server: Server
    async with serve(served.handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        served.url = f"ws://127.0.0.1:{port}/v1beta1/indicative"
        yield served


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition of the client; fail after ten seconds."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.005)
