"""Progress of what takes seconds: a client that asked for it hears that work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar

from mcp.server.mcpserver import Context, Resolve

from services.runtime import Services

T = TypeVar("T")
TELL_EVERY: Final = 1.0  # seconds


class Progress:
    """Tells the caller, at the start, every second and at the end; nobody else pays for it."""

    def __init__(self, ctx: Context[Services]) -> None:
        self._ctx = ctx

    async def during(
        self, work: Coroutine[Any, Any, T], message: Callable[[], str] = lambda: "working"
    ) -> T:
        """Return what the work returns; the caller's leaving cancels it, as if awaited."""
        task = asyncio.ensure_future(work)
        steps = 0
        try:
            while not task.done():
                await self._ctx.report_progress(steps, None, message())
                steps += 1
                await asyncio.wait({task}, timeout=TELL_EVERY)
            await self._ctx.report_progress(steps, steps, "done")
            return task.result()
        finally:
            task.cancel()


async def _progress(ctx: Context[Services]) -> Progress:
    return Progress(ctx)


Reporting = Annotated[Progress, Resolve(_progress)]
