"""The kill switch: two local gates, each sufficient, each read again before every send.

One is in the desk's database, the other a sentinel file in the state folder. The file works
where the database is locked or the disk is full, and the kill command sets it without this
process. What cannot be read counts as halted. Beside the row that people set, the database
holds a latch for each cause for which the desk halts itself.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from common.clock import Clock
from common.errors import Halted
from common.limits import Halt
from common.orders import OrderIntent
from common.shares import ShareIntent
from services.execution.latches import Latch
from services.execution.store import DeskStore

log = logging.getLogger(__name__)

SENTINEL = "KILL"
BY_PEOPLE: Final = frozenset({"sentinel", "kill_switch"})  # causes that a person releases
OWN_REMEDY: Final = "risk_check shows the cause; it lifts by itself, the loss of a day the next day"


class KillSwitch:
    """Reads both gates; engages them; never releases them: a person does, on a terminal.

    A latch of the desk's own goes when its cause goes, or with the session it is for.
    """

    def __init__(self, store: DeskStore, sentinel: Path, clock: Clock) -> None:
        self._store = store
        self._sentinel = sentinel
        self._clock = clock

    def halt(self) -> Halt:
        """Return how far trading is halted, the stricter of the two gates."""
        try:
            os.stat(self._sentinel)
        except FileNotFoundError:
            pass
        except OSError:
            log.exception("the kill sentinel cannot be read: halted")
            return Halt.HALTED
        else:
            return Halt.HALTED
        try:
            return self._store.halt()
        except (sqlite3.Error, ValueError):
            log.exception("the halt cannot be read: halted")
            return Halt.HALTED

    def causes(self) -> tuple[Latch, ...]:
        """Return why trading is halted, each cause with who, since when and how far."""
        found: list[Latch] = []
        try:
            if os.path.lexists(self._sentinel):
                found.append(self._of_sentinel())
            return (*found, *self._store.halt_causes())
        except (sqlite3.Error, ValueError, OSError):
            log.exception("the causes of the halt cannot be read")
            return tuple(found)

    def _of_sentinel(self) -> Latch:
        at = datetime.fromtimestamp(self._sentinel.lstat().st_mtime, UTC)
        reason = "the kill sentinel is set"
        return Latch(cause="sentinel", halt=Halt.HALTED, who="kill", reason=reason, at=at)

    def require(self, intent: OrderIntent | ShareIntent) -> None:
        """Raise Halted when this order may not go: an opening one needs both gates open.

        Closing orders always may. Called from the sending thread, right before the
        socket write.
        """
        if intent.opens:
            self.require_open()

    def require_open(self) -> None:
        """Raise Halted unless new risk may be taken."""
        halt = self.halt()
        if halt is not Halt.ACTIVE:
            causes = self.causes()
            why = "; ".join(str(cause) for cause in causes) or "its cause cannot be read"
            own = causes and not any(cause.cause in BY_PEOPLE for cause in causes)
            raise Halted(
                f"trading is {halt.value}, only closing orders may be sent: {why}",
                remedy=OWN_REMEDY if own else None,
            )

    async def engage(self, *, who: str, reason: str) -> None:
        """Latch both gates. The file first: it needs neither the database nor space."""
        descriptor = os.open(self._sentinel, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        log.warning("kill switch engaged by %s: %s", who, reason)
        try:
            await self._store.set_halt(Halt.HALTED, who=who, reason=reason, at=self._clock.now())
        except sqlite3.Error:
            log.exception("the halt row could not be written; the sentinel file holds")

    async def reduce(self, *, who: str, reason: str) -> None:
        """Allow closing orders only; a halt that is already stricter stays."""
        if self.halt() is Halt.ACTIVE:
            log.error("trading reduced to closing orders by %s: %s", who, reason)
            at = self._clock.now()
            await self._store.set_halt(Halt.REDUCING, who=who, reason=reason, at=at)

    async def latch(self, *latches: Latch) -> None:
        """Halt for causes of the desk's own, each until it has gone."""
        for latch in latches:
            log.error("trading %s: %s", latch.halt.value, latch)
        await self._store.latch(*latches)

    async def unlatch(self, cause: str, why: str) -> None:
        """Lift the halt of a cause that has gone; all others stand."""
        log.warning("the %s latch is lifted: %s", cause, why)
        await self._store.unlatch(cause)
