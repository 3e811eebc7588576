"""What a client posts as an order, read field by field.

Numbers come as JSON numbers or as text. What they mean together is the engine's to judge;
here they are only brought into types. A field that asks for something not served here is
refused by name: an order that silently drops its stop would be another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from common.ids import CLIENT_ORDER_ID_MAX, OrderId
from common.money import parse_decimal, plain
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from paper_exchange.engine.commands import LegRequest, ReplaceOrder, SubmitOrder
from paper_exchange.engine.refusals import Refused
from paper_exchange.wire.errors import BadParameter

T = TypeVar("T")
Number: TypeAlias = str | int | float | None

LARGEST: Final = Decimal(1_000_000_000)
FINEST: Final = Decimal("0.000000001")  # nine places, as the broker keeps

_UNSERVED: Final = ("advanced_instructions",)
_TYPES: Mapping[str, OrderType] = {kind.value: kind for kind in OrderType}
_CLASSES: Mapping[str, OrderClass] = {kind.value: kind for kind in OrderClass}
_TIMES: Mapping[str, TimeInForce] = {time.value: time for time in TimeInForce}
_SIDES: Mapping[str, Side] = {side.value: side for side in Side}
_INTENTS: Mapping[str, PositionIntent] = {intent.value: intent for intent in PositionIntent}


class PostedLeg(msgspec.Struct, frozen=True):
    """One leg as posted."""

    symbol: str
    ratio_qty: Number = 1
    side: str | None = None
    position_intent: str | None = None


class PostedExit(msgspec.Struct, frozen=True):
    """A take profit or a stop loss as posted."""

    limit_price: Number = None
    stop_price: Number = None


class PostedOrder(msgspec.Struct, frozen=True):
    """An order as posted; fields nobody knows are ignored, as at Alpaca."""

    symbol: str | None = None
    qty: Number = None
    side: str | None = None
    type: str | None = None
    time_in_force: str | None = None
    limit_price: Number = None
    order_class: str | None = None
    client_order_id: str | None = None
    position_intent: str | None = None
    extended_hours: bool | str | None = None
    legs: list[PostedLeg] | None = None
    notional: Number = None
    stop_price: Number = None
    trail_price: Number = None
    trail_percent: Number = None
    take_profit: PostedExit | None = None
    stop_loss: PostedExit | None = None
    advanced_instructions: Any = None


class PostedChanges(msgspec.Struct, frozen=True):
    """What a client wants changed in an order; what is absent stays."""

    qty: Number = None
    time_in_force: str | None = None
    limit_price: Number = None
    stop_price: Number = None
    trail: Number = None
    client_order_id: str | None = None


_ORDER: Final = msgspec.json.Decoder(PostedOrder)
_CHANGES: Final = msgspec.json.Decoder(PostedChanges)


def posted(body: bytes) -> PostedOrder:
    """Decode a body; raise Refused for broken JSON and BadParameter for wrong types."""
    order = _decoded(_ORDER, body)
    for name in _UNSERVED:
        if getattr(order, name) is not None:
            raise Refused(422, 42210000, f"{name} is not supported")
    return order


def to_replacement(body: bytes, replaces: OrderId, order_id: OrderId) -> ReplaceOrder:
    """Read the changes to an order; raise BadParameter or Refused."""
    changes = _decoded(_CHANGES, body)
    return ReplaceOrder(
        order_id=order_id,
        replaces=replaces,
        qty=_number("qty", changes.qty),
        time_in_force=time_in_force(changes) if changes.time_in_force else None,
        limit_price=_number("limit_price", changes.limit_price),
        stop_price=_number("stop_price", changes.stop_price),
        trail=_number("trail", changes.trail),
        client_order_id=client_order_id(changes),
    )


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as e:
        raise BadParameter(f"invalid order: {e}") from None
    except (ValueError, RecursionError):
        raise Refused(400, 40010000, "request body format is invalid") from None


def client_order_id(order: PostedOrder | PostedChanges) -> str | None:
    """Return the client's own id, None when it left it to us."""
    text = order.client_order_id or None
    if text is not None and (len(text) > CLIENT_ORDER_ID_MAX or not text.isprintable()):
        raise BadParameter(
            f"client_order_id must be at most {CLIENT_ORDER_ID_MAX} printable characters"
        )
    return text


def order_class(order: PostedOrder) -> OrderClass:
    """Return the order's class; none and empty are simple."""
    text = (order.order_class or "").lower()
    if not text:
        return OrderClass.SIMPLE
    if text not in _CLASSES:
        raise Refused(422, 42210000, f"invalid order_class: {text!r:.20}")
    return _CLASSES[text]


def order_type(order: PostedOrder) -> OrderType:
    """Return how the order is priced."""
    text = (order.type or "").lower()
    if not text:
        raise BadParameter("type is required")
    if text not in _TYPES:
        raise Refused(422, 42210000, f"invalid type: {text!r:.20}")
    return _TYPES[text]


def time_in_force(order: PostedOrder | PostedChanges) -> TimeInForce:
    """Return how long the order works."""
    text = (order.time_in_force or "").lower()
    if not text:
        raise BadParameter("time_in_force is required")
    if text not in _TIMES:
        raise Refused(422, 42210000, "invalid time_in_force")
    return _TIMES[text]


def side(text: str | None) -> Side | None:
    """Return a side, None when left out."""
    if not text:
        return None
    if text.lower() not in _SIDES:
        raise BadParameter(f"invalid side: {text!r:.20}")
    return _SIDES[text.lower()]


def intent(text: str | None) -> PositionIntent | None:
    """Return a position intent, None when left to us."""
    if not text:
        return None
    if text.lower() not in _INTENTS:
        raise BadParameter(f"invalid position_intent: {text!r:.20}")
    return _INTENTS[text.lower()]


def to_command(order: PostedOrder, order_id: OrderId) -> SubmitOrder:
    """Return the command a posted order means; raise BadParameter or Refused."""
    kind = order_class(order)
    profit = _exit_price("take_profit", "limit_price", order.take_profit)
    limit = _number("limit_price", order.limit_price)
    return SubmitOrder(
        order_id=order_id,
        type=order_type(order),
        time_in_force=time_in_force(order),
        order_class=kind,
        symbol=(order.symbol or "").upper(),
        side=side(order.side),
        qty=_number("qty", order.qty),
        notional=_number("notional", order.notional),
        limit_price=profit if kind is OrderClass.OCO and limit is None else limit,
        stop_price=_number("stop_price", order.stop_price),
        take_profit=limit if kind is OrderClass.OCO and profit is None else profit,
        stop_loss=_exit_price("stop_loss", "stop_price", order.stop_loss),
        stop_loss_limit=_exit_limit(order.stop_loss),
        trail_price=_number("trail_price", order.trail_price),
        trail_percent=_number("trail_percent", order.trail_percent),
        position_intent=intent(order.position_intent),
        legs=tuple(_leg(leg) for leg in order.legs or ()),
        client_order_id=client_order_id(order),
        extended_hours=str(order.extended_hours).lower() == "true",
    )


def _exit_price(name: str, field: str, exit_: PostedExit | None) -> Decimal | None:
    """Return the price an exit cannot be without."""
    if exit_ is None:
        return None
    price = _number(f"{name}.{field}", getattr(exit_, field))
    if price is None:
        raise BadParameter(f"{name}.{field} is required")
    return price


def _exit_limit(stop_loss: PostedExit | None) -> Decimal | None:
    if stop_loss is None:
        return None
    return _number("stop_loss.limit_price", stop_loss.limit_price)


def _leg(leg: PostedLeg) -> LegRequest:
    wanted = intent(leg.position_intent)
    way = side(leg.side) or (wanted.side if wanted is not None else None)
    if way is None:
        raise BadParameter("side is required for each leg")
    return LegRequest(symbol=leg.symbol.upper(), ratio=ratio(leg), side=way, position_intent=wanted)


def ratio(leg: PostedLeg) -> int:
    """Return a leg's ratio, a whole number."""
    value = _number("ratio_qty", leg.ratio_qty)
    if value is None or value != int(value):
        raise BadParameter("ratio_qty must be a whole number")
    return int(value)


def _number(name: str, value: Number) -> Decimal | None:
    """Return a number between the finest and the largest that mean anything here, or 0."""
    if value is None:
        return None
    try:
        number = parse_decimal(value)
    except ValueError:
        raise BadParameter(f"{name} is not a number: {value!r:.40}") from None
    if number != 0 and not FINEST <= abs(number) <= LARGEST:
        raise BadParameter(f"{name} must be between {plain(FINEST)} and {plain(LARGEST)}")
    return number
