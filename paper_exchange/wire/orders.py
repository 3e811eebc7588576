"""Orders as the trading API writes them: every key always there, every number a string."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.contracts import AssetClass, OptionContract, asset_class
from paper_exchange.engine.orders import LegState, OrderState
from paper_exchange.wire.scalars import asset_id, instant, instant_or_none, text

Json = dict[str, Any]


def order(of: OrderState, children: Sequence[OrderState] = ()) -> Json:
    """Return an order, the legs of a multi-leg one, or the rest of its group, inside it."""
    shown = _common(of) | {
        "asset_class": of.asset_class.value if of.asset_class else "",
        "asset_id": asset_id(of.symbol) if of.symbol else "",
        "client_order_id": of.client_order_id,
        "filled_avg_price": text(of.filled_avg_price),
        "filled_qty": text(of.filled_qty),
        "id": of.id,
        "legs": [_leg(of, leg) for leg in of.legs] or [order(child) for child in children] or None,
        "limit_price": text(of.limit_price),
        "notional": text(of.notional),
        "order_type": "" if of.is_mleg else of.type.value,
        "qty": text(of.qty),
        "side": of.side.value if of.side else "",
        "symbol": of.symbol,
    }
    if of.position_intent is not None:
        shown["position_intent"] = of.position_intent.value
    return shown


def _leg(parent: OrderState, of: LegState) -> Json:
    """Return one leg, an order of its own that shares its parent's status and times."""
    return _common(parent) | {
        "asset_class": "us_option",
        "asset_id": asset_id(of.symbol),
        "client_order_id": of.client_order_id,
        "filled_avg_price": text(of.filled_avg_price),
        "filled_qty": text(of.filled_qty),
        "id": of.id,
        "legs": None,
        "limit_price": None,
        "notional": None,
        "order_type": parent.type.value,
        "position_intent": of.position_intent.value,
        "qty": text(of.qty),
        "ratio_qty": str(of.ratio),
        "side": of.side.value,
        "symbol": of.symbol,
    }


def _common(of: OrderState) -> Json:
    return {
        "source": None if of.liquidation else "access_key",  # nobody's key: the exchange's
        "subtag": None,
        "canceled_at": instant_or_none(of.canceled_at),
        "created_at": instant(of.created_at),
        "expired_at": instant_or_none(of.expired_at),
        "expires_at": instant_or_none(of.expires_at),
        "extended_hours": of.extended_hours,
        "failed_at": instant_or_none(of.failed_at),
        "filled_at": instant_or_none(of.filled_at),
        "hwm": text(of.hwm),
        "order_class": of.order_class.value,
        "replaced_at": instant_or_none(of.replaced_at),
        "replaced_by": of.replaced_by,
        "replaces": of.replaces,
        "status": of.status.value,
        "stop_price": text(of.stop_price),
        "submitted_at": instant(of.submitted_at),
        "time_in_force": of.time_in_force.value,
        "trail_percent": text(of.trail_percent),
        "trail_price": text(of.trail_price),
        "type": of.type.value,
        "updated_at": instant(of.updated_at),
    }


def is_open(of: OrderState) -> bool:
    """Whether the "open" listing shows an order."""
    return not of.status.terminal


def canceled(order_id: str) -> Json:
    """Return one line of the answer to canceling all."""
    return {"id": order_id, "status": 200}


def underlyings(of: OrderState) -> tuple[str, ...]:
    """Return what the options of an order are on."""
    return tuple(
        OptionContract.from_occ(symbol).underlying
        for symbol in of.symbols
        if asset_class(symbol) is AssetClass.OPTION
    )
