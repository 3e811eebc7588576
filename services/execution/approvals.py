"""Orders that wait for a person: what was previewed, by whom it is wanted, what became of it.

A token is something a model holds; agreeing here is something only a person can do: through
the host's own question, on the approval page, or at a terminal. Whoever answers first has
answered. What was agreed to is priced and checked again before it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from common.clock import Stopwatch, WallClock
from common.errors import ApprovalDenied, ApprovalNotFound, PreviewMismatch, TradingError
from common.ids import Principal
from services.execution.previews import Binding
from services.execution.records import OrderRecord
from services.execution.share_records import ShareRecord
from services.execution.trail import PreviewId, Trail
from services.ops.supervisor import Supervisor

KEPT_MAX = 200  # orders remembered, waiting or answered; the oldest make room
SWEEP_EVERY = timedelta(seconds=1)  # wall time

P = TypeVar("P")
Sent: TypeAlias = OrderRecord | ShareRecord
Send = Callable[[], Coroutine[Any, Any, Sent]]


class How(StrEnum):
    """The way in which somebody agreed."""

    TOKEN = "token"  # noqa: S105 the preview's, which a model holds
    ELICITATION = "elicitation"  # the host asked its user
    PAGE = "page"
    TERMINAL = "terminal"


class State(StrEnum):
    """How far an order has come that needs a person."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"  # agreed to, but not sent: the reason is kept
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(slots=True, kw_only=True)
class Approval(Generic[P]):
    """One order and the person's answer to it, so far."""

    id: PreviewId
    preview: P
    binding: Binding
    send: Send = field(repr=False)
    asked: Stopwatch
    life: timedelta
    state: State = State.WAITING
    how: How | None = None
    record: Sent | None = None
    refusal: TradingError | None = None
    written: bool = False  # that nobody answered

    @property
    def left(self) -> timedelta:
        """How long it still waits."""
        return max(self.life - self.asked.elapsed(), timedelta(0))

    def outcome(self) -> Sent | Approval[P]:
        """Return the order that was sent, or this while nobody has answered; else raise why."""
        if self.refusal is not None:
            raise self.refusal
        if self.state is State.REFUSED:  # by a bug: its cause is in the log
            raise ApprovalNotFound("the order was agreed to, but its send failed")
        return self.record if self.record is not None else self


class Approvals(Generic[P]):
    """Holds what waits; in memory on purpose: a restart forgets it, and nothing is sent."""

    def __init__(
        self, wall: WallClock, life: timedelta, supervisor: Supervisor, trail: Trail
    ) -> None:
        self._wall = wall
        self._life = life
        self._supervisor = supervisor
        self._trail = trail
        self._kept: dict[PreviewId, Approval[P]] = {}

    def ask(self, name: PreviewId, preview: P, binding: Binding, send: Send) -> Approval[P]:
        """Have a preview wait for a person; send is called once, when one agrees."""
        for oldest in list(self._kept)[: max(len(self._kept) - KEPT_MAX + 1, 0)]:
            del self._kept[oldest]
        approval = Approval(
            id=name,
            preview=preview,
            binding=binding,
            send=send,
            asked=Stopwatch(self._wall),
            life=self._life,
        )
        self._kept[name] = approval
        return approval

    def find(self, name: PreviewId, principal: Principal) -> Approval[P] | None:
        """Return what a principal asked for; None for what is unknown or another's."""
        approval = self._current(name)
        if approval is None or approval.binding.principal != principal:
            return None
        return approval

    def matching(self, name: PreviewId, binding: Binding) -> Approval[P] | None:
        """Return what a call asks for again; raise PreviewMismatch when it asks for another."""
        approval = self.find(name, binding.principal)
        if approval is not None and approval.binding != binding:
            raise PreviewMismatch(
                f"{approval.binding.strategy} waits for a person, the call asks for "
                f"{binding.strategy}"
            )
        return approval

    def waiting(self) -> tuple[Approval[P], ...]:
        """Return what a person can still answer, oldest first."""
        found = (self._current(name) for name in list(self._kept))
        return tuple(one for one in found if one is not None and one.state is State.WAITING)

    async def decide(self, name: PreviewId, *, approved: bool, who: str, how: How) -> Approval[P]:
        """Take a person's answer; on yes the order is priced again, checked and sent.

        Goes on if the caller leaves meanwhile. Raises ApprovalNotFound when nothing waits
        under that name, also when somebody has answered before. A refusal of the send is
        kept in what is returned.
        """
        approval = self._current(name)
        if approval is None or approval.state is not State.WAITING:
            state = "unknown" if approval is None else f"already {approval.state.value}"
            raise ApprovalNotFound(f"the order {name:.16} is {state}")
        approval.state, approval.how = State.SENDING if approved else State.DENIED, how
        await self._supervisor.shielded(self._act(approval, who, how, approved=approved))
        return approval

    async def watch(self) -> None:
        """Write down what nobody answered in time, for ever."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_EVERY.total_seconds())

    async def sweep(self) -> None:
        """Write down, once each, what nobody has answered in time."""
        for approval in list(self._kept.values()):
            self._current(approval.id)
            if approval.state is State.EXPIRED and not approval.written:
                approval.written = True
                await self._trail.unanswered(approval.id, self._life)

    async def _act(self, approval: Approval[P], who: str, how: How, *, approved: bool) -> None:
        try:
            await self._trail.approval(approval.id, who, how, approved=approved)
            if not approved:
                raise ApprovalDenied(f"a person said no ({how.value})")
            approval.record = await approval.send()
            approval.state = State.SENT
        except TradingError as e:
            approval.refusal = e
        finally:
            if approval.state is State.SENDING:
                approval.state = State.REFUSED

    def _current(self, name: PreviewId) -> Approval[P] | None:
        approval = self._kept.get(name)
        if approval is not None and approval.state is State.WAITING and not approval.left:
            approval.state = State.EXPIRED
            waited = self._life.total_seconds()
            approval.refusal = ApprovalNotFound(f"nobody answered within {waited:g} s")
        return approval
