"""The market data WebSockets: sockets around Conversation, one connection a key and feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.websockets import WebSocket

from common.ids import AccountId
from paper_exchange.stream.broadcast import Broadcast, Subscriber
from paper_exchange.stream.codec import Codec, codec_of
from paper_exchange.stream.connection import AUTH_TIMEOUT, attend, received
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
        subscriber = Subscriber(
            feed,
            codec,
            Outbox(binary=codec.binary),
            Conversation(feed, lambda key, secret: self._admit(feed, key, secret)),
        )

        async def talk() -> None:
            try:
                await self._talk(socket, subscriber)
            except StreamError as e:
                _say(subscriber, e.message)

        try:
            await attend(socket, subscriber.outbox, talk, _frame(codec, StreamError(407).message))
        finally:
            self._broadcast.remove(subscriber)
            if subscriber.conversation.account is not None:
                self._taken.discard((feed.path, subscriber.conversation.account))

    async def _talk(self, socket: WebSocket, subscriber: Subscriber) -> None:
        """Hear the client until it leaves; StreamError when it is refused for good."""
        conversation = subscriber.conversation
        _say(subscriber, CONNECTED)
        codec_allowed(subscriber.feed, binary=subscriber.codec.binary)
        credentials = presented(socket.scope["headers"])
        if credentials is not None:
            _say(subscriber, conversation.authenticate(*credentials))
        try:
            async with asyncio.timeout(self._auth_timeout):
                while conversation.account is None:
                    _hear(subscriber, await received(socket))
        except TimeoutError:
            raise StreamError(404, fatal=True) from None
        self._broadcast.add(subscriber)
        while True:
            _hear(subscriber, await received(socket))

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


def _hear(subscriber: Subscriber, data: bytes) -> None:
    """Answer one message; only a fatal refusal leaves as an exception."""
    try:
        _say(subscriber, subscriber.conversation.hear(_decoded(subscriber.codec, data)))
    except StreamError as e:
        if e.fatal:
            raise
        _say(subscriber, e.message)


def _decoded(codec: Codec, data: bytes) -> object:
    try:
        return codec.decode(data)
    except ValueError:
        raise StreamError(400) from None


def _say(subscriber: Subscriber, message: Message) -> None:
    subscriber.outbox.put(_frame(subscriber.codec, message))


def _frame(codec: Codec, message: Message) -> bytes:
    return codec.frame([codec.item(message)])
