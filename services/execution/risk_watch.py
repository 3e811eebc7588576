"""Looks at the account all the time: what the market alone can breach does not wait for a trade.

The account is read when it may have changed and now and then; between the readings it is
priced anew from our own chain, several times a second and without asking anybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from common.clock import Clock, Stopwatch, WallClock
from common.config import LossAction
from common.errors import BrokerError
from common.ids import Principal
from common.limits import Halt
from common.portfolio import Exposure
from common.session import Session
from services.execution.kill_switch import KillSwitch
from services.execution.latches import Latch
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.unwinder import Unwinder
from services.market.calendar import SessionCalendar
from services.ops.metrics import Metrics
from services.portfolio.book import Book
from services.portfolio.exposure import build_exposure
from services.portfolio.portfolio import Portfolio
from services.risk.finding import Finding, dollars, joined
from services.risk.manager import RiskManager

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=150)
CONFIRMED: Final = 2  # looks in a row: one may fall between a fill and its reading
CLEAR_AFTER = timedelta(seconds=10)  # within its cap again before the drift latch goes
READ_HELD = timedelta(seconds=15)
READ_FLAT = timedelta(seconds=60)
FLATTEN_PAUSE = timedelta(seconds=2)  # before a flattening that left something is tried again

WHO: Final = Principal("risk watch")
DRIFT, LOSS, OWED = "drift", "daily_loss", "flatten_owed"


class RiskWatch:
    """Latches what has drifted past its cap, and acts once the session has lost its maximum."""

    def __init__(
        self,
        action: LossAction,
        *,
        portfolio: Portfolio,
        risk: RiskManager,
        calendar: SessionCalendar,
        store: DeskStore,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        unwinder: Unwinder,
        clock: Clock,
        wall: WallClock,
        metrics: Metrics,
    ) -> None:
        self._action = action
        self._portfolio = portfolio
        self._risk = risk
        self._calendar = calendar
        self._store = store
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._unwinder = unwinder
        self._clock = clock
        self._wall = wall
        self._metrics = metrics
        self._drifting = 0  # looks in a row
        self._losing = 0
        self._within: Stopwatch | None = None  # since when all is within its cap
        self._blind: str | None = None

    def blind(self) -> str | None:
        """Return why what is held cannot be watched, None when it can."""
        return self._blind

    # Reading the account

    async def read(self) -> None:
        """Read the account whenever it may have changed, for ever."""
        seen: object = None
        since: Stopwatch | None = None
        while True:
            filled = [
                *((r.client_order_id, r.filled_qty) for r in self._store.recent(20)),
                *((r.client_order_id, r.filled_qty) for r in self._store.shares.recent(20)),
            ]
            news = (self._tracker.heard, filled)
            if since is None or news != seen or since.elapsed() > self._pause():
                await self._portfolio.book()
                seen, since = news, Stopwatch(self._wall)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    def _pause(self) -> timedelta:
        book = self._portfolio.repriced()
        working = self._store.working() or self._store.shares.working()
        busy = book is None or book.positions or working
        return READ_HELD if busy else READ_FLAT

    # Looking

    async def watch(self) -> None:
        """Look, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Look once at how the account leans and at what the session has made."""
        session = await self._calendar.session()
        await self._end_of_day(session)
        book = self._portfolio.repriced()
        if book is not None and book.day == session.day:
            exposure = build_exposure(book, self._tracker.pending(), self._tracker.pending_shares())
            await self._look_at_drift(book, exposure, session)
            await self._look_at_loss(exposure, session)
            self._show(exposure)
        if self._store.latch_of(OWED) is not None:
            await self._flatten(session)

    async def _end_of_day(self, session: Session) -> None:
        """What was latched for another session has ended with it."""
        for latch in self._store.halt_causes():
            if latch.day is not None and latch.day != session.day:
                await self._kill_switch.unlatch(latch.cause, f"the session of {latch.day} is over")

    async def _look_at_drift(self, book: Book, exposure: Exposure, session: Session) -> None:
        found = self._risk.drift(exposure, book.chain, session, self._clock.now())
        past = [finding for finding in found if finding.known and not finding.limit.ok]
        unknown = [finding.limit for finding in found if not finding.known]
        self._see(exposure, [f"{limit.name} {limit.used}" for limit in unknown])
        self._drifting = self._drifting + 1 if past else 0
        latched = self._store.latch_of(DRIFT) is not None
        if past:
            self._within = None
            if self._drifting >= CONFIRMED and not latched:
                await self._latch_drift(past)
        elif latched and not unknown:
            self._within = self._within or Stopwatch(self._wall)
            if self._within.elapsed() >= CLEAR_AFTER:
                await self._kill_switch.unlatch(DRIFT, "all is within its caps again")
                self._within = None

    async def _latch_drift(self, past: Sequence[Finding]) -> None:
        for finding in past:
            self._metrics.alerts.labels(finding.limit.name).inc()
        reason = joined(
            f"{one.limit.name} has drifted to {one.limit.used}, its cap is {one.limit.value}"
            for one in past
        )
        await self._kill_switch.latch(
            Latch(cause=DRIFT, halt=Halt.REDUCING, who=WHO, reason=reason, at=self._clock.now())
        )

    async def _look_at_loss(self, exposure: Exposure, session: Session) -> None:
        lost = self._risk.lost(exposure)
        if lost is None:
            return  # nobody can tell; what opens is refused for it
        self._losing = self._losing + 1 if lost else 0
        if self._losing < CONFIRMED or self._store.latch_of(LOSS) is not None:
            return
        self._metrics.alerts.labels(LOSS).inc()
        pnl = exposure.session_pnl
        reason = (
            f"the session stands at {dollars(pnl) if pnl is not None else 'a loss'}, "
            f"its maximum loss is {dollars(self._risk.limits.max_daily_loss)}"
        )
        at = self._clock.now()
        halt = Halt.REDUCING if self._action is LossAction.REDUCE else Halt.HALTED
        loss = Latch(cause=LOSS, halt=halt, who=WHO, reason=reason, at=at, day=session.day)
        if self._action is LossAction.FLATTEN:
            owed = replace(loss, cause=OWED, reason="flattening is owed", day=None)
            await self._kill_switch.latch(loss, owed)
        else:
            await self._kill_switch.latch(loss)

    async def _flatten(self, session: Session) -> None:
        """Close everything, as owed since before a restart or since this look."""
        try:
            done = await self._unwinder.flatten(WHO, session.day)
        except BrokerError as e:
            log.error("the account could not be flattened, it is tried again: %s", e)
        else:
            if done.flat:
                await self._kill_switch.unlatch(OWED, "flat by the broker's word")
                return
            log.error("not flat yet: %s", "; ".join(done.notes))
        await asyncio.sleep(FLATTEN_PAUSE.total_seconds())

    def _see(self, exposure: Exposure, unknown: Sequence[str]) -> None:
        if exposure.session_pnl is None:
            unknown = (*unknown, *exposure.unknown)
        blind = joined(dict.fromkeys(unknown)) if exposure.positions and unknown else None
        if blind is not None and self._blind is None:
            log.error("what is held cannot be watched: %s", blind)
        self._blind = blind

    def _show(self, exposure: Exposure) -> None:
        unknown = float("nan")
        pnl = exposure.session_pnl
        self._metrics.delta.set(unknown if exposure.delta is None else exposure.delta)
        self._metrics.session_pnl.set(unknown if pnl is None else float(pnl))
