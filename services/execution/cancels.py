"""Taking one of our orders back, whichever replacement of it stands at the broker."""

from __future__ import annotations

import logging
from datetime import timedelta

from common.errors import NotOpen, OrderNotFound
from common.ids import ClientOrderId
from services.broker.gateway import Broker
from services.execution.records import OrderRecord
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker

log = logging.getLogger(__name__)

TRIES = 3  # an order may be replaced once more while its cancel is on its way


class Canceler:
    """Cancels, reads back, and cancels what took the order's place meanwhile."""

    def __init__(self, store: DeskStore, broker: Broker, tracker: OrderTracker) -> None:
        self._store = store
        self._broker = broker
        self._tracker = tracker
        self._asked: set[ClientOrderId] = set()

    def asked(self, client_order_id: ClientOrderId) -> bool:
        """Tell whether somebody wants an order gone: it is not to be moved any more."""
        return client_order_id in self._asked

    async def cancel(self, client_order_id: ClientOrderId, within: timedelta) -> OrderRecord | None:
        """Cancel an order and return its record once it has ended, or as it then stands.

        Raises BrokerUnavailable or BrokerRefused; calling again does no harm.
        """
        self._asked.add(client_order_id)
        record = self._store.order(client_order_id)
        for _ in range(TRIES):
            if record is None or record.status.terminal or record.broker_id is None:
                break
            asked = record.broker_id
            try:
                await self._broker.cancel(asked)
            except (NotOpen, OrderNotFound):
                log.info("order %s is no longer open as %s", client_order_id, asked)
            await self._tracker.look()
            record = await self._tracker.settled(client_order_id, within)
            if record is None or record.broker_id == asked:
                break
        if record is not None and record.status.terminal:
            self._asked.discard(client_order_id)
        return record
