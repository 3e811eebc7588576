"""The answer to an order in a stock or a coin: its preview, or the order it became."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from common.errors import PriceMoved, told
from common.ids import ConfirmToken
from common.orders import OrderClass
from common.shares import ShareIntent
from services.execution.approvals import Approval
from services.execution.share_preview import SharePreview
from services.runtime import Services
from tools.consent import Asking
from tools.orders_view import OrderView
from tools.trade_view import DealView, preview_message
from tools.views import dollars, new_york_text, price, quantity


class SharePreviewView(BaseModel):
    """What would be sent and what it risks. Prices are dollars a unit, amounts dollars in total.

    max_loss is what the session's stress move would take, fees included: 7 % of a broad fund, 20 %
    of one company or coin, and 1 % more without a limit. null for what closes.
    """

    strategy: str
    order: str
    effect: Literal["opens", "closes"]
    held: str = Field(description="of the symbol now; a short is negative")
    bid: str | None
    ask: str | None
    reckoned_at: str
    value: str
    max_loss: str | None
    buying_power_needed: str
    notes: list[str]
    limits: dict[str, str] = Field(description="use with this order, and bound; all hold")
    priced_at: str

    @classmethod
    def of(cls, preview: SharePreview) -> SharePreviewView:
        """Return the view of a preview."""
        intent, quote = preview.intent, preview.quote
        return cls(
            strategy=intent.strategy,
            order=str(intent),
            effect="opens" if intent.opens else "closes",
            held=quantity(preview.held),
            bid=price(quote.bid) if quote else None,
            ask=price(quote.ask) if quote else None,
            reckoned_at=price(preview.reference) or "",
            value=dollars(preview.value) or "",
            max_loss=dollars(preview.max_loss),
            buying_power_needed=dollars(preview.buying_power) or "",
            notes=_notes(preview),
            limits={one.name: f"{one.used}, limit {one.value}" for one in preview.limits},
            priced_at=new_york_text(preview.at),
        )


class ShareTradeView(DealView):
    """A preview with its token, what waits for a person, or the order that a token sent."""

    preview: SharePreviewView | None = None

    @classmethod
    async def of(
        cls, desk: Services, wanted: ShareIntent, by: Asking, token: ConfirmToken | None
    ) -> ShareTradeView:
        """Preview an order, or confirm it when there is a token."""
        if token is None:
            return cls.shown(await desk.shares.preview(wanted, by.principal))
        try:
            outcome = await desk.shares.confirm(wanted, token, by.principal, by.answer)
        except PriceMoved as moved:
            if not isinstance(moved.preview, SharePreview):
                raise
            shown = cls.shown(moved.preview)
            return shown.model_copy(update={"status": "price_moved", "message": told(moved)})
        if isinstance(outcome, Approval):
            return cls.awaiting(outcome)
        order = OrderView.of_share(outcome)
        return cls(mode=desk.mode, status="sent", message=_sent(order), order=order)

    @classmethod
    def shown(cls, preview: SharePreview) -> ShareTradeView:
        """Return the view of a preview."""
        seconds = preview.expires_in.total_seconds()
        return cls(
            mode=preview.mode.value,
            status="preview",
            message=preview_message(seconds),
            confirm_token=preview.token,
            seconds_left=seconds,
            preview=SharePreviewView.of(preview),
        )


def _notes(preview: SharePreview) -> list[str]:
    intent, notes = preview.intent, []
    if not preview.in_session and not intent.extended_hours:
        notes.append("outside regular hours: it waits for the next session")
    if not intent.opens:
        notes.append("it reduces a holding: no limit and no halt holds it up")
    elif intent.side.sign < 0:
        notes.append("a short sale: what it can lose has no bound beyond the move counted here")
    if intent.opens and intent.order_class is not OrderClass.SIMPLE:
        notes.append("its exits are kept by the broker and work once it has filled whole")
    elif intent.opens:
        notes.append("no exit watches it: stocks and coins are held until you close them")
    return notes


def _sent(order: OrderView) -> str:
    if order.status == "filled":
        return f"Filled {order.filled_qty} at {order.filled_average}."
    return (
        f"Sent; the order is {order.status}, {order.filled_qty} of {order.qty} filled. "
        "Not filled is not traded: get_order_status tells when it is."
    )
