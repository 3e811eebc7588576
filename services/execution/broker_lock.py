"""The third lock: the broker itself refuses new orders, whatever becomes of this machine.

It refuses closing orders too. So it is set only once trading is halted here and the broker's
own word is that nothing is held and nothing works, and it is lifted before anything closes.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from common.clock import Clock
from common.errors import BrokerError
from common.limits import Halt
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.kill_switch import KillSwitch
from services.execution.latches import Latch
from services.execution.store import DeskStore
from services.portfolio.portfolio import Portfolio

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=1)
LIFT_MAX = timedelta(seconds=2)  # that a close waits for it
CAUSE = "broker_lock"  # a row that halts nothing: the broker's lock is ours to lift


class BrokerLock:
    """Sets and lifts the broker's suspension of trading; only what it set goes by itself."""

    def __init__(
        self,
        broker: Broker,
        reader: BrokerReader,
        store: DeskStore,
        portfolio: Portfolio,
        kill_switch: KillSwitch,
        clock: Clock,
        *,
        enabled: bool,
    ) -> None:
        self._broker = broker
        self._reader = reader
        self._store = store
        self._portfolio = portfolio
        self._kill_switch = kill_switch
        self._clock = clock
        self._enabled = enabled
        self._known: bool | None = None  # whether it is set, as far as we know
        self._moving = asyncio.Lock()

    async def lift(self, *, sure: bool = False) -> None:
        """Make sure that closing orders are taken, whoever had set the lock.

        Costs nothing once the lock is known to be open; sure asks all the same. A broker that
        does not say is no reason not to try to close.
        """
        if self._known is False and not sure:
            return
        try:
            async with asyncio.timeout(LIFT_MAX.total_seconds()), self._moving:
                await self._lift()
        except (BrokerError, TimeoutError) as e:
            log.error("whether the broker's lock is set is not known, closing goes on: %s", e)

    async def _lift(self) -> None:
        if await self._reader.suspended():
            log.warning("the broker's suspension of trading is lifted")
            await self._broker.suspend(False)
        self._known = False
        if self._store.latch_of(CAUSE) is not None:
            await self._store.unlatch(CAUSE)

    def doubt(self) -> None:
        """Ask again before the next close: the broker refused one."""
        self._known = None

    async def watch(self) -> None:
        """Set it once halted and flat, lift it once released, for ever."""
        while True:
            try:
                await self.look()
            except BrokerError as e:
                log.warning("the broker's lock could not be moved, it is tried again: %s", e)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Set or lift it if that is due."""
        ours = self._store.latch_of(CAUSE) is not None
        if self._kill_switch.halt() is Halt.HALTED:
            if self._enabled and self._known is not True and self._looks_flat():
                await self._set_if_flat()
        elif ours:
            async with self._moving:
                await self._lift()

    def _looks_flat(self) -> bool:
        """Tell whether it is worth asking the broker: by our own records nothing is left."""
        book = self._portfolio.repriced()
        working = self._store.working() or self._store.shares.working()
        return book is not None and not book.positions and not working

    async def _set_if_flat(self) -> None:
        async with self._moving:
            positions, orders = await asyncio.gather(
                self._reader.positions(), self._reader.orders("open", limit=1)
            )
            if positions or orders:
                return
            if not await self._reader.suspended():
                # Written down first: whatever happens in between, it is known to be ours.
                await self._store.latch(
                    Latch(
                        cause=CAUSE,
                        halt=Halt.ACTIVE,
                        who="desk",
                        reason="halted and flat: trading is suspended at the broker",
                        at=self._clock.now(),
                    )
                )
                await self._broker.suspend(True)
                log.warning("halted and flat: trading is suspended at the broker too")
            self._known = True
