"""Which closes may run at the same time: those of different contracts, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from common.contracts import OptionContract

LANES: Final = 4  # more would only wait for the broker's own limit of requests


class CloseLanes:
    """Lets closes run beside each other unless they share a contract; a flatten runs alone.

    Two closes that share a contract would each take what is held of it for theirs to sell.
    """

    def __init__(self, most: int = LANES) -> None:
        self._most = most
        self._running: list[frozenset[OptionContract]] = []
        self._alone_wanted = 0  # nothing new begins before those that need everything
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def of(self, contracts: Iterable[OptionContract]) -> AsyncIterator[None]:
        """Hold these contracts, once no close that runs has one of them."""
        mine = frozenset(contracts)
        async with self._changed:
            await self._changed.wait_for(lambda: self._free(mine))
            self._running.append(mine)
        try:
            yield
        finally:
            await self._left(mine)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold everything, once what runs has ended."""
        self._alone_wanted += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._running)
                everything: frozenset[OptionContract] = frozenset()
                self._running.append(everything)
            try:
                yield
            finally:
                await self._left(everything)
        finally:
            self._alone_wanted -= 1
            async with self._changed:
                self._changed.notify_all()

    def _free(self, mine: frozenset[OptionContract]) -> bool:
        room = len(self._running) < self._most and not self._alone_wanted
        return room and all(mine.isdisjoint(other) for other in self._running)

    async def _left(self, mine: frozenset[OptionContract]) -> None:
        async with self._changed:
            self._running.remove(mine)
            self._changed.notify_all()
