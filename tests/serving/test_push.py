"""What we need of the SDK beyond its public names, and the bookkeeping of subscriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.server import MCPServer

from common.clock import FrozenClock
from services.ops.events import EventHub
from serving.push import Push
from serving.sdk_compat import is_legacy, peer_of

Era = Literal["auto", "legacy"]


class Seen:
    """Middleware that notes what each request is said to be."""

    def __init__(self) -> None:
        self.legacy: set[bool] = set()
        self.keys: set[int] = set()

    async def __call__(self, ctx: Any, call_next: Any) -> Any:
        self.legacy.add(is_legacy(ctx))
        if is_legacy(ctx):
            self.keys.add(peer_of(ctx).key)
        return await call_next(ctx)


@asynccontextmanager
async def client(era: Era, *middleware: Any) -> AsyncIterator[Client]:
    server: MCPServer[Any] = MCPServer("sample", middleware=list(middleware))
    async with Client(server, mode=era) as connected:
        yield connected


@pytest.mark.parametrize(("era", "legacy"), [("auto", False), ("legacy", True)])
async def test_the_protocol_of_a_request_and_its_connection_are_known(
    era: Era, legacy: bool
) -> None:
    seen = Seen()
    async with client(era, seen) as connected:
        await connected.list_tools()
        await connected.list_tools()
    assert seen.legacy == {legacy}
    assert len(seen.keys) == legacy


async def test_a_connection_that_ends_leaves_no_subscription() -> None:
    push = Push(EventHub(FrozenClock(datetime(2026, 12, 8, 17, tzinfo=UTC)), "life"))
    async with client("legacy", push) as connected:
        for _ in range(2):  # twice is one
            await connected.subscribe_resource("risk://")
        await connected.subscribe_resource("journal://")
        assert push.watching() == 2
        await connected.unsubscribe_resource("journal://")
        assert push.watching() == 1
    assert push.watching() == 0
