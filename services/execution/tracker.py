"""Follows every order to its end, from the broker's stream and by asking.

The stream is fast but lossy and has no replay; REST is the truth. Both are folded into
the same records, in whatever order they come. An order without a clear answer is looked
up by its client order id and never sent again; "not found" counts only after a
quarantine longer than the longest a request can stay on its way.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from common.clock import Clock, Stopwatch, WallClock
from common.contracts import OptionContract
from common.errors import BrokerError, OrderNotFound
from common.ids import ClientOrderId, OrderId
from common.orders import Fill, Leg, Order, OrderIntent, OrderStatus, TradeUpdate
from services.broker.reader import BrokerReader
from services.execution.records import UNSENT, OrderRecord, root_of
from services.execution.store import DeskStore
from services.execution.trail import Trail
from services.ops.metrics import Metrics

log = logging.getLogger(__name__)

POLL_WORKING = timedelta(seconds=5)  # while an order of ours works
POLL_UNKNOWN = timedelta(seconds=1)  # while an outcome is unknown
POLL_IDLE = timedelta(seconds=30)
QUARANTINE = timedelta(seconds=15)  # wall time; longer than the broker timeout, doubled if not
LOOKED_AT_MAX = timedelta(seconds=60)  # older news of the orders than this is no news
UPDATES_MAX = 10_000


class OrderTracker:
    """Keeps the desk's records true to the broker, and tells who waits for one."""

    def __init__(
        self,
        store: DeskStore,
        reader: BrokerReader,
        clock: Clock,
        wall: WallClock,
        *,
        broker_timeout: timedelta,
        metrics: Metrics,
        trail: Trail,
    ) -> None:
        self._store = store
        self._reader = reader
        self._clock = clock
        self._wall = wall
        self._quarantine = max(QUARANTINE, 2 * broker_timeout)
        self._updates: asyncio.Queue[TradeUpdate] = asyncio.Queue(UPDATES_MAX)
        self._waiters: dict[ClientOrderId, list[asyncio.Future[OrderRecord]]] = {}
        self._unknown_since: dict[ClientOrderId, Stopwatch] = {}
        self._folding = asyncio.Lock()
        self._poll_now = asyncio.Event()
        self._looked: Stopwatch | None = None
        self._external: tuple[Order, ...] = ()
        self._metrics = metrics
        self._trail = trail
        self.connected = False
        self.heard = 0  # updates, of anybody's orders: what is held may have changed

    # What others ask

    @property
    def external(self) -> tuple[Order, ...]:
        """Working orders at the broker that this desk did not make, as last seen."""
        return self._external

    def pending(self, without: OrderId | None = None) -> tuple[OrderIntent, ...]:
        """Return what may still fill of orders that open options: ours and others'.

        without: an order that is about to be replaced.
        """
        ours = (
            replace(record.intent, qty=record.remaining)
            for record in self._store.working()
            if record.intent.opens and record.remaining
            if without is None or record.broker_id != without
        )
        left = (order for order in self._external if order.id != without)
        others = (intent for order in left if (intent := opening_intent(order)))
        return (*ours, *others)

    def not_ready(self) -> str | None:
        """Return why no order may be opened now, or None: news of the orders must be fresh."""
        if self._looked is None:
            return "the broker's orders have not been read yet"
        if not self.connected:
            return "the broker's order stream is not connected"
        if self._looked.elapsed() > LOOKED_AT_MAX:
            return f"the broker's orders were last read {self._looked.elapsed().seconds} s ago"
        return None

    async def settled(
        self, client_order_id: ClientOrderId, within: timedelta
    ) -> OrderRecord | None:
        """Return the record once its order has ended, or as it stands after a while."""
        record = self._store.order(client_order_id)
        if record is None or record.status.terminal:
            return record
        waiter: asyncio.Future[OrderRecord] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(client_order_id, []).append(waiter)
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await waiter
        except TimeoutError:
            return self._store.order(client_order_id)
        finally:
            self._waiters.get(client_order_id, [waiter]).remove(waiter)

    # What comes in

    def hear(self, update: TradeUpdate) -> None:
        """Take a message of the broker's stream; never blocks the stream."""
        try:
            self._updates.put_nowait(update)
        except asyncio.QueueFull:
            log.error("too many unread order updates: one dropped, the orders are read again")
            self._poll_now.set()

    def hear_connected(self, connected: bool) -> None:
        """Note that the stream came up or went down; either way the gap must be read."""
        self.connected = connected
        self._poll_now.set()

    async def note(self, record: OrderRecord, order: Order) -> OrderRecord:
        """Fold a broker reply about one of our orders; return the record after it."""
        return await self._fold(record.client_order_id, order, None)

    async def mark(
        self, client_order_id: ClientOrderId, status: OrderStatus, *, reason: str
    ) -> OrderRecord:
        """Move one of our orders to a status that we know better than the broker."""
        async with self._folding:
            record = self._known(client_order_id)
            if not record.status.may_become(status):
                return record
            now = self._clock.now()
            record = replace(record, status=status, reason=reason, updated_at=now)
            await self._store.update(record)
            await self._trail.order_event(record)
        if status is OrderStatus.UNKNOWN:
            self._poll_now.set()
        self._tell(record)
        return record

    def look_soon(self) -> None:
        """Have the broker's orders read at once: something happened that was not told."""
        self._poll_now.set()

    # Jobs

    async def follow(self) -> None:
        """Fold the stream's messages, one at a time, for ever."""
        while True:
            update = await self._updates.get()
            self.heard += 1
            root = root_of(update.order.client_order_id)
            if self._store.order(root) is None:
                self._poll_now.set()  # somebody else's order changed
                continue
            await self._fold(root, update.order, update.fill)

    async def poll(self) -> None:
        """Read the broker's orders whenever it is due, for ever."""
        while True:
            try:
                await self.look()
            except BrokerError as e:
                log.warning("the broker's orders could not be read: %s", e)
            try:
                async with asyncio.timeout(self._pause().total_seconds()):
                    await self._poll_now.wait()
            except TimeoutError:
                pass
            self._poll_now.clear()

    async def look(self) -> None:
        """Read the broker's open orders once and bring every working record up to date."""
        open_orders = await self._reader.orders("open", limit=500)
        ours = {record.client_order_id: record for record in self._store.working()}
        roots = {order.id: root_of(order.client_order_id) for order in open_orders}
        self._external = tuple(
            order for order in open_orders if self._store.order(roots[order.id]) is None
        )
        for order in open_orders:
            if roots[order.id] in ours:
                await self._fold(roots[order.id], order, None)
        seen = set(roots.values())
        for client_order_id, record in ours.items():
            if client_order_id not in seen:
                await self._resolve(record)
        self._looked = Stopwatch(self._wall)

    async def recover(self) -> None:
        """After a start: what was on its way when we died is unknown, and looked up."""
        for record in self._store.working():
            if record.status in UNSENT:
                reason = "the desk stopped before the broker answered"
                await self.mark(record.client_order_id, OrderStatus.UNKNOWN, reason=reason)
        await self.look()

    # Inside

    def _pause(self) -> timedelta:
        working = self._store.working()
        if any(record.status is OrderStatus.UNKNOWN for record in working):
            return POLL_UNKNOWN
        return POLL_WORKING if working or not self.connected else POLL_IDLE

    async def _resolve(self, record: OrderRecord) -> None:
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
            await self._fold(record.client_order_id, order, None)
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

    async def _fold(
        self, client_order_id: ClientOrderId, order: Order, fill: Fill | None
    ) -> OrderRecord:
        async with self._folding:
            before = self._known(client_order_id)
            after = before.after(order)
            if after is before and fill is None:
                return before
            new = fill is not None and fill.execution_id not in {
                known.execution_id for known in self._store.fills(client_order_id)
            }
            await self._store.update(after, fill)
            if after is not before:
                await self._trail.order_event(after)
            if new or (fill is None and after.filled_qty > before.filled_qty):
                await self._trail.fill(after, fill)
        if after.filled_qty > before.filled_qty:
            self._metrics.fills.inc()
        self._tell(after)
        return after

    def _known(self, client_order_id: ClientOrderId) -> OrderRecord:
        record = self._store.order(client_order_id)
        if record is None:
            raise OrderNotFound(client_order_id)
        return record

    def _tell(self, record: OrderRecord) -> None:
        if record.status.terminal:
            for waiter in self._waiters.get(record.client_order_id, []):
                if not waiter.done():
                    waiter.set_result(record)


def opening_intent(order: Order) -> OrderIntent | None:
    """Return an order of others as an intent to be reckoned with, None if it opens no option.

    Orders in shares count once they are filled: what a share can lose is an assumption.
    """
    left = int(order.qty - order.filled_qty)
    if order.limit is None or left <= 0:
        return None
    try:
        legs = tuple(
            Leg(contract=OptionContract.from_occ(leg.symbol), intent=leg.intent, ratio=leg.ratio)
            for leg in order.legs
            if leg.intent is not None
        )
    except ValueError:
        return None
    if len(legs) < len(order.legs) or not any(leg.intent.opens for leg in legs):
        return None
    return OrderIntent(strategy="external", legs=legs, qty=left, limit=order.limit)
