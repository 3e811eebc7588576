"""The desk for stocks and coins: preview, then confirm, in one lane with the option desk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from common.clock import MarketClock
from common.config import Mode
from common.errors import (
    BrokerUnavailable,
    OrderNotFound,
    PriceMoved,
    TradingError,
)
from common.ids import ClientOrderId, ConfirmToken, Principal
from common.limits import Limit
from common.money import CENT, ZERO, Price, ceil_to_tick
from common.orders import Approved, OrderType
from common.session import Phase
from common.shares import ShareIntent
from services.execution.kill_switch import KillSwitch
from services.execution.previews import Binding, PreviewStore, refusals_counted
from services.execution.share_preview import SharePreview
from services.execution.share_records import ShareRecord
from services.execution.share_sender import ShareSender, ShareTicket
from services.execution.share_watch import ShareSeen, ShareWatch
from services.execution.store import DeskStore
from services.execution.tracker import OrderTracker
from services.execution.trail import preview_id
from services.ops.metrics import Metrics
from services.portfolio.share_risk import pending_shares
from services.risk.manager import RiskManager
from services.risk.share_case import ShareCase

FILL_WAIT: Final = timedelta(milliseconds=150)  # a marketable order is usually filled by then
TOLERANCE: Final = Decimal("0.0025")  # of the price shown, which it may leave without a limit
STALE: Final = timedelta(seconds=60)  # market time after which a quote in session is no quote
STALE_OUTSIDE: Final = timedelta(minutes=15)  # around the session stocks are quoted now and then


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTerms:
    """How the desk deals: whose money."""

    mode: Mode
    account: str


class ShareDesk:
    """Prices, checks, and sends; an order that reduces a holding is held up by nothing."""

    def __init__(
        self,
        terms: ShareTerms,
        *,
        watch: ShareWatch,
        risk: RiskManager,
        previews: PreviewStore[SharePreview],
        store: DeskStore,
        sender: ShareSender,
        tracker: OrderTracker,
        kill_switch: KillSwitch,
        clock: MarketClock,
        metrics: Metrics,
        lane: asyncio.Lock,
    ) -> None:
        self._terms = terms
        self._watch = watch
        self._risk = risk
        self._previews = previews
        self._store = store
        self._sender = sender
        self._tracker = tracker
        self._kill_switch = kill_switch
        self._clock = clock
        self._metrics = metrics
        self._lane = lane

    async def preview(self, wanted: ShareIntent, by: Principal) -> SharePreview:
        """Check an order now and hold it for one confirmation. Sends nothing.

        Raises Halted, or LimitBreached with every breach.
        """
        with self._metrics.preview.time(), refusals_counted(self._metrics):
            return await self._preview(wanted, by)

    async def _preview(self, wanted: ShareIntent, by: Principal) -> SharePreview:
        seen = await self._watch.look(wanted)
        intent = seen.settled(wanted)
        self._approve(intent, seen)
        waiting = self._shown(wanted, intent, seen)
        token = self._previews.issue(waiting, self.binding(wanted, by))
        return replace(waiting, token=token)

    def shown(self, token: ConfirmToken, by: Principal) -> SharePreview | None:
        """Return the preview that a token would confirm, None when it would not."""
        return self._previews.shown(token, by)

    def claim(self, token: ConfirmToken, binding: Binding) -> SharePreview:
        """Take a preview out to be dealt; raise PreviewNotFound or PreviewMismatch."""
        with refusals_counted(self._metrics):
            return replace(self._previews.claim(token, binding), token=token)

    async def deal(self, preview: SharePreview, by: Principal) -> ShareRecord:
        """Send what was previewed, if the market and every limit still allow it.

        Raises as the option desk's deal does: PriceMoved with a fresh preview where no limit
        bounds the price, LimitBreached, Halted, and what the send raises.
        """
        with self._metrics.confirm.time(), refusals_counted(self._metrics):
            return await self._deal(preview, by)

    async def _deal(self, preview: SharePreview, by: Principal) -> ShareRecord:
        async with self._lane:
            with self._previews.kept(preview.token):
                seen = await self._watch.look(preview.wanted)
                moved = self._moved(preview, seen)
                if moved is None:
                    approved = self._approve(preview.intent, seen)
            if moved is None:
                record = await self._sender.send(approved, self._ticket(preview, seen, by))
        if moved is not None and preview.touch is not None:
            raise PriceMoved(
                previewed=preview.touch,
                now=moved,
                tolerance=_tolerance(preview.touch),
                preview=await self._fresh(preview.wanted, by),
            )
        return await self._tracker.shares.settled(record.client_order_id, FILL_WAIT) or record

    def order(self, client_order_id: ClientOrderId) -> ShareRecord:
        """Return an order as it stands now; raise OrderNotFound."""
        record = self._store.shares.order(client_order_id)
        if record is None:
            raise OrderNotFound(client_order_id)
        return record

    def binding(self, wanted: ShareIntent, by: Principal) -> Binding:
        """Return what a token of this call is good for."""
        return Binding(
            strategy=wanted,
            principal=by,
            account=self._terms.account,
            mode=self._terms.mode.value,
        )

    def binding_of(self, preview: SharePreview, by: Principal) -> Binding:
        """Return what the token of a preview is good for."""
        return self.binding(preview.wanted, by)

    # Inside

    def _case(self, intent: ShareIntent, seen: ShareSeen) -> ShareCase:
        spot = seen.quotes.get(self._watch.underlying)
        inside = seen.session.phase(seen.now) is Phase.OPEN
        stale = STALE if inside or intent.is_coin else STALE_OUTSIDE
        return ShareCase(
            limits=self._risk.limits,
            exposure=seen.exposure,
            halt=self._kill_switch.halt(),
            intent=intent,
            activity=seen.activity,
            now=seen.now,
            session=seen.session,
            quote=seen.quotes.get(intent.symbol),
            stale_after=stale * max(self._clock.rate, 1.0),
            asset=seen.asset,
            underlying=self._watch.underlying,
            spot=spot.mid if spot is not None and spot.two_sided else None,
        )

    def _approve(self, intent: ShareIntent, seen: ShareSeen) -> Approved[ShareIntent]:
        if not intent.opens:
            return self._risk.close_shares(intent, seen.exposure.positions)
        self._kill_switch.require_open()
        if why := self._tracker.not_ready():
            raise BrokerUnavailable(f"no order can be opened now: {why}")
        return self._risk.approve_shares(self._case(intent, seen))

    def _shown(self, wanted: ShareIntent, intent: ShareIntent, seen: ShareSeen) -> SharePreview:
        case = self._case(intent, seen)
        reference = seen.reference(intent)
        order = pending_shares(intent, reference)
        return SharePreview(
            token=ConfirmToken(""),
            expires_in=self._previews.timeout,
            wanted=wanted,
            intent=intent,
            quote=case.quote,
            touch=case.touch,
            reference=reference,
            value=ceil_to_tick(abs(order.value), CENT),
            max_loss=order.worst if intent.opens else None,
            buying_power=(case.order_cost or ZERO) if intent.opens else ZERO,
            held=seen.held(intent.symbol),
            limits=self._limits(case),
            at=seen.now,
            in_session=intent.is_coin or seen.session.phase(seen.now) is Phase.OPEN,
            mode=self._terms.mode,
        )

    def _limits(self, case: ShareCase) -> tuple[Limit, ...]:
        return self._risk.check_shares(case) if case.intent.opens else ()

    def _ticket(self, preview: SharePreview, seen: ShareSeen, by: Principal) -> ShareTicket:
        intent, held = preview.intent, seen.position(preview.intent.symbol)
        quote = seen.quotes.get(intent.symbol)
        closes = held is not None and not intent.opens
        return ShareTicket(
            principal=by,
            day=seen.session.day,
            reference=seen.reference(intent),
            mid=quote.mid if quote is not None and quote.two_sided else None,
            held=seen.held(intent.symbol),
            basis=held.avg_entry_price if held is not None and closes else None,
            preview=preview_id(preview.token),
        )

    def _moved(self, preview: SharePreview, seen: ShareSeen) -> Price | None:
        """Return the touch now if it left what was shown and no price of the caller's holds it.

        A closing order is not held up by a price that cannot be had.
        """
        intent = preview.intent
        if intent.type not in {OrderType.MARKET, OrderType.TRAILING_STOP} or preview.touch is None:
            return None
        now = self._case(intent, seen).touch
        if now is None:
            return None
        return now if abs(now - preview.touch) > _tolerance(preview.touch) else None

    async def _fresh(self, wanted: ShareIntent, by: Principal) -> SharePreview | None:
        try:
            return await self._preview(wanted, by)
        except TradingError:
            return None  # the refusal that is being told comes first


def _tolerance(price: Price) -> Price:
    """Return how far a price may run from what was shown."""
    return max(abs(price) * TOLERANCE, 2 * CENT)
