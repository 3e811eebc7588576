"""Waiting on a condition instead of on the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(met: Callable[[], bool], seconds: float = 20) -> None:
    """Return once it is met; fail long after any machine would have met it."""
    async with asyncio.timeout(seconds):
        while True:
            if met():
                return
            await asyncio.sleep(0.005)
