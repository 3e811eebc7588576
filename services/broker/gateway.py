"""The port through which orders leave. Only what risk has approved fits through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from common.ids import ClientOrderId, OrderId
from common.money import Price
from common.orders import Approved, Order, OrderIntent
from common.shares import ShareIntent


class Broker(Protocol):
    """Sends. Each method either has a clear outcome or says that it has none."""

    async def submit(
        self,
        approved: Approved[OrderIntent],
        client_order_id: ClientOrderId,
        before_send: Callable[[], None],
        limit: Price | None = None,
    ) -> Order:
        """Send one order, once, and return it as the broker took it.

        limit: where it is to stand, never worse than what was approved, which is the
        default; ValueError otherwise.

        before_send is called in the sending thread with the connection open, right
        before the first byte; whatever it raises (Halted) stops the order and reaches
        the caller.

        Raises:
            BrokerRefused: A clear no; nothing is open.
            OrderUncertain: Bytes left and no clear answer came. Look it up by its
                client_order_id; never send it again.
            BrokerUnavailable: Not one byte was sent, and none will be.
        """
        ...

    async def submit_share(
        self,
        approved: Approved[ShareIntent],
        client_order_id: ClientOrderId,
        before_send: Callable[[], None],
    ) -> Order:
        """Send one order in a stock or a coin, once; before_send and failures as in submit."""
        ...

    async def replace(
        self,
        order_id: OrderId,
        approved: Approved[OrderIntent],
        client_order_id: ClientOrderId,
        before_send: Callable[[], None],
        limit: Price,
        qty: int | None = None,
    ) -> Order:
        """Move a working order to another limit; return the order that takes its place.

        client_order_id is the new order's. limit and before_send are as in submit. qty: where
        the size changes too, what was approved.

        Raises:
            BrokerRefused: A clear no; if the order still works, it does so as it was.
            OrderUncertain: Look the new order up by its client_order_id; the old one may
                still stand.
            BrokerUnavailable: Not one byte was sent, and none will be.
        """
        ...

    async def cancel(self, order_id: OrderId) -> None:
        """Ask for an order to be canceled; its end is told by the updates.

        Raises:
            OrderNotFound: The broker knows no such order.
            NotOpen: It has already ended.
            BrokerRefused: Another clear no.
            BrokerUnavailable: No clear answer; calling again does no harm.
        """
        ...

    async def cancel_all(self) -> frozenset[OrderId]:
        """Ask for every open order of the account to be canceled, in one request.

        Returns those whose cancel the broker took; their end is told by the updates. Goes ahead
        of every other request.

        Raises:
            BrokerRefused: A clear no.
            BrokerUnavailable: No clear answer; calling again does no harm.
        """
        ...

    async def suspend(self, suspended: bool) -> None:
        """Have the broker refuse every new order of the account, closing ones too, or no more.

        Raises:
            BrokerRefused: A clear no.
            BrokerUnavailable: No clear answer; calling again does no harm.
        """
        ...
