"""What becomes of orders, as the broker tells it: one WebSocket that never stays down.

The stream is lossy and repeats nothing. So whoever listens is told of every new
connection and every unreadable message, and asks the broker then.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from common.clock import Stopwatch, WallClock
from common.orders import TradeUpdate
from services.broker import codec
from services.broker.access import AlpacaAccess, is_loopback
from services.broker.fields import Unreadable, quoted
from services.ops.backoff import Backoff
from services.ops.metrics import Metrics
from services.ops.supervisor import contained

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

STREAM = "trade_updates"
PING_SECONDS = 2.0  # with as much patience and one second to close: a dead peer shows in five
CLOSE_SECONDS = 1.0
HANDSHAKE_SECONDS = 5.0
STEADY = timedelta(seconds=10)  # a connection that lasted so long was a good one
FRAME_MAX = 4 * 2**20  # bytes


class StreamRefused(Exception):
    """The broker will not let us in; asking again soon changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatesState:
    """The stream at one moment. error: why it is not connected, or empty."""

    connected: bool
    connections: int  # made since the start
    messages: int
    unreadable: int  # could not be read, or their handler failed
    silent_seconds: float  # since the last message, or since the start
    error: str


class TradeUpdates:
    """The account's order stream. run() is one owner's: two would see half each."""

    def __init__(
        self,
        access: AlpacaAccess,
        wall: WallClock,
        metrics: Metrics,
        backoff: Backoff | None = None,
    ) -> None:
        self._access = access
        self._metrics = metrics
        self._silent = Stopwatch(wall)
        self._lasted = Stopwatch(wall)
        self._backoff = backoff or Backoff(0.5, 30.0)
        self._connected = False
        self._connections = 0
        self._messages = 0
        self._unreadable = 0
        self._error = "not started"
        metrics.ws_staleness.labels(STREAM).set_function(
            lambda: self._silent.elapsed().total_seconds()
        )

    @property
    def connected(self) -> bool:
        """Whether updates arrive; poll the broker while they do not."""
        return self._connected

    @property
    def state(self) -> UpdatesState:
        """What streaming_status and /health show."""
        return UpdatesState(
            connected=self._connected,
            connections=self._connections,
            messages=self._messages,
            unreadable=self._unreadable,
            silent_seconds=self._silent.elapsed().total_seconds(),
            error="" if self._connected else self._error,
        )

    async def run(
        self,
        on_update: Callable[[TradeUpdate], None],
        on_connected: Callable[[], None],
        on_disconnected: Callable[[], None] = lambda: None,
        on_unreadable: Callable[[], None] = lambda: None,
    ) -> None:
        """Listen until canceled, coming back with growing pauses after every failure.

        on_connected follows each subscription: what happened before it is not told, so
        ask. on_unreadable says that something happened which cannot be told: ask too.
        What a handler throws is logged and counted; the stream goes on.
        """
        from websockets.exceptions import WebSocketException

        while True:
            try:
                await self._listen(on_update, on_connected, on_unreadable)
            except (OSError, TimeoutError, WebSocketException, StreamRefused) as e:
                self._error = quoted(str(e) or type(e).__name__)
                log.warning("trade updates are down: %s", self._error)
                if isinstance(e, StreamRefused):
                    self._backoff.slow_down()
            finally:
                if self._connected:
                    if self._lasted.elapsed() >= STEADY:
                        self._backoff.reset()
                    self._set_connected(False)
                    contained("handler of a lost connection", on_disconnected)
            await asyncio.sleep(self._backoff.delay())

    async def _listen(
        self,
        on_update: Callable[[TradeUpdate], None],
        on_connected: Callable[[], None],
        on_unreadable: Callable[[], None],
    ) -> None:
        from websockets.asyncio.client import connect

        async with connect(
            self._access.updates_url,
            open_timeout=HANDSHAKE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=FRAME_MAX,
            compression=None,
            proxy=None if is_loopback(self._access.updates_url) else True,
        ) as socket:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await self._subscribe(socket)
            self._lasted.reset()
            self._connections += 1
            self._metrics.ws_reconnects.labels(STREAM).inc()
            self._set_connected(True)
            contained("handler of a new connection", on_connected)
            async for frame in socket:
                self._silent.reset()
                if not self._take(frame, on_update):
                    self._unreadable += 1
                    self._metrics.ws_errors.labels(STREAM).inc()
                    contained("handler of an unreadable update", on_unreadable)
        self._error = "the broker closed the connection"

    async def _subscribe(self, socket: ClientConnection) -> None:
        """Authenticate, listen, and wait for both to be confirmed."""
        keys = {"key_id": self._access.key, "secret_key": self._access.secret}
        await socket.send(json.dumps({"action": "authenticate", "data": keys}))
        granted = await self._reply(socket, "authorization")
        if granted.get("status") != "authorized":
            raise StreamRefused("the broker does not accept these keys")
        await socket.send(json.dumps({"action": "listen", "data": {"streams": [STREAM]}}))
        listening = await self._reply(socket, "listening")
        if STREAM not in listening.get("streams", ()):
            raise StreamRefused("the broker does not stream trade updates to us")

    async def _reply(self, socket: ClientConnection, stream: str) -> dict[str, Any]:
        """Wait for a message of a stream, passing over any other."""
        while True:
            try:
                message = _parsed(await socket.recv())
            except Unreadable:
                continue
            data = message.get("data")
            if message.get("stream") == stream and isinstance(data, dict):
                return data
            if message.get("action") == "error":
                raise StreamRefused(quoted(data))

    def _take(self, frame: str | bytes, on_update: Callable[[TradeUpdate], None]) -> bool:
        """Hand a frame's update on; return whether all went well."""
        try:
            message = _parsed(frame)
            if message.get("stream") != STREAM:
                return True
            self._messages += 1
            update = codec.trade_update(message["data"])
        except (Unreadable, KeyError) as e:
            log.warning("an unreadable trade update: %s", e)
            return False
        return contained("handler of a trade update", on_update, update)

    def _set_connected(self, connected: bool) -> None:
        self._connected = connected
        self._metrics.ws_connected.labels(STREAM).set(connected)


def _parsed(frame: str | bytes) -> dict[str, Any]:
    """Read a frame, text or binary; paper accounts send JSON in binary ones."""
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as e:
        raise Unreadable(f"not JSON: {e}") from e
    if not isinstance(message, dict):
        raise Unreadable(f"not a message: {message!r:.40}")
    return message
