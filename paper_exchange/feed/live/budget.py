"""How often the upstream is asked: never more than it allows in any minute.

What is followed is asked for in turn; questions of clients have room of their own, so that
neither starves the other.
"""

from __future__ import annotations

import asyncio
from typing import Final

from common.clock import NS, WallClock
from common.errors import MarketDataMissing

POLLED: Final = 0.7  # of the budget, for what is followed
ASKED: Final = 0.2  # refills at this share; what is left over is the burst
WAIT_MAX: Final = 2.0  # seconds a question waits for its turn


class BudgetSpent(MarketDataMissing):
    """Asking now would exceed what the upstream allows."""

    code = "upstream_budget"
    remedy = "ask less often, or raise --upstream-requests to what the subscription allows"


class Lane:
    """Turns at an even rate, some of which may be taken at once."""

    def __init__(self, wall: WallClock, per_minute: float, burst: int) -> None:
        self._wall = wall
        self._interval = 60.0 / per_minute
        self._slack = self._interval * (burst - 1)
        self._due = self._now() - self._slack

    async def turn(self, wait_max: float | None = None) -> None:
        """Wait for a turn; BudgetSpent when it is more than wait_max seconds away."""
        now = self._now()
        due = max(self._due, now - self._slack)
        if wait_max is not None and due - now > wait_max:
            raise BudgetSpent("the budget of questions to the upstream is spent for now")
        self._due = due + self._interval
        if due > now:
            await asyncio.sleep(due - now)

    def _now(self) -> float:
        return self._wall.ns() / NS


class Budget:
    """A minute's questions, shared between what is followed and what clients ask."""

    def __init__(self, wall: WallClock, per_minute: int) -> None:
        self._polled = Lane(wall, POLLED * per_minute, 1)
        self._asked = Lane(wall, ASKED * per_minute, max(int((1 - POLLED - ASKED) * per_minute), 1))

    async def poll(self) -> None:
        """Wait until what is followed may be asked for again."""
        await self._polled.turn()

    async def ask(self) -> None:
        """Wait until a client's question may be passed on; BudgetSpent when that is long."""
        await self._asked.turn(WAIT_MAX)
