"""The market data WebSockets: sockets around Conversation, one connection a key and feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from common.ids import AccountId
from paper_exchange.stream.broadcast import Broadcast, Subscriber
from paper_exchange.stream.codec import codec_of
from paper_exchange.stream.outbox import Outbox
from paper_exchange.stream.plan import Feed
from paper_exchange.stream.protocol import (
    CONNECTED,
    Conversation,
    Message,
    StreamError,
    codec_allowed,
)
from paper_exchange.wire.credentials import presented

AUTH_TIMEOUT: Final = 10.0  # seconds a client has to say who it is
FLUSH_TIMEOUT: Final = 1.0  # seconds a last frame may take to leave
_REFUSED: Final = 1008


class MarketDataStreams:
    """Serves every feed of a plan."""

    def __init__(
        self,
        feeds: Mapping[str, Feed],
        authenticate: Callable[[str, str], AccountId | None],
        broadcast: Broadcast,
        *,
        auth_timeout: float = AUTH_TIMEOUT,
    ) -> None:
        self._feeds = feeds
        self._authenticate = authenticate
        self._broadcast = broadcast
        self._auth_timeout = auth_timeout
        self._taken: set[tuple[str, AccountId]] = set()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths served."""
        return tuple(self._feeds)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until either side closes it."""
        feed = self._feeds[socket.url.path]
        await socket.accept()
        codec = codec_of(dict(socket.scope["headers"]).get(b"content-type", b""))
        outbox = Outbox(binary=codec.binary)
        conversation = Conversation(feed, lambda key, secret: self._admit(feed, key, secret))
        subscriber = Subscriber(feed, codec, outbox, conversation)
        pump = asyncio.create_task(outbox.pump(socket))
        talk = asyncio.create_task(self._talk(socket, subscriber))
        try:
            await asyncio.wait((pump, talk), return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            self._broadcast.remove(subscriber)
            if conversation.account is not None:
                self._taken.discard((feed.path, conversation.account))
            await self._leave(socket, subscriber, pump)

    async def _talk(self, socket: WebSocket, subscriber: Subscriber) -> None:
        """Hear the client until it leaves or is refused for good."""
        try:
            self._say(subscriber, CONNECTED)
            codec_allowed(subscriber.feed, binary=subscriber.codec.binary)
            credentials = presented(socket.scope["headers"])
            if credentials is not None:
                self._say(subscriber, subscriber.conversation.authenticate(*credentials))
                self._broadcast.add(subscriber)
            try:
                async with asyncio.timeout(self._auth_timeout):
                    while subscriber.conversation.account is None:
                        self._hear(subscriber, await _received(socket))
            except TimeoutError:
                raise StreamError(404, fatal=True) from None
            self._broadcast.add(subscriber)
            while True:
                self._hear(subscriber, await _received(socket))
        except StreamError as e:
            self._say(subscriber, e.message)
        except WebSocketDisconnect:
            pass
        subscriber.outbox.close()

    def _hear(self, subscriber: Subscriber, data: bytes) -> None:
        """Answer one message; only a fatal refusal leaves as an exception."""
        try:
            try:
                message = subscriber.codec.decode(data)
            except ValueError:
                raise StreamError(400) from None
            self._say(subscriber, subscriber.conversation.hear(message))
        except StreamError as e:
            if e.fatal:
                raise
            self._say(subscriber, e.message)

    def _say(self, subscriber: Subscriber, message: Message) -> None:
        codec = subscriber.codec
        subscriber.outbox.put(codec.frame([codec.item(message)]))

    def _admit(self, feed: Feed, key: str, secret: str) -> AccountId:
        account = self._authenticate(key, secret)
        if account is None:
            raise StreamError(402, fatal=True)
        if not feed.permitted:
            raise StreamError(409, fatal=True)
        if (feed.path, account) in self._taken:
            raise StreamError(406, fatal=True)
        self._taken.add((feed.path, account))
        return account

    async def _leave(
        self, socket: WebSocket, subscriber: Subscriber, pump: asyncio.Task[None]
    ) -> None:
        """Let the last frames out, say why if the client was too slow, and close."""
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT):
                await pump
                if subscriber.outbox.overrun:
                    codec = subscriber.codec
                    last = codec.frame([codec.item(StreamError(407).message)])
                    await subscriber.outbox.send(socket, last)
                await socket.close(_REFUSED)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            pass  # the client is gone, or reads nothing any more
        finally:
            pump.cancel()


async def _received(socket: WebSocket) -> bytes:
    """Return the next message, whichever kind of frame it came in."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data: bytes | None = message.get("bytes")
    return data if data is not None else str(message["text"]).encode()
