"""What the desk tells the audit log: each event of a trade as the facts a reader needs.

What somebody waits to hear (a fill, an exit, a halt) goes to the event hub too, once written.

A preview is known by an id that its token gives and that does not give the token away, so
an order can be followed back to the one preview and the one approval behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import NewType

from common.clock import Clock
from common.errors import TradingError
from common.exits import ExitTrigger
from common.ids import ConfirmToken, Principal
from common.limits import Halt
from common.orders import Fill, Leg, OrderIntent
from common.shares import ShareIntent
from services.execution.latches import Latch
from services.execution.records import ExitPlan, OrderRecord, Tracked
from services.execution.share_records import ShareRecord
from services.execution.telling import exit_told, fill_told, halt_told, order_told
from services.ops.audit import AuditLog
from services.ops.events import EventHub, Kind
from services.ops.tracing import OrderTraces

PreviewId = NewType("PreviewId", str)

DESK = "desk"  # who, where nobody asked


def preview_id(token: ConfirmToken) -> PreviewId:
    """Return the public name of the preview that a token confirms."""
    return PreviewId(hashlib.sha256(token.encode()).hexdigest()[:16])


class Trail:
    """Writes trades into the audit log. What must come first is awaited and may fail."""

    def __init__(self, audit: AuditLog, clock: Clock, events: EventHub) -> None:
        self._audit = audit
        self._clock = clock
        self._events = events
        self._traces = OrderTraces()

    async def preview(
        self,
        preview: PreviewId,
        by: Principal,
        wanted: object,
        intent: OrderIntent | ShareIntent,
        **facts: object,
    ) -> None:
        """A trade was priced and shown. Raises AuditUnwritable."""
        await self._audit.append(
            "preview",
            by,
            preview=preview,
            wanted=str(wanted),
            **_intent(intent),
            **facts,
            market_at=self._clock.now(),
        )

    async def refusal(self, stage: str, by: Principal, wanted: object, error: TradingError) -> None:
        """A trade was refused, at its preview or at its confirmation."""
        await self._audit.note(
            "refusal",
            by,
            stage=stage,
            wanted=str(wanted),
            code=error.code,
            message=str(error),
            market_at=self._clock.now(),
        )

    async def approval(self, preview: PreviewId, who: str, how: str, *, approved: bool) -> None:
        """Somebody agreed to a preview, or did not. Raises AuditUnwritable."""
        await self._audit.append(
            "approval",
            who,
            preview=preview,
            how=how,
            approved=approved,
            market_at=self._clock.now(),
        )

    async def instruction(
        self, stage: str, preview: PreviewId, by: Principal, wanted: object
    ) -> None:
        """Something other than an option order is shown or about to leave.

        Raises AuditUnwritable: it must not be done, then.
        """
        await self._audit.append(
            "instruction",
            by,
            stage=stage,
            preview=preview,
            wanted=str(wanted),
            market_at=self._clock.now(),
        )

    async def unanswered(self, preview: PreviewId, life: timedelta) -> None:
        """Nobody agreed to a preview in its time: nothing was sent, nothing will be."""
        await self._audit.note(
            "approval",
            DESK,
            preview=preview,
            how="nobody",
            approved=False,
            waited_seconds=life.total_seconds(),
            market_at=self._clock.now(),
        )

    async def intent(
        self, record: OrderRecord | ShareRecord, preview: PreviewId | None, plan: ExitPlan | None
    ) -> None:
        """An order is about to leave. Raises AuditUnwritable where it opens: it must not, then.

        What closes goes all the same, and the record is owed.
        """
        self._traces.sent(record.client_order_id)
        write = self._audit.append if record.intent.opens else self._audit.note
        await write(
            "intent",
            record.principal,
            preview=preview,
            client_order_id=record.client_order_id,
            parent=record.parent,
            **_intent(record.intent),
            mid=record.mid,
            day=record.day,
            exits=None if plan is None else _exits(plan),
            market_at=record.created_at,
        )

    async def order_event(self, record: Tracked) -> None:
        """An order of ours changed its state."""
        await self._audit.note(
            "order_event",
            DESK,
            client_order_id=record.client_order_id,
            status=record.status,
            broker_id=record.broker_id,
            broker_status=record.broker_status,
            working_limit=record.working,
            filled_qty=record.filled_qty,
            filled_average=record.filled_avg_price,
            reason=record.reason,
            market_at=record.updated_at,
        )
        if (told := order_told(record)) is not None:
            self._events.publish(Kind.ORDER, told)

    async def fill(self, record: Tracked, fill: Fill | None) -> None:
        """An order of ours filled, in part or whole; without a fill it was read afterwards."""
        await self._audit.note(
            "fill",
            DESK,
            client_order_id=record.client_order_id,
            execution_id=None if fill is None else fill.execution_id,
            qty=None if fill is None else fill.qty,
            price=None if fill is None else fill.price,
            filled_qty=record.filled_qty,
            filled_average=record.filled_avg_price,
            market_at=record.updated_at if fill is None else fill.at,
        )
        self._traces.filled(record.client_order_id, record.status.value)
        self._events.publish(Kind.FILL, fill_told(record, fill))

    async def exit(self, plan: ExitPlan) -> None:
        """A protective exit was armed, fired, changed or done with."""
        await self._audit.note(
            "exit",
            DESK,
            client_order_id=plan.client_order_id,
            **_exits(plan),
            note=plan.note,
            market_at=self._clock.now(),
        )
        if (told := exit_told(plan)) is not None:
            self._events.publish(Kind.EXIT, told)

    async def halt(self, halt: Halt, causes: Sequence[Latch]) -> None:
        """Trading was halted, reduced or released; with the causes that stand now."""
        await self._audit.note(
            "halt",
            causes[-1].who if causes else DESK,  # the sentinel comes first and knows nobody
            halt=halt,
            causes=[
                {
                    "cause": one.cause,
                    "halt": one.halt,
                    "who": one.who,
                    "reason": one.reason,
                    "since": one.at,
                }
                for one in causes
            ],
            market_at=self._clock.now(),
        )
        self._events.publish(Kind.HALT, halt_told(halt, causes))


def _intent(intent: OrderIntent | ShareIntent) -> dict[str, object]:
    if isinstance(intent, ShareIntent):
        told = {name: value for name, value in intent.facts.items() if name != "client_order_id"}
        return {"strategy": intent.strategy, **told}
    return {
        "strategy": intent.strategy,
        "legs": _legs(intent.legs),
        "qty": intent.qty,
        "limit": intent.limit,
    }


def _legs(legs: Sequence[Leg]) -> list[list[object]]:
    return [[leg.contract.symbol, leg.intent.value, leg.ratio] for leg in legs]


def _exits(plan: ExitPlan) -> dict[str, object]:
    terms = plan.terms
    return {
        "state": plan.state,
        "cause": plan.cause,
        "side": plan.side,
        "flat_by": plan.flat_by,
        "stop": _text(terms.stop),
        "target": _text(terms.target),
        "trail": _text(terms.trail),
        "per_side": terms.per_side,
    }


def _text(trigger: ExitTrigger | None) -> str | None:
    return None if trigger is None else str(trigger)
