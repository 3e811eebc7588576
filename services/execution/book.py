"""The desk's orders as people ask for them: by id, recent, and canceled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Literal, TypeAlias

from common.contracts import AssetClass, asset_class
from common.errors import BadArgument, NotOpen, OrderNotFound
from common.ids import ClientOrderId, OrderId
from common.orders import Order, OrderStatus
from services.broker.gateway import Broker
from services.broker.reader import BrokerReader
from services.execution.cancels import Canceler
from services.execution.records import REPLACED, ExitPlan, OrderRecord, root_of
from services.execution.share_records import ShareRecord
from services.execution.store import DeskStore
from services.execution.sweeps import is_option_order
from services.execution.tracker import OrderTracker

CANCEL_WAIT = timedelta(seconds=3)
RECENT = 1_000  # orders looked through
ASKED = 500  # orders of one page of the broker's

Which = Literal["open", "closed", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One option order of ours with the exit that protects what it filled."""

    record: OrderRecord
    exit: ExitPlan | None


Found: TypeAlias = Held | ShareRecord | Order  # ours in options, in shares; another's


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

    async def orders(self, which: Which, limit: int) -> tuple[Found, ...]:
        """Return the broker's orders, newest first, each of ours with what we know of it."""
        return await self.known(await self._reader.orders(which, limit=limit))

    async def known(self, found: Sequence[Order]) -> tuple[Found, ...]:
        """Return orders just read, each of ours once and with what we know of it."""
        roots = {order.id: root_of(order.client_order_id) for order in found}
        return tuple(
            [
                await self._held(order)
                for order in found
                if order.broker_status != REPLACED or self._record(roots[order.id]) is None
            ]
        )

    async def order(self, order_id: str) -> Found:
        """Return one order by the broker's id or ours; raise OrderNotFound."""
        name, number = ClientOrderId(order_id), OrderId(order_id)
        shares = self._store.shares
        if record := self._store.order(name) or self._store.by_broker_id(number):
            return self.held(record)
        if share := shares.order(name) or shares.by_broker_id(number):
            return share
        return await self._held(
            await self._reader.order_by_client_id(name) or await self._reader.order(number)
        )

    async def cancel(self, order_id: str) -> Found:
        """Cancel an order by either id and return it as it ended.

        Raises OrderNotFound and NotOpen. Never gated by risk or a halt.
        """
        found = await self.order(order_id)
        order = found.record if isinstance(found, Held) else found
        broker_id = order.id if isinstance(order, Order) else order.broker_id
        if order.status.terminal:
            raise NotOpen(f"order {order_id} is already {order.status.value}")
        if broker_id is None:
            raise OrderNotFound(order_id)
        if isinstance(order, Order):
            await self._broker.cancel(broker_id)
            return await self._reader.order(broker_id)
        ended = await self._canceled(order)
        status = order.status if ended is None else ended.status
        if status is OrderStatus.FILLED:
            raise NotOpen(f"order {order_id} is already filled")
        last = ended or order
        return last if isinstance(last, ShareRecord) else self.held(last)

    async def shares(self, which: Which, limit: int) -> tuple[ShareRecord | Order, ...]:
        """Return the broker's orders in stocks and coins, newest first."""
        found = await self.orders(which, ASKED)
        shares = (one for one in found if not isinstance(one, Held) and in_shares(one))
        return tuple(islice(shares, limit))

    async def cancel_share(self, order_id: str) -> ShareRecord | Order:
        """Cancel an order in a stock or a coin as cancel does; BadArgument for any other."""
        found = await self.order(order_id)
        if isinstance(found, Held) or not in_shares(found):
            raise BadArgument(
                f"order_id: {order_id} is an order in options", remedy="cancel_order takes it back"
            )
        ended = await self.cancel(order_id)
        return found if isinstance(ended, Held) else ended

    async def cancel_shares(self) -> tuple[ShareRecord | Order, ...]:
        """Cancel every open order in stocks and coins, whoever made it; return each as it ended.

        Never gated by risk or a halt. Raises the first failure once all have been asked.
        """
        asked = [
            one.broker_id if isinstance(one, ShareRecord) else one.id
            for one in await self.shares("open", ASKED)
        ]
        ended = await asyncio.gather(
            *(self._share_gone(order_id) for order_id in asked if order_id is not None),
            return_exceptions=True,
        )
        for reply in ended:
            if isinstance(reply, BaseException):
                raise reply
        return tuple(one for one in ended if one is not None and not isinstance(one, BaseException))

    async def _share_gone(self, order_id: OrderId) -> ShareRecord | Order | None:
        try:
            found = await self.cancel(order_id)
        except (NotOpen, OrderNotFound):  # it ended by itself, or with the entry it belongs to
            await self._tracker.look()
            found = await self.order(order_id)
        return None if isinstance(found, Held) else found

    async def _canceled(
        self, record: OrderRecord | ShareRecord
    ) -> OrderRecord | ShareRecord | None:
        if isinstance(record, OrderRecord):
            return await self._canceler.cancel(record.client_order_id, CANCEL_WAIT)
        if record.broker_id is not None:
            await self._broker.cancel(record.broker_id)
            await self._tracker.look()
        return await self._tracker.shares.settled(record.client_order_id, CANCEL_WAIT)

    async def cancel_option(self, order_id: str) -> Found:
        """Cancel an order in options as cancel does; raise BadArgument for any other order."""
        found = await self.order(order_id)
        foreign = isinstance(found, Order) and not is_option_order(found)
        if foreign or isinstance(found, ShareRecord):
            raise BadArgument(
                f"order_id: {order_id} is no option order", remedy="cancel_order takes any order"
            )
        return await self.cancel(order_id)

    def held(self, record: OrderRecord) -> Held:
        """Return one of our orders with its exit."""
        return Held(record=record, exit=self._store.exit_plan(record.client_order_id))

    def recent(
        self, limit: int, strategy: str | None, working: bool
    ) -> tuple[Held | ShareRecord, ...]:
        """Return our own orders, newest first, as they were last heard of."""
        ours: list[OrderRecord | ShareRecord] = [*self._store.recent(RECENT)]
        ours += self._store.shares.recent(RECENT)
        newest = sorted(ours, key=lambda record: record.created_at, reverse=True)
        found = (
            record
            for record in newest
            if strategy in (None, record.intent.strategy)
            and not (working and record.status.terminal)
        )
        return tuple(
            record if isinstance(record, ShareRecord) else self.held(record)
            for record in islice(found, limit)
        )

    def _record(self, root: ClientOrderId) -> OrderRecord | ShareRecord | None:
        return self._store.order(root) or self._store.shares.order(root)

    async def _held(self, order: Order) -> Found:
        record = self._record(root_of(order.client_order_id))
        if record is None:
            return order
        if isinstance(record, ShareRecord):
            if record.after(order) is not record:
                record = await self._tracker.shares.fold(record.client_order_id, order, None)
            return record
        if record.after(order) is not record:
            record = await self._tracker.note(record, order)
        return self.held(record)


def in_shares(order: ShareRecord | Order) -> bool:
    """Tell whether an order trades stocks or coins."""
    if isinstance(order, ShareRecord):
        return True
    try:
        return all(asset_class(leg.symbol) is not AssetClass.OPTION for leg in order.legs)
    except ValueError:
        return False
