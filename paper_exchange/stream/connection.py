"""One open WebSocket: hearing and telling side by side until either ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from paper_exchange.stream.outbox import Outbox

AUTH_TIMEOUT: Final = 10.0  # seconds a client has to say who it is
FLUSH_TIMEOUT: Final = 1.0  # seconds the last frames may take to leave
MESSAGE_MAX: Final = 256 * 1024  # bytes; 3,000 symbols fit in a quarter of it
_CLOSED: Final = 1000


async def attend(
    socket: WebSocket, outbox: Outbox, talk: Callable[[], Awaitable[None]], too_slow: bytes
) -> None:
    """Serve an accepted socket until talk returns, the client leaves or is too slow.

    What is queued by then still goes out; too_slow are the last words to a slow client.
    """
    telling = asyncio.create_task(outbox.pump(socket))
    hearing = asyncio.create_task(_heard(talk, outbox))
    try:
        await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
        if hearing.done():
            await hearing  # a bug in it is the server's to log
    finally:
        hearing.cancel()
        await _leave(socket, outbox, telling, too_slow)


async def received(socket: WebSocket) -> bytes:
    """Return the next message, whichever kind of frame it came in."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data: bytes | None = message.get("bytes")
    return data if data is not None else str(message["text"]).encode()


async def _heard(talk: Callable[[], Awaitable[None]], outbox: Outbox) -> None:
    try:
        await talk()
    except WebSocketDisconnect:
        pass
    finally:
        outbox.close()


async def _leave(
    socket: WebSocket, outbox: Outbox, telling: asyncio.Task[None], too_slow: bytes
) -> None:
    try:
        async with asyncio.timeout(FLUSH_TIMEOUT):
            await telling
            if outbox.overrun:
                await outbox.send(socket, too_slow)
            await socket.close(_CLOSED)
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        pass  # the client is gone, or reads nothing any more
    finally:
        telling.cancel()
