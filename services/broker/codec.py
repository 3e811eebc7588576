"""Orders and the account: Alpaca's JSON to our values, and an intent to its request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any, Final

from common.contracts import AssetClass
from common.ids import ClientOrderId, ExecutionId, OrderId
from common.money import Price, Qty, plain
from common.orders import (
    Fill,
    Order,
    OrderClass,
    OrderIntent,
    OrderLeg,
    OrderStatus,
    OrderType,
    PositionIntent,
    Side,
    TimeInForce,
    TradeUpdate,
)
from common.portfolio import Account, Position
from common.session import Session, new_york
from services.broker.fields import Json, decimal, instant, optional, reads, text, word
from services.broker.reader import BrokerClock

FILLS: Final = frozenset({"fill", "partial_fill"})
CRYPTO_QUOTES: Final = ("USDT", "USDC", "USD", "BTC")

# What the broker's word means to us; any other is an order still alive.
ENDED: Final = MappingProxyType(
    {
        "filled": OrderStatus.FILLED,
        "canceled": OrderStatus.CANCELED,
        "replaced": OrderStatus.CANCELED,  # the order that took its place has its own id
        "expired": OrderStatus.EXPIRED,
        "rejected": OrderStatus.REJECTED,
    }
)

# ---------------------------------------------------------------- sending


def order_request(intent: OrderIntent, client_order_id: ClientOrderId) -> dict[str, Any]:
    """Return the body of POST /v2/orders; every number as exact text.

    One leg: the limit is unsigned and the side says which way. Several: the limit is
    the net, a credit negative. Raises ValueError for a single leg whose limit has the
    wrong sign, as a purchase for a credit would.
    """
    body: dict[str, Any] = {
        "client_order_id": client_order_id,
        "type": OrderType.LIMIT.value,
        "time_in_force": TimeInForce.DAY.value,
    }
    if len(intent.legs) > 1:
        legs = [
            {
                "symbol": leg.contract.symbol,
                "ratio_qty": str(leg.ratio),
                "side": leg.side.value,
                "position_intent": leg.intent.value,
            }
            for leg in intent.legs
        ]
        return body | {
            "order_class": OrderClass.MLEG.value,
            "qty": str(intent.qty),
            "limit_price": _limit_price(intent),
            "legs": legs,
        }
    [leg] = intent.legs
    return body | {
        "order_class": OrderClass.SIMPLE.value,
        "symbol": leg.contract.symbol,
        "qty": str(intent.qty * leg.ratio),
        "side": leg.side.value,
        "position_intent": leg.intent.value,
        "limit_price": _limit_price(intent),
    }


def replace_request(
    intent: OrderIntent, client_order_id: ClientOrderId, qty: int | None = None
) -> dict[str, Any]:
    """Return the body of PATCH /v2/orders/{id} that moves an order to the intent's limit.

    qty: units, where their number changes as well; of a single leg contracts are sent.
    """
    body = {"client_order_id": client_order_id, "limit_price": _limit_price(intent)}
    if qty is None:
        return body
    ratio = intent.legs[0].ratio if len(intent.legs) == 1 else 1
    return body | {"qty": str(qty * ratio)}


def _limit_price(intent: OrderIntent) -> str:
    """Return the limit as the broker writes it: signed for several legs only."""
    if len(intent.legs) > 1:
        return plain(intent.limit)
    [leg] = intent.legs
    limit = intent.limit * leg.side.sign
    if limit <= 0:
        raise ValueError(f"cannot {leg.side.value} at a net price of {intent.limit}")
    return plain(limit)


# ---------------------------------------------------------------- orders


@reads("order")
def order(body: Json) -> Order:
    """Read one order, its legs inside when it is a multi-leg one."""
    legs = body.get("legs") if body.get("order_class") == OrderClass.MLEG else None
    side = None if legs else Side(body["side"])
    filled_qty = decimal(body["filled_qty"])
    status = _status(str(body["status"]), filled_qty)
    qty = optional(body.get("qty"))
    return Order(
        id=OrderId(word(body["id"])),
        client_order_id=ClientOrderId(text(body["client_order_id"])),
        status=status,
        broker_status=word(body["status"]),
        legs=tuple(_leg(leg) for leg in legs) if legs else (_leg(body),),
        qty=filled_qty if qty is None else qty,  # an order in dollars has no other number
        limit=_signed(optional(body.get("limit_price")), side),
        filled_qty=filled_qty,
        filled_avg_price=_signed(optional(body.get("filled_avg_price")), side),
        submitted_at=instant(body.get("submitted_at") or body["created_at"]),
        updated_at=instant(body.get("updated_at") or body["created_at"]),
        filled_at=instant(body["filled_at"]) if body.get("filled_at") else None,
        replaced_by=OrderId(word(body["replaced_by"])) if body.get("replaced_by") else None,
        children=() if legs else tuple(order(child) for child in body.get("legs") or ()),
    )


@reads("list of orders")
def orders(body: Any) -> tuple[Order, ...]:
    """Read a nested list; the children of a bracket stand beside their parent."""
    return tuple(order(one) for item in body for one in _family(item))


@reads("trade update")
def trade_update(body: Json) -> TradeUpdate:
    """Read the data of one message of the order stream; an unknown event passes."""
    held = order(body["order"])
    event = word(body["event"])
    stamp = body.get("timestamp") or body.get("at")
    at = instant(stamp) if stamp else held.updated_at
    return TradeUpdate(event=event, order=held, at=at, fill=_fill(event, body, held, at))


def _fill(event: str, body: Json, held: Order, at: datetime) -> Fill | None:
    execution = body.get("execution_id") or "+".join(
        sorted(str(leg["execution_id"]) for leg in body.get("legs") or ())
    )
    if event not in FILLS or not execution:
        return None  # the order itself says how much is filled
    sign = held.legs[0].side.sign if len(held.legs) == 1 else 1
    return Fill(
        execution_id=ExecutionId(word(execution)),
        client_order_id=held.client_order_id,
        qty=decimal(body["qty"]),
        price=decimal(body["price"]) * sign,
        at=at,
    )


def _family(body: Json) -> Iterator[Json]:
    yield body
    if body.get("order_class") != OrderClass.MLEG:
        yield from body.get("legs") or ()


def _leg(body: Json) -> OrderLeg:
    return OrderLeg(
        symbol=word(body["symbol"]),
        side=Side(body["side"]),
        intent=PositionIntent(body["position_intent"]) if body.get("position_intent") else None,
        ratio=int(decimal(body.get("ratio_qty") or 1)),
        filled_qty=decimal(body.get("filled_qty") or 0),
        filled_avg_price=optional(body.get("filled_avg_price")),
    )


def _status(word: str, filled_qty: Qty) -> OrderStatus:
    alive = OrderStatus.PARTIALLY_FILLED if filled_qty > 0 else OrderStatus.ACCEPTED
    return ENDED.get(word, alive)


def _signed(price: Price | None, side: Side | None) -> Price | None:
    """Make a simple order's price a net one; that of several legs is signed already."""
    return price if price is None or side is None else price * side.sign


# ---------------------------------------------------------------- account


@reads("account")
def account(body: Json) -> Account:
    """Read the account's figures and whether anything keeps it from trading."""
    money = {
        name: decimal(body[name])
        for name in (
            "equity",
            "last_equity",
            "cash",
            "buying_power",
            "options_buying_power",
            "initial_margin",
            "maintenance_margin",
        )
    }
    return Account(
        number=word(body["account_number"]),
        options_level=int(body.get("options_trading_level") or 0),
        blocked=_blocked(body),
        **money,
    )


def _blocked(body: Json) -> str | None:
    flags = ("account_blocked", "trading_blocked", "trade_suspended_by_user")
    why = [flag.replace("_", " ") for flag in flags if body.get(flag)]
    if body["status"] != "ACTIVE":
        why.insert(0, f"account is {text(body['status'])}")
    return ", ".join(why) or None


@reads("list of positions")
def positions(body: Any) -> tuple[Position, ...]:
    """Read everything held; a short is negative whichever way the broker signs it."""
    return tuple(_position(item) for item in body)


def _position(body: Json) -> Position:
    sign = -1 if body["side"] == "short" else 1
    qty = abs(decimal(body["qty"])) * sign
    free = body.get("qty_available")
    return Position(
        symbol=_symbol(body),
        qty=qty,
        qty_available=qty if free is None else abs(decimal(free)) * sign,
        avg_entry_price=decimal(body["avg_entry_price"]),
        current_price=optional(body.get("current_price")),
        market_value=optional(body.get("market_value")),
        cost_basis=decimal(body["cost_basis"]),
        unrealized_pl=optional(body.get("unrealized_pl")),
    )


def _symbol(body: Json) -> str:
    """Return a position's symbol; a coin's is BTCUSD here and BTC/USD everywhere else."""
    symbol = word(body["symbol"])
    if body.get("asset_class") == AssetClass.CRYPTO and "/" not in symbol:
        quoted = next(end for end in CRYPTO_QUOTES if symbol.endswith(end))
        return f"{symbol.removesuffix(quoted)}/{quoted}"
    return symbol


# ---------------------------------------------------------------- the market's hours


@reads("clock")
def clock(body: Json) -> BrokerClock:
    """Read the exchange's time."""
    if not isinstance(body["is_open"], bool):
        raise TypeError(f"is_open is {body['is_open']!r:.40}")
    return BrokerClock(
        timestamp=instant(body["timestamp"]),
        is_open=body["is_open"],
        next_open=instant(body["next_open"]),
        next_close=instant(body["next_close"]),
    )


@reads("calendar")
def sessions(body: Any) -> tuple[Session, ...]:
    """Read trading days, whose hours are in New York time."""
    return tuple(sorted((_session(item) for item in body), key=lambda session: session.day))


def _session(body: Json) -> Session:
    day = date.fromisoformat(body["date"])
    session = Session(
        day=day,
        open=new_york(day, time.fromisoformat(body["open"])),
        close=new_york(day, time.fromisoformat(body["close"])),
    )
    if session.close <= session.open:
        raise ValueError(f"{day} closes before it opens")
    return session
