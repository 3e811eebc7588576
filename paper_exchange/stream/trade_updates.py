"""The order stream /stream: one account's order events, from when a client listens.

JSON in binary frames, as on Alpaca's paper host. There is no snapshot and no replay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket

from common.ids import AccountId
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.hub import Hub, Subscription
from paper_exchange.stream.connection import AUTH_TIMEOUT, attend, received
from paper_exchange.stream.outbox import Outbox
from paper_exchange.wire import events
from paper_exchange.wire.credentials import Credentials, presented

PATH: Final = "/stream"
TRADE_UPDATES: Final = "trade_updates"


class Dismissed(Exception):
    """The client is let go, with a last message or none."""

    def __init__(self, last: bytes) -> None:
        super().__init__(last)
        self.last = last


class TradeUpdates:
    """Serves the order stream."""

    def __init__(
        self,
        hub: Hub[OrderUpdate],
        authenticate: Callable[[str, str], AccountId | None],
        *,
        auth_timeout: float = AUTH_TIMEOUT,
    ) -> None:
        self._hub = hub
        self._authenticate = authenticate
        self._auth_timeout = auth_timeout

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until either side closes it."""
        await socket.accept()
        outbox = Outbox(binary=True)

        async def talk() -> None:
            try:
                async with asyncio.timeout(self._auth_timeout):
                    account = await self._enter(socket, outbox)
                await self._listen(socket, outbox, account)
            except TimeoutError:
                outbox.put(events.error("authentication timed out"))
            except Dismissed as e:
                outbox.put(e.last)

        await attend(socket, outbox, talk, events.error("slow client"))

    async def _enter(self, socket: WebSocket, outbox: Outbox) -> AccountId:
        """Return the account of whoever is there, by its handshake or its first words."""
        said = presented(socket.scope["headers"])
        if said is not None and (account := self._authenticate(*said)) is not None:
            return account
        while True:
            message = _decoded(await received(socket))
            action = message.get("action")
            if action == "listen":
                outbox.put(events.authorization(authorized=False, action="listen"))
                continue
            if action not in ("authenticate", "auth"):
                raise Dismissed(events.error("authenticate first"))
            said = _credentials(message)
            found = None if said is None else self._authenticate(*said)
            if found is None:
                raise Dismissed(events.authorization(authorized=False, action="authenticate"))
            outbox.put(events.authorization(authorized=True, action="authenticate"))
            return found

    async def _listen(self, socket: WebSocket, outbox: Outbox, account: AccountId) -> None:
        """Tell what the client listens to, as it changes its mind."""
        subscription: Subscription[OrderUpdate] | None = None
        telling: asyncio.Task[None] | None = None
        try:
            while True:
                wanted = _streams(_decoded(await received(socket)))
                if (TRADE_UPDATES in wanted) != (subscription is not None):
                    if subscription is not None:
                        self._hub.unsubscribe(account, subscription)
                        subscription = None
                    else:
                        subscription = self._hub.subscribe(account)
                        telling = asyncio.create_task(_tell(subscription, outbox))
                outbox.put(events.listening(wanted))
        finally:
            if subscription is not None:
                self._hub.unsubscribe(account, subscription)
            if telling is not None:
                telling.cancel()


async def _tell(subscription: Subscription[OrderUpdate], outbox: Outbox) -> None:
    async for update in subscription:
        outbox.put(events.trade_update(update))
    if subscription.slow:
        outbox.overrun = True
        outbox.close()


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        raise Dismissed(events.error("invalid JSON")) from None
    if not isinstance(message, dict):
        raise Dismissed(events.error("a message must be an object"))
    return message


def _credentials(message: dict[str, Any]) -> Credentials | None:
    """Read {"data": {"key_id", "secret_key"}} or {"key", "secret"}."""
    data = message.get("data")
    if isinstance(data, dict):
        key, secret = data.get("key_id"), data.get("secret_key")
    else:
        key, secret = message.get("key"), message.get("secret")
    if isinstance(key, str) and isinstance(secret, str):
        return Credentials(key, secret)
    return None


def _streams(message: dict[str, Any]) -> list[str]:
    """Return the full set of streams a listen asks for; those there are."""
    data = message.get("data")
    wanted = data.get("streams") if isinstance(data, dict) else None
    if message.get("action") != "listen" or not isinstance(wanted, list):
        raise Dismissed(events.error("only listen is understood here"))
    return [TRADE_UPDATES] if TRADE_UPDATES in wanted else []
