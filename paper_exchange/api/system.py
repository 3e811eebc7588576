"""Paths of our own: is it alive, and move its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from common.clock import Clock
from paper_exchange.api.endpoint import Access, Call, Reply, reply
from paper_exchange.api.routes import Path, system
from paper_exchange.wire.errors import BadParameter
from paper_exchange.wire.scalars import instant

STEP_MAX: Final = timedelta(days=31)

Status = Callable[[], dict[str, Any]]
Move = Callable[[datetime], Awaitable[None]]


class Step(msgspec.Struct, frozen=True):
    """Where to move the clock: to an instant, or by seconds. Exactly one is given."""

    to: datetime | None = None
    by: float | None = None


class System:
    """Health for whoever asks, the clock for who has the admin key.

    move is None unless the clock is a stepped one; the path is not there then.
    """

    def __init__(self, clock: Clock, status: Status, move: Move | None) -> None:
        self._clock = clock
        self._status = status
        self._move = move
        self._moving = asyncio.Lock()

    def paths(self) -> tuple[Path, ...]:
        """Return the routes."""
        health = system("/health", Access.OPEN, GET=self.health)
        if self._move is None:
            return (health,)
        return (health, system("/admin/clock", Access.ADMIN, POST=self.step))

    async def health(self, call: Call) -> Reply:
        """Answer GET /health."""
        status = self._status()
        return reply({**status, "clock": instant(self._clock.now())})

    async def step(self, call: Call) -> Reply:
        """Answer POST /admin/clock {"to": time} or {"by": seconds}, once it has been lived."""
        async with self._moving:
            now = self._clock.now()
            target = _target(call.body, now)
            if self._move is not None:
                await self._move(target)
            return reply({"timestamp": instant(self._clock.now())})


def _target(body: bytes, now: datetime) -> datetime:
    try:
        step = msgspec.json.decode(body, type=Step)
    except (ValueError, RecursionError) as e:
        raise BadParameter(f"invalid step: {e}") from None
    if (step.to is None) == (step.by is None):
        raise BadParameter("give either to, a time, or by, seconds")
    if step.to is not None and step.to.tzinfo is None:
        raise BadParameter("to must have a zone")
    if step.by is not None and not 0 <= step.by <= STEP_MAX.total_seconds():
        raise BadParameter(f"by must be between 0 and {STEP_MAX.total_seconds():.0f} seconds")
    target = step.to if step.to is not None else now + timedelta(seconds=step.by or 0)
    if not now <= target <= now + STEP_MAX:
        raise BadParameter(f"to must lie between now, {instant(now)}, and {STEP_MAX.days} days on")
    return target
