"""What we need of the SDK that it does not offer as such, in one place with its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import anyio
from mcp.server import MCPServer
from mcp.server._otel import OpenTelemetryMiddleware
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.stdio import stdio_server
from mcp_types.version import MODERN_PROTOCOL_VERSIONS


@contextmanager
def as_principal(access: AccessToken) -> Iterator[None]:
    """Have everything that starts in the block run as who a token stands for.

    The SDK does so for each HTTP request; a connection of ours is one principal's throughout.
    """
    was = auth_context_var.set(AuthenticatedUser(access))
    try:
        yield
    finally:
        auth_context_var.reset(was)


async def serve_lines(server: MCPServer[Any], lines: Any) -> None:
    """Serve one session, of either era, over frames that come and go as lines of text.

    lines: iterates over lines, and has the write and flush of a text file.
    """
    both = cast("anyio.AsyncFile[str]", lines)  # the part of it that the transport uses
    low = server._lowlevel_server  # the public run serves our own stdio only
    async with stdio_server(both, both) as (incoming, outgoing):
        await low.run(incoming, outgoing, low.create_initialization_options())


@dataclass(frozen=True, slots=True)
class Peer:
    """A connection of the older protocol: what identifies it, and the way to speak to it."""

    key: int
    session: Any
    _connection: Any

    def when_gone(self, call: Callable[[], object]) -> None:
        """Call something when the connection ends."""
        self._connection.exit_stack.callback(call)


def peer_of(ctx: Any) -> Peer:
    """Return the connection behind a request; the SDK has no public word for it."""
    connection = ctx.session._connection
    return Peer(id(connection), ctx.session, connection)


def is_legacy(ctx: Any) -> bool:
    """Tell whether a request came by a protocol from before 2026-07-28."""
    return ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS


def without_own_spans(server: MCPServer[Any]) -> None:
    """Take the SDK's own tracing out: its spans hold texts of callers and of errors."""
    kept = [one for one in server.middleware if not isinstance(one, OpenTelemetryMiddleware)]
    server.middleware[:] = kept
