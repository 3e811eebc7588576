"""The order ticket: a page that hosts with MCP Apps show where a tool answers with a preview.

The page shows the answer and can repeat the call it belongs to, with the token or without.
Such a call comes through the host like any other and is judged like any other: what the
model could not confirm, the page cannot confirm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files
from typing import Any, Final

from mcp.server.apps import Apps, client_supports_apps
from mcp.server.mcpserver.tools import Tool

URI: Final = "ui://ticket"
CALL: Final = "zero-dte-desk/call"  # in an answer's _meta: the call it answers, for the page


def ticket_page() -> Apps:
    """Return the extension that serves the page."""
    apps = Apps()
    page = files("tools").joinpath("ticket.html").read_text(encoding="utf-8")
    apps.add_html_resource(
        URI,
        page,
        name="ticket",
        title="Order ticket",
        description="A preview's legs, payoff and limits, with buttons to send it or not.",
        prefers_border=True,
    )
    return apps


class Ticket:
    """Middleware over tools/call: tells the page which call it belongs to.

    Only a host that has declared MCP Apps gets the note; every other answer stays as it is.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._paged = frozenset(tool.name for tool in tools if "ui" in (tool.meta or {}))

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let everything but the answers that a page shows pass untouched."""
        result = await call_next(ctx)
        if ctx.method != "tools/call" or not isinstance(result, dict):
            return result
        name = ctx.params.get("name")
        seen = name in self._paged and "content" in result and client_supports_apps(ctx)
        if not seen:
            return result
        call = {"tool": name, "arguments": ctx.params.get("arguments") or {}}
        return {**result, "_meta": {**(result.get("_meta") or {}), CALL: call}}
