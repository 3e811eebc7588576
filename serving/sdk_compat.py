"""What we need of the SDK that it does not offer as such, in one place with its test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest
from mcp_types import PROTOCOL_VERSION_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS


def over_http(message: SessionMessage) -> SessionMessage:
    """Return a frame read from stdio with the headers HTTP wants beside it.

    The 2026-07-28 wire repeats version, method and name as headers; over stdio there are
    none, so they are derived from the frame. Older frames need none.
    """
    frame = message.message
    if not isinstance(frame, JSONRPCRequest | JSONRPCNotification) or not frame.params:
        return message
    version = (frame.params.get("_meta") or {}).get(PROTOCOL_VERSION_META_KEY)
    if not isinstance(version, str):
        return message
    headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: frame.method}
    named: Any = frame.params.get(NAME_BEARING_METHODS.get(frame.method, ""))
    if isinstance(named, str):
        headers[MCP_NAME_HEADER] = encode_header_value(named)
    return SessionMessage(frame, ClientMessageMetadata(headers=headers))


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
