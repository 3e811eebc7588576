"""What becomes of the record of an order when its one send ends, however it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from common.errors import AuditUnwritable, BrokerRefused, BrokerUnavailable, Halted, OrderUncertain
from common.ids import ClientOrderId
from common.orders import Order, OrderStatus
from services.ops.metrics import Metrics


class Marks(Protocol):
    """What moves the record of an order."""

    async def mark(
        self, client_order_id: ClientOrderId, status: OrderStatus, *, reason: str
    ) -> object:
        """Move an order to a status that we know better than the broker."""
        ...


async def sent_once(
    client_order_id: ClientOrderId,
    send: Callable[[], Awaitable[Order]],
    marks: Marks,
    metrics: Metrics,
) -> Order:
    """Send an order that is written down, and mark it where no clear yes comes back.

    A clear no, or nothing sent, ends it; anything else leaves it unknown, keeps its
    reservation and has it looked up. Raises what send raises.
    """
    try:
        order = await send()
    except (Halted, AuditUnwritable, BrokerRefused, BrokerUnavailable) as e:
        await marks.mark(client_order_id, OrderStatus.REJECTED, reason=str(e))
        metrics.orders.labels(e.code).inc()
        raise
    except OrderUncertain as e:
        await marks.mark(client_order_id, OrderStatus.UNKNOWN, reason=str(e))
        metrics.orders.labels(e.code).inc()
        raise
    except BaseException:
        # A bug or a cancellation between the write and the answer: it may have gone.
        reason = "the send ended without an answer"
        await marks.mark(client_order_id, OrderStatus.UNKNOWN, reason=reason)
        raise
    metrics.orders.labels("accepted").inc()
    return order
