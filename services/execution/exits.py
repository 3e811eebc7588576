"""The protective time exit that lives with each trade, whatever becomes of the chat."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import date, datetime, timedelta

from common.clock import MarketClock
from common.errors import BrokerError
from common.ids import ClientOrderId
from common.session import Session, new_york_text, trading_day
from services.broker.reader import BrokerReader
from services.execution.closing import unwind_of
from services.execution.records import ExitPlan, ExitState, OrderRecord
from services.execution.store import DeskStore
from services.execution.unwinder import Unwinder

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=500)  # wall time
HELD_EVERY = 40  # looks between two readings of the positions: 20 s


def flat_by(session: Session, exit_before_close: timedelta) -> datetime:
    """Return when a position opened in a session must be flat, of market time."""
    return session.close - exit_before_close


class ExitMonitor:
    """Closes each position at its instant; keeps trying, and says so, until it is gone.

    Plans are in the database from before the opening order's send, so a restart goes on
    with them.
    """

    def __init__(
        self, store: DeskStore, reader: BrokerReader, unwinder: Unwinder, clock: MarketClock
    ) -> None:
        self._store = store
        self._reader = reader
        self._unwinder = unwinder
        self._clock = clock
        self._absent: set[ClientOrderId] = set()

    def armed(self) -> tuple[ExitPlan, ...]:
        """Return the exits that still watch a trade."""
        return self._store.exits()

    async def watch(self) -> None:
        """Look at every plan, for ever."""
        looks = 0
        while True:
            try:
                await self.look(read_positions=looks % HELD_EVERY == 0)
            except BrokerError as e:
                log.warning("exits could not be checked: %s", e)
            looks += 1
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self, *, read_positions: bool) -> None:
        """Fire what is due; drop what has nothing left to protect."""
        plans = self._store.exits()
        if not plans:
            return
        now = self._clock.now()
        for plan in plans:
            record = self._store.order(plan.client_order_id)
            if record is None or (record.status.terminal and not record.filled_qty):
                await self._done(plan, "the order ended without a fill")
            elif now >= plan.flat_by:
                await self._fire(plan, record, trading_day(now))
            elif read_positions and record.status.terminal:
                await self._drop_if_gone(plan, record)

    async def _fire(self, plan: ExitPlan, record: OrderRecord, day: date) -> None:
        if plan.state is ExitState.ARMED:
            log.warning(
                "time exit of %s at %s", plan.client_order_id, new_york_text(self._clock.now())
            )
            await self._store.put_exit(replace(plan, state=ExitState.CLOSING))
        gone, note = await self._unwinder.close_opening(record, day)
        if gone:
            await self._done(plan, note or "closed by its time exit")
        elif note != plan.note:
            log.error("time exit of %s has not closed it yet: %s", plan.client_order_id, note)
            await self._store.put_exit(replace(plan, state=ExitState.CLOSING, note=note))

    async def _drop_if_gone(self, plan: ExitPlan, record: OrderRecord) -> None:
        positions = await self._reader.positions()
        held = {p.contract: int(p.qty) for p in positions if p.contract is not None}
        if unwind_of(record, held) is not None:
            self._absent.discard(plan.client_order_id)
        elif plan.client_order_id in self._absent:
            await self._done(plan, "the position is gone")
        else:  # positions may lag a fill: believe an absence only when seen twice
            self._absent.add(plan.client_order_id)

    async def _done(self, plan: ExitPlan, note: str) -> None:
        await self._store.put_exit(replace(plan, state=ExitState.DONE, note=note))
