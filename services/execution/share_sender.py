"""The one way an order in a stock or a coin leaves: written down first, sent once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from common.clock import Clock
from common.ids import ClientOrderId, Ids, Principal
from common.limits import Halt
from common.money import Price, Qty
from common.orders import Approved, Order, OrderStatus
from common.shares import ShareIntent
from services.broker.gateway import Broker
from services.execution.broker_lock import BrokerLock
from services.execution.follower import Follower
from services.execution.kill_switch import KillSwitch
from services.execution.outcomes import sent_once
from services.execution.sender import CLIENT_ORDER_ID_PREFIX
from services.execution.share_records import ShareRecord
from services.execution.share_store import ShareStore
from services.execution.trail import PreviewId, Trail
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTicket:
    """What goes with an order besides the order: who, when, at what market, what was held.

    held: of the symbol, signed; basis: what it had cost a unit, where the order closes.
    """

    principal: Principal
    day: date
    reference: Price
    mid: Price | None
    held: Qty
    basis: Price | None = None
    preview: PreviewId | None = None


class ShareSender:
    """Writes the intent, re-reads the kill switch at the socket, and folds the answer."""

    def __init__(
        self,
        store: ShareStore,
        broker: Broker,
        follower: Follower[ShareRecord],
        kill_switch: KillSwitch,
        supervisor: Supervisor,
        ids: Ids,
        clock: Clock,
        metrics: Metrics,
        trail: Trail,
        lock: BrokerLock,
    ) -> None:
        self._store = store
        self._broker = broker
        self._follower = follower
        self._kill_switch = kill_switch
        self._supervisor = supervisor
        self._ids = ids
        self._clock = clock
        self._metrics = metrics
        self._trail = trail
        self._lock = lock

    async def send(self, approved: Approved[ShareIntent], ticket: ShareTicket) -> ShareRecord:
        """Send an approved order; the caller's own cancellation cannot lose it.

        Raises as OrderSender.send does, and BadArgument for a name that was used before.
        """
        return await self._supervisor.shielded(self._send(approved, ticket))

    async def _send(self, approved: Approved[ShareIntent], ticket: ShareTicket) -> ShareRecord:
        intent = approved.value
        if not intent.opens:
            await self._lock.lift()
        record = await self._written(intent, ticket)
        name = record.client_order_id

        async def sent() -> Order:
            await self._trail.intent(record, ticket.preview, None)
            with self._metrics.order_submit.time():
                return await self._broker.submit_share(
                    approved, name, lambda: self._kill_switch.require(intent)
                )

        order = await sent_once(name, sent, self._follower, self._metrics)
        return await self._follower.fold(name, order, None)

    async def _written(self, intent: ShareIntent, ticket: ShareTicket) -> ShareRecord:
        """Write the intent down; raise Halted where it may not go."""
        now = self._clock.now()
        alone = all(other.intent.symbol != intent.symbol for other in self._store.working())
        name = intent.client_order_id or CLIENT_ORDER_ID_PREFIX + self._ids.uuid()
        record = ShareRecord(
            client_order_id=ClientOrderId(name),
            intent=intent,
            principal=ticket.principal,
            day=ticket.day,
            reference=ticket.reference,
            mid=ticket.mid,
            status=OrderStatus.SUBMITTING,
            created_at=now,
            updated_at=now,
            held=ticket.held if alone else None,
            basis=ticket.basis,
        )
        await self._store.record(record, Halt.ACTIVE if intent.opens else Halt.HALTED)
        return record
