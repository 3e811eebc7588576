"""Messages of the order stream: what happened, and the whole order after it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from paper_exchange.engine.events import OrderFilled
from paper_exchange.engine.updates import OrderUpdate
from paper_exchange.wire.orders import order
from paper_exchange.wire.scalars import instant, text

Json = dict[str, Any]

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def encode(message: Json) -> bytes:
    """Return a message of the order stream as JSON."""
    return _ENCODER.encode(message)


def trade_update(update: OrderUpdate) -> bytes:
    """Return one message, encoded. Every event has a timestamp: clients rely on it."""
    at = instant(update.at)
    data: Json = {
        "at": at,
        "event": update.event,
        "event_id": update.event_id,
        "order": order(update.order),
        "timestamp": at,
    }
    if update.execution is not None:
        data |= _execution(update.execution, mleg=update.order.is_mleg)
    return encode({"stream": "trade_updates", "data": data})


def _execution(of: OrderFilled, *, mleg: bool) -> Json:
    """Return a fill's own keys; of a multi-leg order its legs' executions as well."""
    shown: Json = {
        "execution_id": of.execution_id,
        "price": text(of.price),
        "qty": text(of.qty),
    }
    if not mleg:
        return shown | {"position_qty": text(of.fills[0].position_qty)}
    at = instant(of.at)
    return shown | {
        "legs": [
            {
                "execution_id": fill.execution_id,
                "order_id": fill.order_id,
                "price": text(fill.price),
                "qty": text(fill.qty),
                "symbol": fill.symbol,
                "timestamp": at,
            }
            for fill in of.fills
        ],
        "position_qtys": {fill.symbol: text(fill.position_qty) for fill in of.fills},
    }


def authorization(*, authorized: bool, action: str) -> bytes:
    """Return the answer to an attempt to come in, or to listen without having done so."""
    status = "authorized" if authorized else "unauthorized"
    return encode({"stream": "authorization", "data": {"action": action, "status": status}})


def listening(streams: list[str]) -> bytes:
    """Return the full set of streams a client now hears."""
    return encode({"stream": "listening", "data": {"streams": streams}})


def error(message: str) -> bytes:
    """Return a refusal, after which the socket closes."""
    return encode({"action": "error", "data": {"error_message": message}})
