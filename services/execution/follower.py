"""Keeps the records of one kind of order true to the broker, and tells who waits for one.

The stream is fast but lossy; REST is the truth. Both are folded into the same record, in
whatever order they come. An order without a clear answer is looked up by its client order id
and never sent again; "not found" counts only after a quarantine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from common.clock import Clock, Stopwatch, WallClock
from common.errors import OrderNotFound
from common.ids import ClientOrderId
from common.orders import Fill, Order, OrderStatus
from services.broker.reader import BrokerReader
from services.execution.records import UNSENT, Tracked
from services.execution.trail import Trail
from services.ops.metrics import Metrics

R = TypeVar("R", bound=Tracked)


class Records(Protocol[R]):
    """Where the records of one kind of order are kept, durably."""

    def working(self) -> tuple[R, ...]:
        """Return every order that has not ended, oldest first."""
        ...

    def order(self, client_order_id: ClientOrderId) -> R | None:
        """Return one order of ours."""
        ...

    def fills(self, client_order_id: ClientOrderId) -> tuple[Fill, ...]:
        """Return an order's fills."""
        ...

    async def adopt(self, record: R, order: Order) -> None:
        """Take orders that the broker made of one of ours for our own."""
        ...

    async def update(self, record: R, fill: Fill | None = None) -> None:
        """Write an order's new state, and the fill that came with it, once."""
        ...


class Follower(Generic[R]):
    """Folds news into records. look_soon: have the broker's orders read at once."""

    def __init__(
        self,
        records: Records[R],
        reader: BrokerReader,
        clock: Clock,
        wall: WallClock,
        *,
        quarantine: timedelta,
        metrics: Metrics,
        trail: Trail,
        look_soon: Callable[[], None],
    ) -> None:
        self._records = records
        self._reader = reader
        self._clock = clock
        self._wall = wall
        self._quarantine = quarantine
        self._metrics = metrics
        self._trail = trail
        self._look_soon = look_soon
        self._waiters: dict[ClientOrderId, list[asyncio.Future[R]]] = {}
        self._unknown_since: dict[ClientOrderId, Stopwatch] = {}
        self._folding = asyncio.Lock()

    def working(self) -> tuple[R, ...]:
        """Return every order that has not ended, oldest first."""
        return self._records.working()

    def order(self, client_order_id: ClientOrderId) -> R | None:
        """Return one order of ours."""
        return self._records.order(client_order_id)

    async def settled(self, client_order_id: ClientOrderId, within: timedelta) -> R | None:
        """Return the record once its order has ended, or as it stands after a while."""
        record = self._records.order(client_order_id)
        if record is None or record.status.terminal:
            return record
        waiter: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(client_order_id, []).append(waiter)
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await waiter
        except TimeoutError:
            return self._records.order(client_order_id)
        finally:
            self._waiters.get(client_order_id, [waiter]).remove(waiter)

    async def mark(self, client_order_id: ClientOrderId, status: OrderStatus, *, reason: str) -> R:
        """Move one of our orders to a status that we know better than the broker."""
        async with self._folding:
            record = self._known(client_order_id)
            if not record.status.may_become(status):
                return record
            record = record.moved(status, reason, self._clock.now())
            await self._records.update(record)
            await self._trail.order_event(record)
        if status is OrderStatus.UNKNOWN:
            self._look_soon()
        self._tell(record)
        return record

    async def fold(self, client_order_id: ClientOrderId, order: Order, fill: Fill | None) -> R:
        """Fold what the broker says of one of our orders; return the record after it."""
        async with self._folding:
            before = self._known(client_order_id)
            if order.children:
                await self._records.adopt(before, order)
            after = before.after(order)
            if after is before and fill is None:
                return before
            new = fill is not None and fill.execution_id not in {
                known.execution_id for known in self._records.fills(client_order_id)
            }
            await self._records.update(after, fill)
            if after is not before:
                await self._trail.order_event(after)
            if new or (fill is None and after.filled_qty > before.filled_qty):
                await self._trail.fill(after, fill)
        if after.filled_qty > before.filled_qty:
            self._metrics.fills.inc()
        self._tell(after)
        return after

    async def forget_unsent(self) -> None:
        """After a start: what was on its way when we died is unknown, and looked up."""
        for record in self._records.working():
            if record.status in UNSENT:
                reason = "the desk stopped before the broker answered"
                await self.mark(record.client_order_id, OrderStatus.UNKNOWN, reason=reason)

    async def resolve(self, record: R) -> None:
        """Ask for an order of ours that is not among the open ones."""
        if record.status in UNSENT:
            return  # its send is under way in this process
        if record.broker_id is not None:
            try:
                order: Order | None = await self._reader.order(record.broker_id)
            except OrderNotFound:
                order = None
        else:
            order = await self._reader.order_by_client_id(record.client_order_id)
        if order is not None:
            order = await self._newest(order)
            self._unknown_since.pop(record.client_order_id, None)
            await self.fold(record.client_order_id, order, None)
            return
        since = self._unknown_since.setdefault(record.client_order_id, Stopwatch(self._wall))
        if since.elapsed() > self._quarantine:
            del self._unknown_since[record.client_order_id]
            await self.mark(
                record.client_order_id,
                OrderStatus.EXPIRED,
                reason=f"the broker does not know it {self._quarantine.seconds} s after the send",
            )

    async def _newest(self, order: Order) -> Order:
        """Return the order that stands at the end of a chain of replacements."""
        while order.replaced_by is not None:
            order = await self._reader.order(order.replaced_by)
        return order

    def _known(self, client_order_id: ClientOrderId) -> R:
        record = self._records.order(client_order_id)
        if record is None:
            raise OrderNotFound(client_order_id)
        return record

    def _tell(self, record: R) -> None:
        if record.status.terminal:
            for waiter in self._waiters.get(record.client_order_id, []):
                if not waiter.done():
                    waiter.set_result(record)
