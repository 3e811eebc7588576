"""A working order moved to another limit or size, once risk has approved what it becomes.

Ours keeps its name and its record. Somebody else's becomes ours: the order in its place is
written down, sent and guarded like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from common.contracts import OptionContract
from common.errors import (
    AuditUnwritable,
    BadArgument,
    BrokerRefused,
    BrokerUnavailable,
    Halted,
    NotOpen,
    OrderUncertain,
)
from common.exits import ExitTerms
from common.ids import OrderId
from common.money import Price
from common.orders import Approved, Leg, Order, OrderIntent, OrderStatus
from services.broker.gateway import Broker
from services.execution.book import Held, OrderBook
from services.execution.kill_switch import KillSwitch
from services.execution.records import OrderRecord, replacement_id
from services.execution.share_records import ShareRecord
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.trail import PreviewId, Trail
from services.ops.supervisor import Supervisor
from services.strategies.custom import CLOSING, OPENING
from services.strategies.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Working:
    """An option order as it stands at the broker."""

    id: OrderId
    legs: tuple[Leg, ...]
    qty: int
    limit: Price
    of: str
    guard: ExitTerms | None = None


class OrderReviser:
    """Says what an order would become, and moves ours there."""

    def __init__(
        self,
        book: OrderBook,
        store: DeskStore,
        broker: Broker,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        supervisor: Supervisor,
        trail: Trail,
    ) -> None:
        self._book = book
        self._store = store
        self._broker = broker
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._supervisor = supervisor
        self._trail = trail

    async def asked(self, order_id: str, qty: int | None, limit: Decimal | None) -> Revision:
        """Return an order at another limit or of another size, by either id.

        limit: of one leg its price, of several the net, a credit negative. Raises
        OrderNotFound, NotOpen, and BadArgument for what cannot be moved.
        """
        found = await self._book.order(order_id)
        if isinstance(found, ShareRecord):
            raise BadArgument(
                "an order in stocks or coins is not moved", remedy="cancel it and place another"
            )
        now = self._ours(found) if isinstance(found, Held) else _theirs(found)
        wanted = now.limit if limit is None else limit
        if limit is not None and len(now.legs) == 1:
            wanted = limit * now.legs[0].side.sign
        units = now.qty if qty is None else qty
        if (units, wanted) == (now.qty, now.limit):
            raise BadArgument("nothing would change", remedy="give another limit_price or qty")
        return Revision(
            order=now.id,
            of=now.of,
            standing=(now.qty, now.limit),
            guard=now.guard,
            legs=now.legs,
            qty=units,
            limit=wanted,
        )

    def own(self, order_id: OrderId) -> OrderRecord | None:
        """Return our record of an order, None for somebody else's."""
        return self._store.by_broker_id(order_id)

    async def revise(
        self, record: OrderRecord, approved: Approved[OrderIntent], preview: PreviewId
    ) -> OrderRecord:
        """Replace an order of ours; the caller's leaving does not lose it.

        Raises Halted, BrokerRefused, BrokerUnavailable (it stands as it was) and
        OrderUncertain: then the worse of both is kept reserved and it is looked up.
        """
        return await self._supervisor.shielded(self._revise(record, approved, preview))

    async def _revise(
        self, record: OrderRecord, approved: Approved[OrderIntent], preview: PreviewId
    ) -> OrderRecord:
        name, before, after = record.client_order_id, record.intent, approved.value
        if record.broker_id is None:
            raise NotOpen(f"order {name} is not at the broker")
        worse = replace(
            before, qty=max(before.qty, after.qty), limit=max(before.limit, after.limit)
        )
        await self._store.revise(name, worse)  # reserved until one of the two is gone
        try:
            plan = self._store.exit_plan(name)
            await self._trail.intent(replace(record, intent=after), preview, plan)
            order = await self._broker.replace(
                record.broker_id,
                approved,
                replacement_id(name, record.version + 1),
                lambda: self._kill_switch.require(after),
                after.limit,
                after.qty,
            )
        except (Halted, AuditUnwritable, BrokerRefused, BrokerUnavailable):
            await self._store.revise(name, before)
            self._tracker.look_soon()
            raise
        except OrderUncertain:
            self._tracker.look_soon()
            raise
        await self._store.revise(name, after)
        return await self._tracker.note(record, order)

    def _ours(self, held: Held) -> _Working:
        record = held.record
        _require_whole(record.client_order_id, record.status, record.filled_qty)
        if not record.rests:
            raise BadArgument(
                f"order_id: the desk itself moves {record.client_order_id}",
                remedy="cancel_order takes it back; it is given up by itself in seconds",
            )
        if record.broker_id is None:
            raise NotOpen(f"order {record.client_order_id} is not at the broker yet")
        return _Working(
            id=record.broker_id,
            legs=record.intent.legs,
            qty=record.intent.qty,
            limit=record.intent.limit,
            of=record.intent.strategy,
            guard=None if held.exit is None else held.exit.terms,
        )


def _theirs(order: Order) -> _Working:
    _require_whole(order.id, order.status, order.filled_qty)
    try:
        legs = tuple(
            Leg(contract=OptionContract.from_occ(leg.symbol), intent=leg.intent, ratio=leg.ratio)
            for leg in order.legs
            if leg.intent is not None
        )
    except ValueError:
        legs = ()
    if order.limit is None or len(legs) < len(order.legs):
        raise BadArgument(
            f"order_id: {order.id} is no limit order in options that tells what it opens",
            remedy="cancel it and place another",
        )
    opens = any(leg.intent.opens for leg in legs)
    return _Working(
        id=order.id,
        legs=legs,
        qty=int(order.qty),
        limit=order.limit,
        of=OPENING if opens else CLOSING,
    )


def _require_whole(name: str, status: OrderStatus, filled: Decimal | int) -> None:
    """Refuse what has ended, what is on its way, and what has filled in part."""
    if status.terminal:
        raise NotOpen(f"order {name} is already {status.value}")
    if status is not OrderStatus.ACCEPTED or filled:
        raise BadArgument(
            f"order_id: {name} is {status.value}, {filled} filled",
            remedy="cancel_order takes back what is left; then place another",
        )
