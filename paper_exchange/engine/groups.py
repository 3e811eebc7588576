"""Orders that belong together: an entry and its exits, or two exits of which one will do.

A bracket is an entry with a take profit and a stop loss, OTO an entry with one of them, OCO
the two exits of a position that is there, the take profit at their head. Exits of an entry
are held until it has filled whole. Of a pair one fill reduces the other by as much, and the
end of one ends the other; whatever of a group is canceled, expires or is rejected takes the
rest of it along. What replaces one of them takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

import msgspec

from common.contracts import AssetClass
from common.ids import OrderId
from common.money import CENT, ZERO, Price
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from common.quotes import Quote
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.events import (
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderOpened,
    OrderReduced,
)
from paper_exchange.engine.lifecycle import OrderEvent, after
from paper_exchange.engine.market import Listing
from paper_exchange.engine.matching import release
from paper_exchange.engine.orders import GROUPS, OrderState, Status
from paper_exchange.engine.triggers import reference

_RESTING: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_ENTRIES: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})
_EXITS: Final = "take_profit and stop_loss are only allowed for bracket, oco and oto orders"


def check_group(
    command: SubmitOrder, listing: Listing, quote: Quote | None, *, fractional: bool
) -> None:
    """Refuse exits that are missing, too many, or on the wrong side; texts partly ours."""
    kind = command.order_class
    exits = (command.take_profit is not None) + (command.stop_loss is not None)
    if kind not in GROUPS:
        if exits:
            raise refusals.invalid(_EXITS)
        return
    if listing.asset_class is not AssetClass.EQUITY:
        raise refusals.unprocessable(f"{kind.value} orders are only supported for stocks")
    if fractional:
        raise refusals.unprocessable("fractional orders must be simple orders")
    if command.time_in_force not in _RESTING:
        raise refusals.unprocessable(f"{kind.value} orders must be DAY or GTC orders")
    if command.extended_hours:
        raise refusals.unprocessable("extended hours order must be simple orders")
    if exits != (1 if kind is OrderClass.OTO else 2):
        few = "exactly one of" if kind is OrderClass.OTO else "both"
        raise refusals.invalid(f"{kind.value} orders require {few} take_profit and stop_loss")
    if command.type not in (_ENTRIES if kind is not OrderClass.OCO else {OrderType.LIMIT}):
        raise refusals.unprocessable(f"invalid order type for {kind.value} order")
    _check_sides(command, quote)


def _check_sides(command: SubmitOrder, quote: Quote | None) -> None:
    """The stop is a cent away from where the position begins, the profit beyond the stop."""
    way = (command.side or Side.BUY).sign
    if command.order_class is OrderClass.OCO:
        way = -way
    profit, stop = command.take_profit, command.stop_loss
    if profit is not None and stop is not None and (profit - stop) * way <= 0:
        sign = ">" if way > 0 else "<"
        raise refusals.unprocessable(f"take_profit.limit_price must be {sign} stop_loss.stop_price")
    base = command.limit_price
    if base is None or command.order_class is OrderClass.OCO:
        base = reference(command.side or Side.BUY, quote)
    if base is None or stop is None:
        return
    if (base - stop) * way < CENT:
        bound = "<= base_price - 0.01" if way > 0 else ">= base_price + 0.01"
        raise refusals.unprocessable(f"stop_loss.stop_price must be {bound}")


def check_group_intent(command: SubmitOrder, intent: PositionIntent) -> None:
    """Refuse an entry that closes, and exits of nothing."""
    if command.order_class is OrderClass.OCO and intent.opens:
        raise refusals.unprocessable("oco orders must be exit orders")
    if command.order_class in (OrderClass.BRACKET, OrderClass.OTO) and not intent.opens:
        raise refusals.unprocessable(f"{command.order_class.value} orders must be entry orders")


def grouped(order: OrderState, command: SubmitOrder) -> tuple[OrderState, tuple[OrderState, ...]]:
    """Return an admitted order as the head of its group, and the group's other orders."""
    if order.order_class not in GROUPS:
        return order, ()
    oco = order.order_class is OrderClass.OCO
    rest = []
    if command.take_profit is not None and not oco:
        rest.append(_exit(order, OrderType.LIMIT, "take profit", limit=command.take_profit))
    if command.stop_loss is not None:
        limit = command.stop_loss_limit
        kind = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
        rest.append(
            _exit(
                order,
                kind,
                "stop loss",
                limit=limit,
                stop=command.stop_loss,
                paired=command.take_profit is not None,
            )
        )
    head = msgspec.structs.replace(order, children=tuple(child.id for child in rest))
    return head, tuple(rest)


def _exit(
    head: OrderState,
    kind: OrderType,
    name: str,
    *,
    limit: Price | None = None,
    stop: Price | None = None,
    paired: bool = False,
) -> OrderState:
    oco = head.order_class is OrderClass.OCO
    side = head.side or Side.BUY
    side = side if oco else side.opposite
    return msgspec.structs.replace(
        head,
        id=OrderId(str(uuid5(UUID(head.id), name))),
        client_order_id=str(uuid5(UUID(head.id), f"client {name}")),
        status=head.status if oco else Status.HELD,
        type=kind,
        side=side,
        position_intent=PositionIntent.of(side, opens=False),
        limit_price=limit,
        stop_price=stop,
        hold=ZERO,
        parent_id=head.id,
        paired=paired,
    )


def relinked(order: OrderState, now_is: Callable[[OrderId], OrderState]) -> Iterator[OrderState]:
    """Yield the others of a group as they are once an order has taken another's place in it."""
    before = order.replaces
    if before is None or order.order_class not in GROUPS:
        return
    if order.parent_id is not None:
        head = now_is(order.parent_id)
        children = tuple(order.id if child == before else child for child in head.children)
        yield msgspec.structs.replace(head, children=children)
        return
    yield msgspec.structs.replace(now_is(before), children=())
    for child in order.children:
        yield msgspec.structs.replace(now_is(child), parent_id=order.id)


def followed(
    orders: Mapping[OrderId, OrderState], events: Iterable[Event], now: datetime
) -> Iterator[Event]:
    """Yield events, each with what it means for the rest of its order's group after it."""
    moved: dict[OrderId, OrderState] = {}

    def now_is(order_id: OrderId) -> OrderState:
        return moved[order_id] if order_id in moved else orders[order_id]

    queue = list(events)
    while queue:
        event = queue.pop(0)
        if isinstance(event, OrderAccepted):
            moved[event.order.id] = event.order
            moved |= {other.id: other for other in relinked(event.order, now_is)}
            yield event
            continue
        order_id = getattr(event, "order_id", None)
        before = moved.get(order_id) or orders.get(order_id) if order_id is not None else None
        if before is None or before.order_class not in GROUPS or not isinstance(event, OrderEvent):
            yield event
            continue
        if before.status.terminal:
            continue  # its group has taken it along already
        order = moved[before.id] = after(before, event)
        yield event
        head = order if order.parent_id is None else now_is(order.parent_id)
        others = [now_is(other) for other in (head.id, *head.children) if other != order.id]
        queue[:0] = _consequences(order, event, others, now)


def _consequences(
    order: OrderState, event: OrderEvent, others: Iterable[OrderState], now: datetime
) -> Iterator[Event]:
    entry = order.parent_id is None and order.order_class is not OrderClass.OCO
    if order.status is Status.REPLACED:
        return  # another takes its place
    for other in others:
        if other.status.terminal:
            continue
        if order.status.terminal and order.status is not Status.FILLED:
            yield _canceled(other, now)
        elif not isinstance(event, OrderFilled):
            continue
        elif entry:
            if event.complete:
                yield OrderOpened(order_id=other.id, at=now)
        elif event.complete:
            yield _canceled(other, now)
        else:
            qty = other.filled_qty + order.remaining
            yield OrderReduced(order_id=other.id, qty=qty, at=now)


def _canceled(order: OrderState, now: datetime) -> OrderCanceled:
    return OrderCanceled(order_id=order.id, posting=release(order.hold), at=now)
