"""The link: how the daemon serves the bridges of this machine, frame by line, without HTTP.

A loopback socket; the first line of a connection is a bearer token, each line after it one
frame either way, as on stdio. So a bridge is a pump that needs no part of the SDK, and a call
costs no request headers, no event stream and no second decoding on its way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier

from services.runtime import Services
from serving.sdk_compat import as_principal, serve_lines

log = logging.getLogger(__name__)

FRAME_MAX = 4 * 1024 * 1024  # bytes, as of a request over HTTP
TOKEN_WITHIN = 5.0  # seconds in which a connection says who it is


@dataclass(frozen=True, slots=True)
class Lines:
    """One connection's frames as lines of text: what the SDK's stdio transport reads and writes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __aiter__(self) -> AsyncIterator[str]:
        """Yield each line until the other side closes, or sends one that is too long."""
        return self._lines()

    async def write(self, text: str) -> int:
        """Take a frame."""
        self.writer.write(text.encode())
        return len(text)

    async def flush(self) -> None:
        """Wait while the other side reads slower than it is told."""
        with suppress(ConnectionError):
            await self.writer.drain()

    async def _lines(self) -> AsyncIterator[str]:
        while True:
            try:
                line = await self.reader.readline()
            except (ConnectionError, ValueError) as e:  # ValueError: longer than FRAME_MAX
                log.warning("a bridge's connection ends: %s", e)
                return
            if not line:
                return
            yield line.decode(errors="replace")


class Links:
    """The bridges that are connected, each a session of its own."""

    def __init__(
        self,
        server: MCPServer[Services],
        verifier: TokenVerifier,
        present: Callable[[int], None],
    ) -> None:
        self._server = server
        self._verifier = verifier
        self._present = present
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        self._present(+1)
        try:
            await self._session(reader, writer)
        finally:
            self._present(-1)
            writer.close()

    async def aclose(self) -> None:
        """End every session."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TOKEN_WITHIN):
                said = await reader.readline()
        except (TimeoutError, ConnectionError, ValueError):
            return
        access = await self._verifier.verify_token(said.decode(errors="replace").strip())
        if access is None:
            log.warning("a connection without a good token was refused")
            return
        with as_principal(access):
            await serve_lines(self._server, Lines(reader, writer))


@asynccontextmanager
async def linked(
    server: MCPServer[Services], verifier: TokenVerifier, present: Callable[[int], None]
) -> AsyncIterator[int]:
    """Serve bridges while the block lasts; yield the loopback port.

    present is told of each connection that comes (+1) and goes (-1).
    """
    links = Links(server, verifier, present)
    listening = await asyncio.start_server(links.serve, "127.0.0.1", 0, limit=FRAME_MAX)
    try:
        yield int(listening.sockets[0].getsockname()[1])
    finally:
        listening.close()
        await links.aclose()
