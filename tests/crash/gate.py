"""What writers and the one who pulls the plug share: who may work, and who has just sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Lets writers work one turn at a time, or holds them between two."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy = 0

    def open(self) -> None:
        """Let the writers work."""
        self._open.set()

    def close(self) -> None:
        """Begin no further turn."""
        self._open.clear()

    async def idle(self) -> None:
        """Wait until no turn is under way."""
        await self._idle.wait()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the gate and work while the block lasts."""
        while not self._open.is_set():
            await self._open.wait()
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()


class Sends:
    """Tells that something of a kind has just been sent."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, asyncio.Event]] = []

    def told(self, kind: str) -> None:
        """Say that one was sent."""
        for wanted, event in self._waiting:
            if wanted == kind:
                event.set()

    async def next(self, kind: str, within: float) -> None:
        """Wait for the next one, or as long as allowed."""
        entry = (kind, asyncio.Event())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(within):
                await entry[1].wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.remove(entry)
