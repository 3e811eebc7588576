"""Sees opening orders through: from the mid towards the market, and given up in the end.

An order the caller priced himself rests where he put it; any other that has not filled in
time is canceled, also when the desk was restarted meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from common.clock import Stopwatch, WallClock
from common.errors import BrokerError
from common.ids import ClientOrderId
from common.money import Price
from common.orders import Approved, OrderIntent
from services.execution.cancels import Canceler
from services.execution.records import OrderRecord
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.walker import LimitWalker, Pace

log = logging.getLogger(__name__)

Pricing = Literal["adaptive", "natural"]

CANCEL_WAIT = timedelta(seconds=4)
TRY_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryTerms:
    """How opening orders are priced, and how long one is worked, of wall time."""

    pricing: Pricing
    step: timedelta
    steps: int
    timeout: timedelta


class Entries:
    """Starts each opening order where it should stand, and follows it to its end."""

    def __init__(
        self,
        terms: EntryTerms,
        store: DeskStore,
        tracker: OrderTracker,
        walker: LimitWalker,
        canceler: Canceler,
        wall: WallClock,
    ) -> None:
        self._terms = terms
        self._store = store
        self._tracker = tracker
        self._walker = walker
        self._canceler = canceler
        self._wall = wall
        self._sent: asyncio.Queue[tuple[Approved[OrderIntent], OrderRecord]] = asyncio.Queue()

    @property
    def adaptive(self) -> bool:
        """Whether orders start at the mid."""
        return self._terms.pricing == "adaptive"

    @property
    def way(self) -> timedelta:
        """How long the steps of a walk take."""
        return self._terms.step * (self._terms.steps + 1)

    def start(self, intent: OrderIntent) -> Price:
        """Return the limit an order is sent at."""
        return self._walker.start(intent)

    def follow(self, approved: Approved[OrderIntent], record: OrderRecord) -> None:
        """Have an order that was just sent walked, and given up in time."""
        self._sent.put_nowait((approved, record))

    async def watch(self) -> None:
        """See every order through, for ever; first those of a desk that stopped."""
        async with asyncio.TaskGroup() as orders:
            for record in self._store.working():
                if record.intent.opens and not record.rests:
                    orders.create_task(self._give_up(record.client_order_id, timedelta(0)))
            while True:
                approved, record = await self._sent.get()
                orders.create_task(self._through(approved, record.client_order_id))

    async def _through(self, approved: Approved[OrderIntent], cid: ClientOrderId) -> None:
        watch = Stopwatch(self._wall)
        pace = Pace(steps=self._terms.steps, every=self._terms.step)
        try:
            await self._walker.walk(approved, cid, pace)
        except BrokerError as e:
            log.warning("the walk of %s ended: %s", cid, e)
        await self._give_up(cid, max(self._terms.timeout - watch.elapsed(), timedelta(0)))

    async def _give_up(self, cid: ClientOrderId, after: timedelta) -> None:
        """Cancel what has not filled after a while, trying again until it has ended."""
        record = await self._tracker.settled(cid, after)
        while record is not None and not record.status.terminal:
            try:
                ended = await self._canceler.cancel(cid, CANCEL_WAIT)
            except BrokerError as e:
                log.warning("%s could not be given up yet: %s", cid, e)
            else:
                if ended is not None and ended.status.terminal:
                    await self._told(ended)
                    return
            record = await self._tracker.settled(cid, TRY_AGAIN)

    async def _told(self, record: OrderRecord) -> None:
        if record.filled_qty < record.intent.qty:
            at = "" if record.working is None else f" at {record.working}"
            seconds = self._terms.timeout.total_seconds()
            reason = f"gave up: not filled{at} within {seconds:g} s"
            await self._tracker.mark(record.client_order_id, record.status, reason=reason)
