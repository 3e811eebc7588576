"""A strategy's answer: the preview a person can judge, or the order it became."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, Field

from common.errors import PriceMoved, told
from common.ids import ConfirmToken
from common.place import COMMAND
from services.execution.approvals import Approval
from services.execution.clerk import Shown
from services.execution.preview import Preview
from services.risk.analysis import LegAnalysis, TradeAnalysis
from services.runtime import Services
from services.strategies.base import Strategy
from tools import ticket
from tools.consent import Asking
from tools.exits import ExitLineView
from tools.orders_view import OrderView
from tools.outlook import Chances, ImpactView, Scenarios, Warned, greeks_view
from tools.views import GreeksView, View, dollars, new_york_text, number, price


class PreviewLeg(BaseModel):
    """One leg and the market it is priced from. age_seconds: since we received the quote."""

    symbol: str
    intent: str
    contracts: int
    bid: str | None
    ask: str | None
    mid: str | None
    age_seconds: float | None
    quote: str = Field(description="ok, or what is wrong with the quote")
    delta: float | None
    iv: float | None = Field(description="on the 98,280-minute trading clock")


class PreviewView(BaseModel):
    """What would be sent, what it risks, and why it is priced so.

    Prices are net per share, a debit positive and a credit negative; amounts are dollars
    for the whole order. max_loss and breakevens include estimated fees, in and out.
    """

    strategy: str
    legs: list[PreviewLeg]
    quantity: int
    limit: str
    limit_why: str
    natural: str
    mid: str | None
    debit_or_credit: str
    max_loss: str | None = Field(description="null: unlimited")
    max_profit: str | None = Field(description="null: unlimited")
    breakevens: list[str]
    probability_of_profit: float | None = Field(
        description="risk-neutral, held to expiry, on the chain's own smile, after fees"
    )
    chances: Chances | None
    greeks: GreeksView | None
    impact: ImpactView | None
    scenarios: Scenarios | None
    fees_estimated: str
    buying_power_needed: str
    exit: str
    exits: list[ExitLineView]
    facts: dict[str, str]
    warnings: list[Warned]
    limits: dict[str, str] = Field(description="use with this order, and bound; all hold")
    spot: str
    forward: float | None
    feed: str
    priced_at: str

    @classmethod
    def of(cls, preview: Preview) -> PreviewView:
        """Return the view of a preview."""
        found = preview.analysis
        return cls(
            strategy=preview.strategy.name,
            legs=[_leg(leg) for leg in found.legs],
            quantity=preview.intent.qty,
            limit=price(preview.intent.limit) or "",
            limit_why=found.limit_why,
            natural=price(preview.natural) or "",
            mid=price(found.mid),
            debit_or_credit=_paid(found),
            max_loss=dollars(found.max_loss),
            max_profit=dollars(found.max_profit),
            breakevens=[price(at) or "" for at in found.breakevens],
            probability_of_profit=number(found.outcome.odds.profit) if found.outcome else None,
            chances=Chances.of(found.outcome),
            greeks=greeks_view(found),
            impact=ImpactView.of(found.impact),
            scenarios=Scenarios.few(found.ladder),
            fees_estimated=dollars(found.fees) or "",
            buying_power_needed=dollars(found.cost) or "",
            exit=_exit(preview),
            exits=ExitLineView.of(preview.exit_lines),
            facts=dict(preview.proposal.facts),
            warnings=Warned.of(preview),
            limits={one.name: f"{one.used}, limit {one.value}" for one in preview.limits},
            spot=price(found.spot) or "",
            forward=number(found.forward),
            feed=preview.feed,
            priced_at=new_york_text(preview.at),
        )


class DealView(View):
    """How far a trade has come, whatever is traded."""

    status: Literal["preview", "price_moved", "awaiting_approval", "sent"]
    message: str
    confirm_token: str | None = None
    approval_id: str | None = None
    seconds_left: float | None = None
    order: OrderView | None = None

    @classmethod
    def awaiting(cls, approval: Approval[Shown]) -> Self:
        """Return the view of what a person has not answered yet."""
        return cls(
            mode=approval.preview.mode.value,
            status="awaiting_approval",
            message=(
                "Nothing was sent yet: a person must approve it, on the desk's approval page or "
                f"with '{COMMAND} approve' at a terminal. Tell the user, and "
                "repeat this same call to learn the outcome."
            ),
            approval_id=approval.id,
            seconds_left=number(approval.left.total_seconds(), 1),
        )


class TradeView(DealView):
    """A preview with its token, what waits for a person, or the order that a token sent."""

    page: ClassVar[str | None] = ticket.URI

    preview: PreviewView | None = None

    @classmethod
    async def of(
        cls, desk: Services, wanted: Strategy, by: Asking, token: ConfirmToken | None
    ) -> TradeView:
        """Preview a strategy, or confirm it when there is a token."""
        if token is None:
            return cls.shown(await desk.trading.preview(wanted, by.principal))
        try:
            outcome = await desk.trading.confirm(wanted, token, by.principal, by.answer)
        except PriceMoved as moved:
            if not isinstance(moved.preview, Preview):
                raise
            shown = cls.shown(moved.preview)
            return shown.model_copy(update={"status": "price_moved", "message": told(moved)})
        if isinstance(outcome, Approval):
            return cls.awaiting(outcome)
        order = OrderView.of(desk.orders.held(outcome))
        return cls(mode=desk.mode, status="sent", message=_sent(order), order=order)

    @classmethod
    def shown(cls, preview: Preview) -> TradeView:
        """Return the view of a preview."""
        seconds = preview.expires_in.total_seconds()
        return cls(
            mode=preview.mode.value,
            status="preview",
            message=preview_message(seconds),
            confirm_token=preview.token,
            seconds_left=seconds,
            preview=PreviewView.of(preview),
        )


def preview_message(seconds: float) -> str:
    """Return what a model is told of a preview that lives so long."""
    return (
        "Nothing was sent. To send exactly this, repeat the call with preview=false "
        f"and confirm_token within {seconds:g} s."
    )


def _leg(leg: LegAnalysis) -> PreviewLeg:
    quote = leg.quote
    return PreviewLeg(
        symbol=leg.leg.contract.symbol,
        intent=leg.leg.intent.value,
        contracts=leg.qty,
        bid=price(quote.bid) if quote else None,
        ask=price(quote.ask) if quote else None,
        mid=price(quote.mid) if quote else None,
        age_seconds=number(leg.age.total_seconds(), 2) if leg.age is not None else None,
        quote=leg.flag,
        delta=number(leg.greeks.delta) if leg.greeks else None,
        iv=number(leg.greeks.iv) if leg.greeks else None,
    )


def _exit(preview: Preview) -> str:
    if not preview.intent.opens:
        return "none: the order closes"
    return f"flat by {new_york_text(preview.flat_by)}, kept by the daemon"


def _paid(found: TradeAnalysis) -> str:
    amount = dollars(abs(found.net_cost))
    return f"pays at most ${amount}" if found.net_cost > 0 else f"receives at least ${amount}"


def _sent(order: OrderView) -> str:
    if order.status == "filled":
        return (
            f"Filled {order.filled_qty} at {order.filled_average} net, slippage against mid "
            f"{order.slippage} a share, fees about ${order.fees_estimated}."
        )
    return (
        f"Sent; the order is {order.status}, {order.filled_qty} of {order.qty} filled. "
        "Not filled is not traded: get_order_status tells when it is."
    )
