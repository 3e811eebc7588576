"""The one way an order leaves: written down first, sent once, never lost from sight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from common.clock import Clock
from common.ids import ClientOrderId, Ids, OrderId, Principal
from common.limits import Halt
from common.money import Price
from common.orders import Approved, Order, OrderIntent, OrderStatus
from services.broker.gateway import Broker
from services.execution.broker_lock import BrokerLock
from services.execution.kill_switch import KillSwitch
from services.execution.outcomes import sent_once
from services.execution.records import ExitPlan, OrderRecord
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.trail import PreviewId, Trail
from services.ops.metrics import Metrics
from services.ops.supervisor import Supervisor
from services.ops.tracing import span

CLIENT_ORDER_ID_PREFIX = "spy0-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What goes with an order besides the order: who, when, the mid, what it undoes.

    start: the limit it is sent at, None for its own; rests: it may stay there unfilled.
    replaces: somebody else's working order whose place it takes.
    """

    principal: Principal
    day: date
    mid: Price | None
    exit_plan: ExitPlan | None = None
    parent: ClientOrderId | None = None
    start: Price | None = None
    rests: bool = True
    preview: PreviewId | None = None  # what was agreed to; None for what closes
    replaces: OrderId | None = None


class OrderSender:
    """Writes the intent, re-reads the kill switch at the socket, and folds the answer."""

    def __init__(
        self,
        store: DeskStore,
        broker: Broker,
        tracker: OrderTracker,
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
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._supervisor = supervisor
        self._ids = ids
        self._clock = clock
        self._metrics = metrics
        self._trail = trail
        self._lock = lock

    def new_client_order_id(self) -> ClientOrderId:
        """Mint the id an order will carry, before anything is written or sent."""
        return ClientOrderId(CLIENT_ORDER_ID_PREFIX + self._ids.uuid())

    async def send(
        self, approved: Approved[OrderIntent], client_order_id: ClientOrderId, ticket: Ticket
    ) -> OrderRecord:
        """Send an approved order; the caller's own cancellation cannot lose it.

        Raises Halted (nothing sent), BrokerRefused, BrokerUnavailable (nothing sent) and
        OrderUncertain: then the record is unknown, keeps its reservation and is looked up.
        """
        with span("submit", client_order_id):
            return await self._supervisor.shielded(self._send(approved, client_order_id, ticket))

    async def _send(
        self, approved: Approved[OrderIntent], client_order_id: ClientOrderId, ticket: Ticket
    ) -> OrderRecord:
        intent = approved.value
        if not intent.opens:
            await self._lock.lift()
        record = await self._written(intent, client_order_id, ticket)

        async def sent() -> Order:
            await self._trail.intent(record, ticket.preview, ticket.exit_plan)
            with self._metrics.order_submit.time():
                return await self._submitted(approved, client_order_id, ticket)

        order = await sent_once(client_order_id, sent, self._tracker, self._metrics)
        return await self._tracker.note(record, order)

    async def _submitted(
        self, approved: Approved[OrderIntent], client_order_id: ClientOrderId, ticket: Ticket
    ) -> Order:
        intent = approved.value

        def gate() -> None:
            self._kill_switch.require(intent)

        if ticket.replaces is None:
            return await self._broker.submit(approved, client_order_id, gate, ticket.start)
        return await self._broker.replace(
            ticket.replaces, approved, client_order_id, gate, intent.limit, intent.qty
        )

    async def _written(
        self, intent: OrderIntent, client_order_id: ClientOrderId, ticket: Ticket
    ) -> OrderRecord:
        """Write the intent and its exit down; raise Halted where it may not go."""
        now = self._clock.now()
        record = OrderRecord(
            client_order_id=client_order_id,
            parent=ticket.parent,
            intent=intent,
            principal=ticket.principal,
            day=ticket.day,
            mid=ticket.mid,
            rests=ticket.rests,
            status=OrderStatus.SUBMITTING,
            created_at=now,
            updated_at=now,
        )
        halt_ok = Halt.ACTIVE if intent.opens else Halt.HALTED
        await self._store.record(record, ticket.exit_plan, halt_ok)
        return record
