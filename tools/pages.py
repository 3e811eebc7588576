"""Pages that fit: one too long to be read is asked for again with fewer rows.

So its cursor leads to the first row that was not shown, and a walk through all pages misses
none, whatever limit it asks for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

from tools.cap import ANSWER_MAX, UTF8_MAX, page_that_fits
from tools.catalog import Offer


class Pages:
    """Middleware over tools/call, for tools that read and take limit and cursor."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._paged = frozenset(
            offer.tool.name
            for offer in offers
            if offer.reads and {"limit", "cursor"} <= set(offer.tool.parameters["properties"])
        )

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let everything but a page that is too long pass untouched."""
        result = await call_next(ctx)
        if ctx.method != "tools/call" or ctx.params.get("name") not in self._paged:
            return result
        rows = page_that_fits(result.get("structuredContent")) if _may_be_long(result) else None
        if rows is None:
            return result
        arguments = {**(ctx.params.get("arguments") or {}), "limit": rows}
        return await call_next(replace(ctx, params={**ctx.params, "arguments": arguments}))


def _may_be_long(result: Any) -> bool:
    """Tell whether an answer is worth weighing: the SDK's own text of it is never shorter."""
    if not isinstance(result, dict) or result.get("structuredContent") is None:
        return False
    told = (one.get("text", "") for one in result.get("content", ()))
    return sum(map(len, told)) * UTF8_MAX > ANSWER_MAX
