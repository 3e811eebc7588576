"""Paths found by their text: a look-up where a router tries one pattern after the other."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Directory:
    """An ASGI application before the router: it answers the paths that have no parameters."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app, self._endpoints = app, endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or leave it to the router."""
        found = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
        else:
            scope["path_params"] = {}
            await found(scope, receive, send)
