"""The span of a tool call, below the caller's own when it sent one along."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from opentelemetry.context import attach, detach
from opentelemetry.propagate import extract

from services.ops.tracing import OUTCOME, span, traced
from tools.catalog import Catalog

_CODE: Final = re.compile(r"\[(\w{1,40})\]", re.ASCII)


class Tracing:
    """Middleware: name and outcome of each call of a tool that there is, nothing else."""

    def __init__(self, catalog: Catalog) -> None:
        self._names = frozenset(catalog.offers)

    async def __call__(self, ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let everything pass, tool calls within a span."""
        name = ctx.params.get("name") if ctx.method == "tools/call" and ctx.params else None
        if name not in self._names or not traced():
            return await call_next(ctx)
        joined = attach(extract(_carrier(ctx)))
        try:
            with span(f"tool {name}") as made:
                result = await call_next(ctx)
                made.set_attribute("tool", name)
                made.set_attribute(OUTCOME, _outcome(result))
            return result
        finally:
            detach(joined)


def _carrier(ctx: Any) -> Mapping[str, str]:
    """Return the caller's trace context; anything else it sent stays behind."""
    meta = ctx.meta or {}
    told = {name: meta.get(name) for name in ("traceparent", "tracestate")}
    return {name: value for name, value in told.items() if isinstance(value, str)}


def _outcome(result: Any) -> str:
    """Return the code of a refusal, ok for an answer."""
    if not isinstance(result, dict) or not result.get("isError"):
        return "ok"
    code = _CODE.match(str(result["content"][0].get("text", "")))
    return code[1] if code else "error"
