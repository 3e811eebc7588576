"""The desk's orders as people ask for them: by id, recent, and canceled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Literal

from common.errors import BadArgument, NotOpen, OrderNotFound
from common.ids import ClientOrderId, OrderId
from common.orders import Order, OrderStatus
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.cancels import Canceler
from services.execution.records import REPLACED, ExitPlan, OrderRecord, root_of
from services.execution.store import DeskStore
from services.execution.sweeps import is_option_order
from services.execution.tracker import OrderTracker

CANCEL_WAIT = timedelta(seconds=3)
RECENT = 1_000  # orders looked through

Which = Literal["open", "closed", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One order of ours with the exit that protects what it filled."""

    record: OrderRecord
    exit: ExitPlan | None


class OrderBook:
    """Looks orders up in our records first, at the broker where we have none."""

    def __init__(
        self,
        store: DeskStore,
        broker: Broker,
        reader: BrokerReader,
        tracker: OrderTracker,
        canceler: Canceler,
    ) -> None:
        self._store = store
        self._broker = broker
        self._reader = reader
        self._tracker = tracker
        self._canceler = canceler

    async def orders(self, which: Which, limit: int) -> tuple[Held | Order, ...]:
        """Return the broker's orders, newest first, each of ours with what we know of it."""
        return await self.known(await self._reader.orders(which, limit=limit))

    async def known(self, found: Sequence[Order]) -> tuple[Held | Order, ...]:
        """Return orders just read, each of ours once and with what we know of it."""
        roots = {order.id: root_of(order.client_order_id) for order in found}
        return tuple(
            [
                await self._held(order)
                for order in found
                if order.broker_status != REPLACED or self._store.order(roots[order.id]) is None
            ]
        )

    async def order(self, order_id: str) -> Held | Order:
        """Return one order by the broker's id or ours; raise OrderNotFound."""
        record = self._store.order(ClientOrderId(order_id)) or self._store.by_broker_id(
            OrderId(order_id)
        )
        if record is not None:
            return self.held(record)
        found = await self._reader.order_by_client_id(ClientOrderId(order_id))
        return await self._held(found or await self._reader.order(OrderId(order_id)))

    async def cancel(self, order_id: str) -> Held | Order:
        """Cancel an order by either id and return it as it ended.

        Raises OrderNotFound and NotOpen. Never gated by risk or a halt.
        """
        found = await self.order(order_id)
        broker_id, status = (
            (found.id, found.status)
            if isinstance(found, Order)
            else (found.record.broker_id, found.record.status)
        )
        if status.terminal:
            raise NotOpen(f"order {order_id} is already {status.value}")
        if broker_id is None:
            raise OrderNotFound(order_id)
        if isinstance(found, Order):
            await self._broker.cancel(broker_id)
            return await self._reader.order(broker_id)
        record = await self._canceler.cancel(found.record.client_order_id, CANCEL_WAIT)
        if record is not None and record.status is OrderStatus.FILLED:
            raise NotOpen(f"order {order_id} is already filled")
        return self.held(record or found.record)

    async def cancel_option(self, order_id: str) -> Held | Order:
        """Cancel an order in options as cancel does; raise BadArgument for any other order."""
        found = await self.order(order_id)
        if isinstance(found, Order) and not is_option_order(found):
            raise BadArgument(
                f"order_id: {found.id} is no option order", remedy="cancel_order takes any order"
            )
        return await self.cancel(order_id)

    def held(self, record: OrderRecord) -> Held:
        """Return one of our orders with its exit."""
        return Held(record=record, exit=self._store.exit_plan(record.client_order_id))

    def recent(self, limit: int, strategy: str | None, working: bool) -> tuple[Held, ...]:
        """Return our own orders, newest first, as they were last heard of."""
        found = (
            record
            for record in self._store.recent(RECENT)
            if strategy in (None, record.intent.strategy)
            and not (working and record.status.terminal)
        )
        return tuple(self.held(record) for record in islice(found, limit))

    async def _held(self, order: Order) -> Held | Order:
        record = self._store.order(root_of(order.client_order_id))
        if record is None:
            return order
        if record.after(order) is not record:
            record = await self._tracker.note(record, order)
        return self.held(record)
