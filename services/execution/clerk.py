"""Whom tools speak to: writes down every trade asked for, and has it agreed to.

On paper the preview's token is the agreement. Where a person is needed the token only asks
for one, and the same call tells how it stands until the person has answered. One for each
desk; what waits for a person waits in one place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar

from common.errors import PreviewNotFound, PriceMoved, TradingError
from common.ids import ClientOrderId, ConfirmToken, Principal
from common.shares import ShareIntent
from services.execution.approvals import Approval, Approvals, How, State
from services.execution.preview import Preview
from services.execution.previews import Binding
from services.execution.records import OrderRecord
from services.execution.share_preview import SharePreview
from services.execution.share_records import ShareRecord
from services.execution.trail import PreviewId, Trail, preview_id
from services.strategies.base import Strategy

PERSON = "person"  # who answered, where it was not a principal

Shown: TypeAlias = Preview | SharePreview
W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)
P = TypeVar("P", bound=Shown)
R = TypeVar("R", bound=OrderRecord | ShareRecord)
R_co = TypeVar("R_co", bound=OrderRecord | ShareRecord, covariant=True)


class Desk(Protocol[W_contra, P, R_co]):
    """What prices, checks and sends."""

    async def preview(self, wanted: W_contra, by: Principal, /) -> P:
        """Price what is wanted and hold it for one confirmation."""
        ...

    def shown(self, token: ConfirmToken, by: Principal) -> P | None:
        """Return the preview that a token would confirm, None when it would not."""
        ...

    def claim(self, token: ConfirmToken, binding: Binding) -> P:
        """Take a preview out to be dealt."""
        ...

    async def deal(self, preview: P, by: Principal) -> R_co:
        """Send what was previewed."""
        ...

    def binding(self, wanted: W_contra, by: Principal, /) -> Binding:
        """Return what a token of this call is good for."""
        ...

    def binding_of(self, preview: P, by: Principal) -> Binding:
        """Return what the token of a preview is good for."""
        ...

    def order(self, client_order_id: ClientOrderId) -> R_co:
        """Return an order as it stands now."""
        ...


class TradeClerk(Generic[W, P, R]):
    """Preview, then agreement, then the deal. needs_person: a token alone sends nothing."""

    def __init__(
        self,
        desk: Desk[W, P, R],
        approvals: Approvals[Shown],
        trail: Trail,
        *,
        needs_person: bool,
    ) -> None:
        self._desk = desk
        self._approvals = approvals
        self._trail = trail
        self.needs_person = needs_person

    async def preview(self, wanted: W, by: Principal) -> P:
        """Price what is wanted now and hold it for one confirmation; see the desk's preview."""
        async with self._refusals("preview", wanted, by):
            preview = await self._desk.preview(wanted, by)
            await self._written(preview, by)
            return preview

    async def confirm(
        self, wanted: W, token: ConfirmToken, by: Principal, answer: bool | None = None
    ) -> R | Approval[Shown]:
        """Send what was previewed, or tell that it waits for a person.

        answer: what the user said when the host asked, None where it did not. Raises what
        TradingDesk.claim and deal raise, ApprovalDenied after a no, and ApprovalNotFound
        once nobody has answered in time.
        """
        binding = self._desk.binding(wanted, by)
        if not self.needs_person:
            async with self._refusals("confirm", wanted, by):
                preview = self._desk.claim(token, binding)
                await self._trail.approval(preview_id(token), by, How.TOKEN, approved=True)
            return await self._deal(preview, by)
        async with self._refusals("confirm", wanted, by):
            approval = self._asked(token, binding, by)
        if answer is not None and approval.state is State.WAITING:
            await self._approvals.decide(
                approval.id, approved=answer, who=f"user of {by}", how=How.ELICITATION
            )
        outcome = approval.outcome()
        if isinstance(outcome, Approval):
            return outcome
        return self._desk.order(outcome.client_order_id)

    def shown(self, token: ConfirmToken, by: Principal) -> P:
        """Return the preview a token would confirm, and leave it waiting.

        Raises PreviewNotFound.
        """
        preview = self._desk.shown(token, by)
        if preview is None:
            raise PreviewNotFound("no preview waits for this token")
        return preview

    def question(self, token: ConfirmToken, by: Principal) -> Approval[Shown] | None:
        """Have a preview wait for a person, and return it while the host may ask its user.

        None where the token is enough, is not good, or somebody has answered already.
        """
        if not self.needs_person:
            return None
        approval = self._approvals.find(preview_id(token), by)
        if approval is None:
            preview = self._desk.shown(token, by)
            if preview is None:
                return None
            approval = self._asked(token, self._desk.binding_of(preview, by), by)
        return approval if approval.state is State.WAITING else None

    def waiting(self) -> tuple[Approval[Shown], ...]:
        """Return what a person can answer now, oldest first."""
        return self._approvals.waiting()

    async def decide(self, name: PreviewId, *, approved: bool, how: How) -> Approval[Shown]:
        """Take the answer of a person at the page or at a terminal."""
        return await self._approvals.decide(name, approved=approved, who=PERSON, how=how)

    async def watch(self) -> None:
        """Write down what nobody answered in time, for ever."""
        await self._approvals.watch()

    def _asked(self, token: ConfirmToken, binding: Binding, by: Principal) -> Approval[Shown]:
        name = preview_id(token)
        approval = self._approvals.matching(name, binding)
        if approval is not None:
            return approval
        preview = self._desk.claim(token, binding)
        return self._approvals.ask(name, preview, binding, partial(self._deal, preview, by))

    async def _deal(self, preview: P, by: Principal) -> R:
        async with self._refusals("send", preview.wanted, by):
            try:
                return await self._desk.deal(preview, by)
            except PriceMoved as moved:
                if isinstance(moved.preview, Preview | SharePreview):
                    await self._written(moved.preview, by)
                raise

    async def _written(self, preview: Shown, by: Principal) -> None:
        await self._trail.preview(
            preview_id(preview.token), by, preview.wanted, preview.intent, **preview.facts
        )

    @asynccontextmanager
    async def _refusals(self, stage: str, wanted: object, by: Principal) -> AsyncIterator[None]:
        try:
            yield
        except TradingError as e:
            await self._trail.refusal(stage, by, wanted, e)
            raise


OptionClerk: TypeAlias = TradeClerk[Strategy, Preview, OrderRecord]
ShareClerk: TypeAlias = TradeClerk[ShareIntent, SharePreview, ShareRecord]
