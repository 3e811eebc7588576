"""Orders as tools show them: ours with their strategy and exit, the broker's as they are."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from common.fees import option_fees
from common.money import ZERO, Dollars
from common.orders import Order, OrderLeg, PositionIntent
from services.execution.book import Found, Held
from services.execution.records import ExitPlan, OrderRecord
from services.execution.share_records import ShareRecord
from services.execution.sweeps import Swept
from tools.paging import Page
from tools.untrusted import Untrusted
from tools.views import View, dollars, new_york_text, price, quantity


class LegView(BaseModel):
    """One leg of an order."""

    symbol: str
    intent: str
    ratio: int


class OrderView(BaseModel):
    """One order. limit and average are net per share, a credit negative.

    limit is the worst that was agreed to, working_limit where the order stands or stood.

    slippage is what the fill cost beyond the mid at the send, per share, negative is better;
    fees are estimated from the broker's published table.
    """

    client_order_id: str | None = Field(description="null for an order that others named")
    untrusted_client_order_id: Untrusted | None = None
    order_id: str | None
    strategy: str
    status: str
    broker_status: str
    order_class: str
    legs: list[LegView]
    qty: str
    limit: str | None
    working_limit: str | None = None
    filled_qty: str
    filled_average: str | None
    mid_at_send: str | None = None
    slippage: str | None = None
    fees_estimated: str | None = None
    exit: str | None = None
    reason: str | None = None
    exit_of: str | None = Field(default=None, description="the entry it takes a stock out of")
    terms: str | None = Field(default=None, description="of a stock or a coin: type and prices")
    updated_at: str

    @classmethod
    def told(cls, found: Found) -> OrderView:
        """Return the view of any order."""
        if isinstance(found, Held):
            return cls.of(found)
        return cls.of_share(found) if isinstance(found, ShareRecord) else cls.external(found)

    @classmethod
    def of_share(cls, record: ShareRecord) -> OrderView:
        """Return the view of one of our orders in a stock or a coin; its prices have no sign."""
        intent = record.intent
        way = PositionIntent.of(intent.side, opens=intent.opens)
        size = f"${quantity(intent.notional)}" if intent.notional is not None else ""
        return cls(
            client_order_id=record.client_order_id,
            order_id=record.broker_id,
            strategy=intent.strategy,
            status=record.status.value,
            broker_status=record.broker_status,
            order_class=intent.order_class.value,
            legs=[LegView(symbol=intent.symbol, intent=way.value, ratio=1)],
            qty=size or quantity(intent.qty or ZERO),
            limit=price(intent.limit),
            working_limit=price(record.working),
            filled_qty=quantity(record.filled_qty),
            filled_average=price(record.filled_avg_price),
            mid_at_send=price(record.mid),
            slippage=price(record.slippage),
            exit_of=record.parent,
            reason=record.reason or None,
            terms=intent.terms,
            updated_at=new_york_text(record.updated_at),
        )

    @classmethod
    def of(cls, held: Held) -> OrderView:
        """Return the view of one of our orders in options."""
        record = held.record
        return cls(
            client_order_id=record.client_order_id,
            order_id=record.broker_id,
            strategy=record.intent.strategy,
            status=record.status.value,
            broker_status=record.broker_status,
            order_class="mleg" if len(record.intent.legs) > 1 else "simple",
            legs=[
                LegView(symbol=leg.contract.symbol, intent=leg.intent.value, ratio=leg.ratio)
                for leg in record.intent.legs
            ],
            qty=str(record.intent.qty),
            limit=price(record.intent.limit),
            working_limit=price(record.working),
            filled_qty=str(record.filled_qty),
            filled_average=price(record.filled_avg_price),
            mid_at_send=price(record.mid),
            slippage=price(record.slippage),
            fees_estimated=dollars(_fees(record)),
            exit=exit_text(held.exit),
            reason=record.reason or None,
            updated_at=new_york_text(record.updated_at),
        )

    @classmethod
    def external(cls, order: Order) -> OrderView:
        """Return the view of an order that this desk did not make."""
        return cls(
            client_order_id=None,
            untrusted_client_order_id=order.client_order_id,
            order_id=order.id,
            strategy="external",
            status=order.status.value,
            broker_status=order.broker_status,
            order_class="mleg" if len(order.legs) > 1 else "simple",
            legs=[_leg(leg) for leg in order.legs],
            qty=quantity(order.qty),
            limit=price(order.limit),
            filled_qty=quantity(order.filled_qty),
            filled_average=price(order.filled_avg_price),
            updated_at=new_york_text(order.updated_at),
        )


class OrdersView(View):
    """Orders, newest first."""

    orders: list[OrderView]

    @classmethod
    def of(cls, mode: str, found: Iterable[Found]) -> OrdersView:
        """Return the view of our orders and others'."""
        return cls(mode=mode, orders=[OrderView.told(one) for one in found])


class CanceledView(OrdersView):
    """Every order whose cancel was asked for, as it ended; one may have filled before."""

    canceled: int

    @classmethod
    def of(cls, mode: str, found: Iterable[Found]) -> CanceledView:
        """Return the view of orders that were to be canceled."""
        orders = [OrderView.told(one) for one in found]
        ended = sum(one.status == "canceled" for one in orders)
        return cls(mode=mode, orders=orders, canceled=ended)


class OrdersPage(Page):
    """Orders, newest first, a page at a time."""

    orders: list[OrderView]

    @classmethod
    def of(cls, mode: str, found: Iterable[Found], last: str | None, *, more: bool) -> OrdersPage:
        """Return the view of a page; last: the broker's id of its last row."""
        shown = OrdersView.of(mode, found).orders
        return cls(mode=mode, orders=shown, truncated=more, next_cursor=last if more else None)


class SweptView(View):
    """What canceling many orders came to."""

    message: str
    canceled: list[str]
    still_open: list[str]
    notes: list[str]

    @classmethod
    def of(cls, mode: str, swept: Swept) -> SweptView:
        """Return the view of a sweep."""
        left = [str(order.id) for order in swept.left]
        done = f"{len(swept.asked)} orders were canceled"
        return cls(
            mode=mode,
            message=f"{done}, {len(left)} are still open; call again." if left else f"{done}.",
            canceled=sorted(swept.asked.difference(left)),
            still_open=left,
            notes=list(swept.notes),
        )


class OneOrderView(View):
    """One order and what to make of it."""

    message: str
    order: OrderView

    @classmethod
    def of(cls, mode: str, found: Found) -> OneOrderView:
        """Return the view of one order."""
        order = OrderView.told(found)
        return cls(mode=mode, message=_told(order), order=order)


def _leg(leg: OrderLeg) -> LegView:
    return LegView(
        symbol=leg.symbol, intent=leg.intent.value if leg.intent else leg.side, ratio=leg.ratio
    )


def _fees(record: OrderRecord) -> Dollars | None:
    if not record.filled_qty:
        return None
    count = {1: 0, -1: 0}
    for leg in record.intent.legs:
        count[leg.side.sign] += leg.ratio * record.filled_qty
    return option_fees(record.day).total(bought=count[1], sold=count[-1])


def exit_text(plan: ExitPlan | None) -> str | None:
    """Return a trade's exits on one line, None where it has none."""
    if plan is None:
        return None
    wanted = {"stop": plan.terms.stop, "target": plan.terms.target, "trail": plan.terms.trail}
    named = "".join(f"{name} {trigger}, " for name, trigger in wanted.items() if trigger)
    cause = f" by {plan.cause}" if plan.cause else ""
    note = f" ({plan.note})" if plan.note else ""
    return f"{plan.state.value}{cause}: {named}flat by {new_york_text(plan.flat_by)}{note}"


def _told(order: OrderView) -> str:
    if order.status == "unknown":
        return "Sent without a clear answer; it is being looked up. Do not send it again."
    return f"{order.status}: {order.filled_qty} of {order.qty} filled."
