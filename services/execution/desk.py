"""The trading desk: preview, then confirm. Every opening order of the product goes here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from common.config import Mode
from common.contracts import option_tick
from common.errors import BrokerUnavailable, PriceMoved, TradingError
from common.ids import ConfirmToken, Principal
from common.limits import Limit
from common.money import CENT, Price, floor_to_tick
from common.orders import Approved, OrderIntent
from common.portfolio import Exposure
from common.quotes import MarketView
from services.execution.exits import flat_by
from services.execution.kill_switch import KillSwitch
from services.execution.previews import Binding, PreviewStore
from services.execution.records import ExitPlan, OrderRecord
from services.execution.sender import OrderSender, Ticket
from services.execution.tracker import OrderTracker
from services.market.watch import MarketWatch
from services.ops.metrics import Metrics
from services.portfolio.portfolio import Portfolio
from services.risk.analysis import TradeAnalysis, analyse
from services.risk.manager import RiskManager
from services.strategies.base import Proposal, Strategy, natural_limit

FILL_WAIT = timedelta(milliseconds=150)  # a marketable order is usually filled by then
TOLERANCE_MIN = 2 * CENT


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTerms:
    """How the desk deals: whose money, how far a price may run, when positions go."""

    mode: Mode
    account: str
    price_tolerance: Decimal  # of the net price
    exit_before_close: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A priced and approved intent, shown, waiting for its confirmation."""

    token: ConfirmToken
    expires_in: timedelta
    strategy: Strategy
    proposal: Proposal
    intent: OrderIntent
    natural: Price  # what the order would have cost when it was priced
    analysis: TradeAnalysis
    limits: tuple[Limit, ...]
    flat_by: datetime
    at: datetime
    feed: str
    mode: Mode


class TradingDesk:
    """Prices, checks, and sends; one order at a time, each checked against the one before."""

    def __init__(
        self,
        terms: DeskTerms,
        *,
        watch: MarketWatch,
        portfolio: Portfolio,
        risk: RiskManager,
        previews: PreviewStore[Preview],
        sender: OrderSender,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        metrics: Metrics,
    ) -> None:
        self._terms = terms
        self._metrics = metrics
        self._watch = watch
        self._portfolio = portfolio
        self._risk = risk
        self._previews = previews
        self._sender = sender
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._lane = asyncio.Lock()

    async def preview(self, strategy: Strategy, by: Principal) -> Preview:
        """Price a strategy now and hold it for one confirmation. Sends nothing.

        Raises a MarketError when there is nothing to trade, Halted, or LimitBreached with
        every breach and the nearest thing that would pass.
        """
        with self._metrics.preview.time(), self._refusals_counted():
            return await self._preview(strategy, by)

    async def _preview(self, strategy: Strategy, by: Principal) -> Preview:
        self._kill_switch.require_open()
        view, exposure = await self._look()
        proposal = strategy.propose(view)
        intent = self._collared(proposal.intent, view)
        self._approve(intent, proposal, view, exposure)
        waiting = Preview(
            token=ConfirmToken(""),
            expires_in=self._previews.timeout,
            strategy=strategy,
            proposal=proposal,
            intent=intent,
            natural=proposal.intent.limit,
            analysis=analyse(intent, view),
            limits=self._risk.check(exposure, view, self._kill_switch.halt(), intent),
            flat_by=flat_by(view.session, self._terms.exit_before_close),
            at=view.now,
            feed=view.chain.feed,
            mode=self._terms.mode,
        )
        token = self._previews.issue(waiting, self._binding(strategy, by))
        return replace(waiting, token=token)

    async def confirm(self, strategy: Strategy, token: ConfirmToken, by: Principal) -> OrderRecord:
        """Send what was previewed, if the market and every limit still allow it.

        The intent, its exit and its client order id are durable before the send. Raises
        PreviewNotFound, PreviewMismatch, PriceMoved with a fresh preview, LimitBreached,
        Halted, and what the send raises: an unclear answer leaves the order unknown for
        the tracker, nothing is sent twice.
        """
        with self._metrics.confirm.time(), self._refusals_counted():
            return await self._confirm(strategy, token, by)

    async def _confirm(self, strategy: Strategy, token: ConfirmToken, by: Principal) -> OrderRecord:
        preview = self._previews.claim(token, self._binding(strategy, by))
        async with self._lane:
            self._kill_switch.require_open()
            view, exposure = await self._look()
            moved = self._moved(preview, view)
            if moved is None:
                record = await self._send(preview, view, exposure, by)
        if moved is not None:
            raise PriceMoved(
                previewed=preview.natural,
                now=moved,
                tolerance=self._tolerance(preview.natural),
                preview=await self._fresh(strategy, by),
            )
        return await self._tracker.settled(record.client_order_id, FILL_WAIT) or record

    async def check(self, strategy: Strategy | None) -> tuple[Limit, ...]:
        """Return every limit with its use and room, as after a strategy's order if given."""
        view, exposure = await self._look(opening=False)
        intent = None
        if strategy is not None:
            intent = self._collared(strategy.propose(view).intent, view)
        return self._risk.check(exposure, view, self._kill_switch.halt(), intent)

    async def _send(
        self, preview: Preview, view: MarketView, exposure: Exposure, by: Principal
    ) -> OrderRecord:
        approved = self._approve(preview.intent, preview.proposal, view, exposure)
        client_order_id = self._sender.new_client_order_id()
        ticket = Ticket(
            principal=by,
            day=view.session.day,
            mid=analyse(preview.intent, view).mid,
            exit_plan=ExitPlan(client_order_id=client_order_id, flat_by=preview.flat_by),
        )
        return await self._sender.send(approved, client_order_id, ticket)

    async def _look(self, *, opening: bool = True) -> tuple[MarketView, Exposure]:
        """Read the market and the account side by side; no news of the orders, no opening."""
        if opening and (why := self._tracker.not_ready()):
            raise BrokerUnavailable(f"no order can be opened now: {why}")
        view, exposure = await asyncio.gather(
            self._watch.view(), self._portfolio.exposure(self._tracker.pending())
        )
        return view, exposure

    def _approve(
        self, intent: OrderIntent, proposal: Proposal, view: MarketView, exposure: Exposure
    ) -> Approved[OrderIntent]:
        narrower = (
            (terms, self._collared(smaller, view)) for terms, smaller in proposal.alternatives(view)
        )
        return self._risk.approve(intent, exposure, view, self._kill_switch.halt(), narrower)

    def _collared(self, intent: OrderIntent, view: MarketView) -> OrderIntent:
        """Return the intent with its limit as far from natural as a price may run.

        The limit is the worst that is accepted, and what the maximum loss is reckoned at;
        the broker fills at the market's price, which was natural a moment ago.
        """
        worst = intent.limit + self._tolerance(intent.limit)
        tick = CENT if len(intent.legs) > 1 else _tick(intent)
        limit = floor_to_tick(worst, tick)
        return replace(intent, limit=min(limit, -tick) if intent.limit < 0 else limit)

    def _tolerance(self, price: Price) -> Price:
        return max(abs(price) * self._terms.price_tolerance, TOLERANCE_MIN)

    def _moved(self, preview: Preview, view: MarketView) -> Price | None:
        """Return the natural price now if it left the previewed one's tolerance, else None."""
        now = natural_limit(preview.intent.legs, view)
        within = abs(now - preview.natural) <= self._tolerance(preview.natural)
        return None if within and now <= preview.intent.limit else now

    @contextmanager
    def _refusals_counted(self) -> Iterator[None]:
        try:
            yield
        except TradingError as e:
            self._metrics.refusals.labels(e.code).inc()
            raise

    async def _fresh(self, strategy: Strategy, by: Principal) -> Preview | None:
        try:
            return await self._preview(strategy, by)
        except TradingError:
            return None  # the refusal that is being told comes first

    def _binding(self, strategy: Strategy, by: Principal) -> Binding:
        return Binding(
            strategy=strategy,
            principal=by,
            account=self._terms.account,
            mode=self._terms.mode.value,
        )


def _tick(intent: OrderIntent) -> Price:
    return option_tick(intent.legs[0].contract.underlying, intent.limit)
