"""Follows every order to its end, from the broker's stream and by asking.

Hears the stream, polls, and hands what is said of each of our orders to the follower of its
kind. The quarantine of an order nobody knows is longer than the longest a request can stay on
its way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from common.clock import Clock, Stopwatch, WallClock
from common.contracts import OptionContract
from common.errors import BadArgument, BrokerError
from common.ids import ClientOrderId, OrderId
from common.orders import (
    Leg,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    TimeInForce,
    TradeUpdate,
)
from common.shares import PendingShares, ShareIntent
from services.broker.reader import BrokerReader
from services.execution.follower import Follower, R
from services.execution.records import OrderRecord, root_of
from services.execution.share_records import ShareRecord
from services.execution.store import DeskStore
from services.execution.trail import Trail
from services.ops.metrics import Metrics
from services.portfolio.share_risk import pending_shares

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
        self._wall = wall
        self._updates: asyncio.Queue[TradeUpdate] = asyncio.Queue(UPDATES_MAX)
        self._poll_now = asyncio.Event()
        self._looked: Stopwatch | None = None
        self._external: tuple[Order, ...] = ()
        follow = partial(
            Follower,
            reader=reader,
            clock=clock,
            wall=wall,
            quarantine=max(QUARANTINE, 2 * broker_timeout),
            metrics=metrics,
            trail=trail,
            look_soon=self.look_soon,
        )
        self._options: Follower[OrderRecord] = follow(store)
        self.shares: Follower[ShareRecord] = follow(store.shares)
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

    def pending_shares(self) -> tuple[PendingShares, ...]:
        """Return what may still fill of orders that open stocks and coins: ours and others'."""
        ours = [record.pending for record in self.shares.working()]
        others = [opening_shares(order) for order in self._external]
        return tuple(pending for pending in (*ours, *others) if pending is not None)

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
        """Return the record of an option order once it has ended, or as it stands after a while."""
        return await self._options.settled(client_order_id, within)

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
        """Fold a broker reply about one of our option orders; return the record after it."""
        return await self._options.fold(record.client_order_id, order, None)

    async def mark(
        self, client_order_id: ClientOrderId, status: OrderStatus, *, reason: str
    ) -> OrderRecord:
        """Move one of our option orders to a status that we know better than the broker."""
        return await self._options.mark(client_order_id, status, reason=reason)

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
            if self._store.order(root) is not None:
                await self._options.fold(root, update.order, update.fill)
            elif self.shares.order(root) is not None:
                await self.shares.fold(root, update.order, update.fill)
            else:
                self._poll_now.set()  # somebody else's order changed

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
        told: dict[ClientOrderId, list[Order]] = {}
        for order in reversed(open_orders):  # the oldest first: a replacement comes last
            told.setdefault(root_of(order.client_order_id), []).append(order)
        self._external = tuple(order for order in open_orders if not self._ours(order))
        await _brought_up_to_date(self._options, told)
        await _brought_up_to_date(self.shares, told)
        # Again: an entry that was found brought its exits with it.
        self._external = tuple(order for order in open_orders if not self._ours(order))
        self._looked = Stopwatch(self._wall)

    async def recover(self) -> None:
        """After a start: what was on its way when we died is unknown, and looked up."""
        await self._options.forget_unsent()
        await self.shares.forget_unsent()
        await self.look()

    # Inside

    def _pause(self) -> timedelta:
        working = [record.status for record in self._store.working()]
        working += [record.status for record in self.shares.working()]
        if OrderStatus.UNKNOWN in working:
            return POLL_UNKNOWN
        return POLL_WORKING if working or not self.connected else POLL_IDLE

    def _ours(self, order: Order) -> bool:
        root = root_of(order.client_order_id)
        return self._store.order(root) is not None or self.shares.order(root) is not None


async def _brought_up_to_date(
    follower: Follower[R], told: Mapping[ClientOrderId, Sequence[Order]]
) -> None:
    """Fold what the broker shows as open, and ask for what it does not show."""
    for record in follower.working():
        if record.client_order_id not in told:
            await follower.resolve(record)
        for order in told.get(record.client_order_id, ()):
            await follower.fold(record.client_order_id, order, None)


def opening_intent(order: Order) -> OrderIntent | None:
    """Return an order of others as an intent to be reckoned with, None if it opens no option."""
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


def opening_shares(order: Order) -> PendingShares | None:
    """Return what an order of others may do that says it opens a stock or a coin at a limit.

    One that does not say so, or has no limit, counts once it is filled.
    """
    [leg, *more], left = order.legs, order.qty - order.filled_qty
    if more or leg.intent is None or not leg.intent.opens or order.limit is None or left <= 0:
        return None
    try:
        intent = ShareIntent(
            symbol=leg.symbol,
            side=leg.side,
            qty=left,
            type=OrderType.LIMIT,
            limit=abs(order.limit),
            tif=TimeInForce.GTC if "/" in leg.symbol else TimeInForce.DAY,
        )
    except BadArgument:  # an option, or finer than the desk reckons
        return None
    return pending_shares(intent, abs(order.limit))
