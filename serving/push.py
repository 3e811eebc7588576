"""Telling clients that a resource has changed, each in the way of its protocol.

On the 2026-07-28 wire a client listens and the SDK serves it from a bus that we own. Before
that it subscribes, which the SDK leaves to us: here, for those connections and no others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, INVALID_REQUEST

from services.ops.events import EventHub
from serving.sdk_compat import Peer, is_legacy, peer_of
from tools.resources import ADDRESSES

PATIENCE: Final = 2.0  # seconds that a host which stopped reading may hold up its own message
PEERS_MAX: Final = 256  # connections that watch one resource


class Push:
    """Middleware that keeps the subscriptions of older clients, and the job that tells all."""

    def __init__(self, events: EventHub) -> None:
        self.bus = InMemorySubscriptionBus()
        self._events = events
        self._watching: Mapping[str, dict[int, Peer]] = {uri: {} for uri in ADDRESSES.values()}

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Answer the subscriptions of older connections; let everything else pass."""
        if not is_legacy(ctx):
            return await call_next(ctx)
        if ctx.method == "resources/subscribe":
            return self._subscribe(_uri(ctx), peer_of(ctx))
        if ctx.method == "resources/unsubscribe":
            self._watching.get(_uri(ctx), {}).pop(peer_of(ctx).key, None)
            return {}
        result = await call_next(ctx)
        if ctx.method == "initialize" and isinstance(result, dict):
            result["capabilities"].setdefault("resources", {})["subscribe"] = True
        return result

    async def run(self) -> None:
        """Tell of every change, for ever; changes that come together are told once."""
        seen = self._events.revisions()
        while True:
            changed = await self._events.changed(seen)
            seen = self._events.revisions()
            for topic in changed:
                await self._tell(ADDRESSES[topic])

    def watching(self) -> int:
        """Return how many subscriptions of older connections there are."""
        return sum(map(len, self._watching.values()))

    def _subscribe(self, uri: str, peer: Peer) -> dict[str, Any]:
        peers = self._watching.get(uri)
        if peers is None:
            raise MCPError(INVALID_PARAMS, "there is no such resource to watch", {"uri": uri})
        if peer.key not in peers and len(peers) >= PEERS_MAX:
            raise MCPError(INVALID_REQUEST, "too many connections watch this resource")
        if peers.setdefault(peer.key, peer) is peer:
            peer.when_gone(lambda: peers.pop(peer.key, None))
        return {}

    async def _tell(self, uri: str) -> None:
        await self.bus.publish(ResourceUpdated(uri=uri))
        peers = list(self._watching[uri].values())
        await asyncio.gather(*(_told(peer, uri) for peer in peers))


async def _told(peer: Peer, uri: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await peer.session.send_resource_updated(uri)
    except TimeoutError:
        return  # it reads no more; its connection ends by itself


def _uri(ctx: Any) -> str:
    uri = (ctx.params or {}).get("uri")
    if not isinstance(uri, str):
        raise MCPError(INVALID_PARAMS, "uri is missing")
    return uri
