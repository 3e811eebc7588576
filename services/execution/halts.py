"""Writes into the audit log whenever trading is halted or released, whoever did it.

The kill command is a process of its own and a person may make the sentinel by hand: what
counts is what the gates say, so they are looked at.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from common.limits import Halt
from services.execution.kill_switch import KillSwitch
from services.execution.latches import Latch
from services.execution.trail import Trail

LOOK_EVERY = timedelta(milliseconds=250)


class HaltRecorder:
    """Looks at the gates and writes down each change of what they allow, and why."""

    def __init__(self, kill_switch: KillSwitch, trail: Trail) -> None:
        self._kill_switch = kill_switch
        self._trail = trail
        self._last: tuple[Halt, tuple[Latch, ...]] = (Halt.ACTIVE, ())

    async def watch(self) -> None:
        """Look, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Write down the halt if it, or its cause, is another than at the last look."""
        halt = self._kill_switch.halt()
        causes = () if halt is Halt.ACTIVE else self._kill_switch.causes()
        if (halt, causes) != self._last:
            self._last = (halt, causes)
            await self._trail.halt(halt, causes)
