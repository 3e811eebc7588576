"""Whom tools speak to: writes down every trade asked for, and has it agreed to.

On paper the preview's token is the agreement. Where a person is needed the token only asks
for one, and the same call tells how it stands until the person has answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from common.errors import PreviewNotFound, PriceMoved, TradingError
from common.ids import ConfirmToken, Principal
from common.limits import Limit
from services.execution.approvals import Approval, Approvals, How, State
from services.execution.desk import TradingDesk
from services.execution.preview import Preview
from services.execution.records import OrderRecord
from services.execution.store import DeskStore
from services.execution.trail import PreviewId, Trail, preview_id
from services.strategies.base import Strategy

PERSON = "person"  # who answered, where it was not a principal


class TradeClerk:
    """Preview, then agreement, then the deal. needs_person: a token alone sends nothing."""

    def __init__(
        self,
        desk: TradingDesk,
        approvals: Approvals[Preview],
        store: DeskStore,
        trail: Trail,
        *,
        needs_person: bool,
    ) -> None:
        self._desk = desk
        self._approvals = approvals
        self._store = store
        self._trail = trail
        self.needs_person = needs_person

    async def preview(self, strategy: Strategy, by: Principal) -> Preview:
        """Price a strategy now and hold it for one confirmation; see TradingDesk.preview."""
        async with self._refusals("preview", strategy, by):
            preview = await self._desk.preview(strategy, by)
            await self._written(preview, by)
            return preview

    async def confirm(
        self, strategy: Strategy, token: ConfirmToken, by: Principal, answer: bool | None = None
    ) -> OrderRecord | Approval[Preview]:
        """Send what was previewed, or tell that it waits for a person.

        answer: what the user said when the host asked, None where it did not. Raises what
        TradingDesk.claim and deal raise, ApprovalDenied after a no, and ApprovalNotFound
        once nobody has answered in time.
        """
        if not self.needs_person:
            async with self._refusals("confirm", strategy, by):
                preview = self._desk.claim(strategy, token, by)
                await self._trail.approval(preview_id(token), by, How.TOKEN, approved=True)
            return await self._deal(preview, by)
        async with self._refusals("confirm", strategy, by):
            approval = self._asked(strategy, token, by)
        if answer is not None and approval.state is State.WAITING:
            await self._approvals.decide(
                approval.id, approved=answer, who=f"user of {by}", how=How.ELICITATION
            )
        outcome = approval.outcome()
        if isinstance(outcome, Approval):
            return outcome
        return self._store.order(outcome.client_order_id) or outcome

    def shown(self, token: ConfirmToken, by: Principal) -> Preview:
        """Return the preview a token would confirm, and leave it waiting.

        Raises PreviewNotFound.
        """
        preview = self._desk.shown(token, by)
        if preview is None:
            raise PreviewNotFound("no preview waits for this token")
        return preview

    def question(self, token: ConfirmToken, by: Principal) -> Approval[Preview] | None:
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
            approval = self._asked(preview.strategy, token, by)
        return approval if approval.state is State.WAITING else None

    def waiting(self) -> tuple[Approval[Preview], ...]:
        """Return what a person can answer now, oldest first."""
        return self._approvals.waiting()

    async def decide(self, name: PreviewId, *, approved: bool, how: How) -> Approval[Preview]:
        """Take the answer of a person at the page or at a terminal."""
        return await self._approvals.decide(name, approved=approved, who=PERSON, how=how)

    async def watch(self) -> None:
        """Write down what nobody answered in time, for ever."""
        await self._approvals.watch()

    async def check(self, strategy: Strategy | None) -> tuple[Limit, ...]:
        """Return every limit with its use and room, as after a strategy's order if given."""
        return await self._desk.check(strategy)

    def _asked(self, strategy: Strategy, token: ConfirmToken, by: Principal) -> Approval[Preview]:
        name, binding = preview_id(token), self._desk.binding(strategy, by)
        approval = self._approvals.matching(name, binding)
        if approval is not None:
            return approval
        preview = self._desk.claim(strategy, token, by)
        return self._approvals.ask(name, preview, binding, partial(self._deal, preview, by))

    async def _deal(self, preview: Preview, by: Principal) -> OrderRecord:
        async with self._refusals("send", preview.strategy, by):
            try:
                return await self._desk.deal(preview, by)
            except PriceMoved as moved:
                if isinstance(moved.preview, Preview):
                    await self._written(moved.preview, by)
                raise

    async def _written(self, preview: Preview, by: Principal) -> None:
        found = preview.analysis
        await self._trail.preview(
            preview_id(preview.token),
            by,
            preview.strategy,
            preview.intent,
            natural=preview.natural,
            mid=found.mid,
            max_loss=found.max_loss,
            max_profit=found.max_profit,
            spot=found.spot,
            feed=preview.feed,
            flat_by=preview.flat_by,
        )

    @asynccontextmanager
    async def _refusals(self, stage: str, strategy: Strategy, by: Principal) -> AsyncIterator[None]:
        try:
            yield
        except TradingError as e:
            await self._trail.refusal(stage, by, strategy, e)
            raise
