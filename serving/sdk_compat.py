"""What we need of the SDK that it does not offer as such, in one place with its test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import anyio
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.stdio import stdio_server


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
