"""The connections of an exchange with an admin key: where faults strike requests and streams.

What only a dying network does needs the connection below ASGI, which uvicorn lends: cutting
it without a word, and reading from it no more.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paper_exchange.api.endpoint import answer_with, reply
from paper_exchange.api.faults import Fault, Faults, Kind, Wanted
from paper_exchange.wire.errors import Host, body, refusal

_SPARED: Final = ("/admin", "/health")  # so that a fault can always be looked at and cleared
_DATA: Final = ("/v1beta", "/v2/stocks")


class FaultyConnections:
    """An ASGI application around the exchange's own."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults
        self._streams: set[Any] = set()
        faults.on_change.append(self._changed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a stream, unless a fault strikes it."""
        if scope["type"] == "websocket":
            await self._stream(scope, receive, send)
            return
        path = scope.get("path", "")
        struck = None
        if scope["type"] == "http" and not path.startswith(_SPARED):
            struck = self._faults.of_request(scope["method"], path)
        if struck is None:
            await self._app(scope, receive, send)
        else:
            await self._request(struck, scope, receive, send)

    async def _request(self, struck: Wanted, scope: Scope, receive: Receive, send: Send) -> None:
        match struck.kind:
            case Kind.DELAY:
                await asyncio.sleep(struck.seconds)
                await self._app(scope, receive, send)
            case Kind.TOO_MANY:
                await _refuse("rate_limited", scope, send)
            case Kind.BROKEN:
                await _refuse("internal", scope, send)
            case Kind.DROP:
                await _cut(receive, send)
            case _:
                await self._app(scope, receive, _unheard)
                await _left(receive, struck.seconds)
                await _cut(receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport(send)
        self._streams.add(transport)

        async def tell(message: Message) -> None:
            if self._faults.standing(Kind.HALF_OPEN) is None:
                await send(message)

        try:
            await self._app(scope, receive, tell)
        finally:
            self._streams.discard(transport)

    def _changed(self, fault: Fault | None) -> None:
        for transport in tuple(self._streams):
            if fault is None:
                transport.resume_reading()
            elif fault.wanted.kind is Kind.DROP_SOCKETS:
                transport.abort()
            elif fault.wanted.kind is Kind.HALF_OPEN:
                transport.pause_reading()


async def _refuse(reason: str, scope: Scope, send: Send) -> None:
    host = Host.DATA if scope["path"].startswith(_DATA) else Host.TRADING
    why = refusal(reason, host)
    await answer_with(send, reply(body(why, host), why.http_status), b"fault", [])


async def _unheard(message: Message) -> None:
    """Take an answer that nobody will get."""


async def _left(receive: Receive, seconds: float) -> None:
    """Wait until the client goes away, or so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _cut(receive: Receive, send: Send) -> None:
    """End a connection without an answer, and return once it is gone."""
    _transport(send).abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(send: Send) -> Any:
    """Return the connection beneath an ASGI send of uvicorn's."""
    # ASGI has no way to cut a connection without an answer, which is the fault to be made: what
    # uvicorn hands us is a method of the protocol object that has the connection.
    bound: Any = send
    return bound.__self__.transport
