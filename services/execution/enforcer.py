"""While trading is halted, takes back every opening order that still works at the broker.

A kill may come from this process or from the command line, before or after the broker
acknowledged an order; whichever it was, nothing that opens is left working.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta

from common.errors import BrokerError, NotOpen, OrderNotFound
from common.ids import OrderId
from common.limits import Halt
from services.broker.gateway import Broker
from services.execution.kill_switch import KillSwitch
from services.execution.records import OrderRecord
from services.execution.share_records import ShareRecord
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=250)
FEW = 3  # orders that are canceled one by one


class HaltEnforcer:
    """Cancels, once per order, and lets the tracker tell how each ended."""

    def __init__(
        self, store: DeskStore, broker: Broker, tracker: OrderTracker, kill_switch: KillSwitch
    ) -> None:
        self._store = store
        self._broker = broker
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._asked: set[OrderId] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now rather than at the next turn."""
        self._woken.set()

    async def watch(self) -> None:
        """Look at the halt and at what works, for ever."""
        while True:
            if self._kill_switch.halt() is Halt.HALTED:
                await self._cancel_opening()
            else:
                self._asked.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await self._woken.wait()
            self._woken.clear()

    async def _cancel_opening(self) -> None:
        working = {
            record.broker_id
            for record in self._working()
            if record.intent.opens and record.broker_id is not None
        }
        fresh = working - self._asked
        if not fresh:
            return
        log.warning("halted: canceling %d opening orders", len(fresh))
        if len(fresh) > FEW and self._nothing_else_works():
            await self._cancel_all()
        else:
            await asyncio.gather(*(self._cancel(order_id) for order_id in fresh))
        await self._tracker.look()

    def _working(self) -> tuple[OrderRecord | ShareRecord, ...]:
        return (*self._store.working(), *self._store.shares.working())

    def _nothing_else_works(self) -> bool:
        """Tell whether all that is open is ours and opens; an exit or another's stop stays."""
        closing = any(not record.intent.opens for record in self._working())
        return not closing and not self._tracker.external

    async def _cancel_all(self) -> None:
        """Take everything back by one request: many would wait for the rate that is allowed."""
        try:
            self._asked |= await self._broker.cancel_all()
        except BrokerError as e:
            log.warning("the cancel of all orders failed, it is tried again: %s", e)

    async def _cancel(self, order_id: OrderId) -> None:
        try:
            await self._broker.cancel(order_id)
        except (NotOpen, OrderNotFound):
            log.info("order %s had already ended", order_id)
        except BrokerError as e:
            log.warning("cancel of %s failed, it is tried again: %s", order_id, e)
            return
        self._asked.add(order_id)
