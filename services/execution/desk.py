"""The trading desk: preview, then confirm. Every opening order of the product goes here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.config import Mode
from common.errors import OrderNotFound, PriceMoved, TradingError
from common.exits import ExitTerms
from common.ids import ClientOrderId, ConfirmToken, Principal
from common.limits import Limit
from common.money import Price
from common.orders import Approved, OrderIntent
from common.quotes import MarketView
from services.execution.entries import Entries
from services.execution.exit_prices import Entry, lines, require_sense
from services.execution.exits import flat_by
from services.execution.holdings import Holdings
from services.execution.kill_switch import KillSwitch
from services.execution.preview import Preview
from services.execution.previews import Binding, PreviewStore, refusals_counted
from services.execution.pricing import Pricing
from services.execution.records import ExitPlan, OrderRecord
from services.execution.revisions import OrderReviser
from services.execution.sender import OrderSender, Ticket
from services.execution.sight import Seen, Sight
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.trail import preview_id
from services.ops.metrics import Metrics
from services.ops.tracing import span
from services.risk.analysis import analyse, mid_of
from services.risk.manager import Passed, RiskManager
from services.strategies.base import Proposal, Strategy, natural_limit

FILL_WAIT = timedelta(milliseconds=150)  # a marketable order is usually filled by then


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTerms:
    """How the desk deals: whose money, how far a price may run, when positions go."""

    mode: Mode
    account: str
    pricing: Pricing
    exit_before_close: timedelta


class TradingDesk:
    """Prices, checks, and sends; one order at a time, each checked against the one before.

    lane: held while an order is checked and sent, by whoever else sends too.
    """

    def __init__(
        self,
        terms: DeskTerms,
        *,
        sight: Sight,
        risk: RiskManager,
        previews: PreviewStore[Preview],
        holdings: Holdings,
        sender: OrderSender,
        reviser: OrderReviser,
        store: DeskStore,
        entries: Entries,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        metrics: Metrics,
        lane: asyncio.Lock,
    ) -> None:
        self._terms = terms
        self._metrics = metrics
        self._sight = sight
        self._risk = risk
        self._previews = previews
        self._holdings = holdings
        self._sender = sender
        self._reviser = reviser
        self._store = store
        self._entries = entries
        self._tracker = tracker
        self._kill_switch = kill_switch
        self.lane = lane

    async def preview(self, strategy: Strategy, by: Principal) -> Preview:
        """Price a strategy now and hold it for one confirmation. Sends nothing.

        Raises a MarketError when there is nothing to trade, Halted, or LimitBreached with
        every breach and the nearest thing that would pass.
        """
        with span("preview"), self._metrics.preview.time(), refusals_counted(self._metrics):
            return await self._preview(strategy, by)

    async def _preview(self, strategy: Strategy, by: Principal) -> Preview:
        seen = await self._sight.look(opening=not strategy.closes, without=strategy.replaces)
        view = seen.view
        proposal = self._proposal(strategy, seen)
        intent = self._terms.pricing.intent(proposal)
        passed = self._approve(intent, proposal, seen)
        leave, terms = self._exits(proposal, view)
        natural = natural_limit(intent.legs, view)
        entry = Entry.of(intent, natural)
        if intent.opens:
            require_sense(terms, entry, view.spot.mid)
        waiting = Preview(
            token=ConfirmToken(""),
            expires_in=self._previews.timeout,
            strategy=strategy,
            proposal=proposal,
            intent=intent,
            natural=natural,
            analysis=analyse(
                intent,
                view,
                seen.exposure,
                flat_by=leave,
                cut_offs=self._risk.limits.cut_offs,
                dealt=seen.activity.dealt,
                tail=passed.tail,
                limit_given=proposal.limit_given,
            ),
            limits=passed.limits,
            exits=terms,
            exit_lines=lines(terms, entry) if intent.opens else (),
            flat_by=leave,
            at=view.now,
            feed=view.chain.feed,
            mode=self._terms.mode,
        )
        token = self._previews.issue(waiting, self.binding(strategy, by))
        return replace(waiting, token=token)

    def shown(self, token: ConfirmToken, by: Principal) -> Preview | None:
        """Return the preview that a token would confirm, None when it would not."""
        return self._previews.shown(token, by)

    def claim(self, token: ConfirmToken, binding: Binding) -> Preview:
        """Take a preview out to be dealt; raise PreviewNotFound or PreviewMismatch."""
        with refusals_counted(self._metrics):
            return replace(self._previews.claim(token, binding), token=token)

    async def deal(self, preview: Preview, by: Principal) -> OrderRecord:
        """Send what was previewed, if the market and every limit still allow it.

        Intent, exit and client order id are durable before the send. Raises PriceMoved with a
        fresh preview, LimitBreached, Halted, and OrderUncertain: nothing is sent twice.
        """
        with self._metrics.confirm.time(), refusals_counted(self._metrics):
            return await self._deal(preview, by)

    async def _deal(self, preview: Preview, by: Principal) -> OrderRecord:
        async with self.lane:
            with self._previews.kept(preview.token):
                seen = await self._sight.look(
                    opening=preview.intent.opens, without=preview.strategy.replaces
                )
                moved = self._moved(preview, seen.view)
                if moved is None:
                    approved = self._approve(preview.intent, preview.proposal, seen).order
            if moved is None:
                record = await self._send(preview, approved, seen, by)
        if moved is not None:
            raise PriceMoved(
                previewed=preview.natural,
                now=moved,
                tolerance=self._terms.pricing.tolerance(preview.natural),
                preview=await self._fresh(preview.strategy, by),
            )
        patience = FILL_WAIT if record.rests else self._entries.way
        return await self._tracker.settled(record.client_order_id, patience) or record

    def order(self, client_order_id: ClientOrderId) -> OrderRecord:
        """Return an order as it stands now; raise OrderNotFound."""
        record = self._store.order(client_order_id)
        if record is None:
            raise OrderNotFound(client_order_id)
        return record

    async def check(self, strategy: Strategy | None) -> tuple[Limit, ...]:
        """Return every limit with its use and room, as after a strategy's order if given."""
        seen = await self._sight.look(opening=False)
        if strategy is None:
            return self._check(seen)
        proposal = self._proposal(strategy, seen)
        return self._check(seen, proposal, self._terms.pricing.intent(proposal))

    async def _send(
        self, preview: Preview, approved: Approved[OrderIntent], seen: Seen, by: Principal
    ) -> OrderRecord:
        view, replaces = seen.view, preview.strategy.replaces
        if replaces is not None and (own := self._reviser.own(replaces)) is not None:
            return await self._reviser.revise(own, approved, preview_id(preview.token))
        client_order_id = self._sender.new_client_order_id()
        walks = self._entries.adaptive and not preview.proposal.limit_given
        ticket = Ticket(
            principal=by,
            day=view.session.day,
            mid=mid_of(preview.intent, view),
            preview=preview_id(preview.token),
            exit_plan=self._exit_plan(preview, client_order_id),
            parent=None if preview.intent.opens else self._owner(preview.intent, seen),
            start=self._entries.start(preview.intent) if walks else None,
            rests=not walks,
            replaces=replaces,
        )
        record = await self._sender.send(approved, client_order_id, ticket)
        if walks:
            self._entries.follow(approved, record)
        return record

    def _owner(self, closing: OrderIntent, seen: Seen) -> ClientOrderId | None:
        """Return the opening order that what is closed belongs to: its exit makes way for it."""
        return self._holdings.of(seen.exposure.positions).owner(closing.legs[0].contract)

    def _exits(self, proposal: Proposal, view: MarketView) -> tuple[datetime, ExitTerms]:
        """Return when the position is to be flat at the latest, and its other exits."""
        latest, terms = flat_by(view.session, self._terms.exit_before_close), proposal.exits
        earlier = latest if terms.flat_by is None else min(latest, terms.flat_by)
        return earlier, replace(terms, flat_by=None)

    def _exit_plan(self, preview: Preview, client_order_id: ClientOrderId) -> ExitPlan | None:
        """Return the exit that guards what fills; what closes leaves nothing to guard."""
        if not preview.intent.opens:
            return None
        return ExitPlan(
            client_order_id=client_order_id, flat_by=preview.flat_by, terms=preview.exits
        )

    def _check(
        self, seen: Seen, proposal: Proposal | None = None, intent: OrderIntent | None = None
    ) -> tuple[Limit, ...]:
        return self._risk.check(
            seen.exposure,
            seen.view,
            self._kill_switch.halt(),
            seen.activity,
            intent if intent is not None and intent.opens else None,
            entries_max=None if proposal is None else proposal.entries_max,
        )

    @span("risk")
    def _approve(self, intent: OrderIntent, proposal: Proposal, seen: Seen) -> Passed:
        if not intent.opens:
            order = self._risk.close_by_hand(intent, seen.exposure.positions)
            return Passed(order=order, limits=self._check(seen))
        self._kill_switch.require_open()  # by its own name, and not as one limit among others
        return self._risk.approve(
            intent,
            seen.exposure,
            seen.view,
            self._kill_switch.halt(),
            seen.activity,
            self._terms.pricing.smaller(proposal, seen.view),
            entries_max=proposal.entries_max,
        )

    def _proposal(self, strategy: Strategy, seen: Seen) -> Proposal:
        """Return what a strategy proposes, sized within its risk and every limit if it has one."""
        pricing = self._terms.pricing

        def broken(tried: Proposal) -> list[str]:
            limits = self._check(seen, tried, pricing.intent(tried))
            return [limit.name for limit in limits if not limit.ok]

        return pricing.proposal(strategy, seen.view, seen.exposure.account, broken)

    def _moved(self, preview: Preview, view: MarketView) -> Price | None:
        """Return the natural price now if it left what was shown; a caller's limit stands."""
        if preview.proposal.limit_given:
            return None
        return self._terms.pricing.moved(preview.natural, preview.intent, view)

    async def _fresh(self, strategy: Strategy, by: Principal) -> Preview | None:
        try:
            return await self._preview(strategy, by)
        except TradingError:
            return None  # the refusal that is being told comes first

    def binding(self, strategy: Strategy, by: Principal) -> Binding:
        """Return what a token of this call is good for."""
        return Binding(
            strategy=strategy,
            principal=by,
            account=self._terms.account,
            mode=self._terms.mode.value,
        )

    def binding_of(self, preview: Preview, by: Principal) -> Binding:
        """Return what the token of a preview is good for."""
        return self.binding(preview.strategy, by)
