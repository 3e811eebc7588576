"""Stocks and coins: an intent to its request, and what the broker says of an asset."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from common.contracts import AssetClass
from common.ids import ClientOrderId
from common.money import plain
from common.orders import PositionIntent
from common.shares import ShareAsset, ShareIntent
from services.broker.fields import Json, reads, text


def order_request(intent: ShareIntent, client_order_id: ClientOrderId) -> dict[str, Any]:
    """Return the body of POST /v2/orders; every number as exact text.

    A stock's says whether it opens or closes, so that a sale whose holding has gone meanwhile
    is refused and never becomes a short one.
    """
    body: dict[str, Any] = {
        "client_order_id": client_order_id,
        "symbol": intent.symbol,
        "side": intent.side.value,
        "type": intent.type.value,
        "time_in_force": intent.tif.value,
        "order_class": intent.order_class.value,
    }
    if not intent.is_coin:
        body["position_intent"] = PositionIntent.of(intent.side, opens=intent.opens).value
    if intent.extended_hours:
        body["extended_hours"] = True
    numbers = {
        "qty": intent.qty,
        "notional": intent.notional,
        "limit_price": intent.limit,
        "stop_price": intent.stop,
        "trail_price": intent.trail_price,
        "trail_percent": intent.trail_percent,
    }
    exits = {
        "take_profit": {"limit_price": intent.take_profit},
        "stop_loss": {"stop_price": intent.stop_loss, "limit_price": intent.stop_loss_limit},
    }
    body |= {name: told for name, prices in exits.items() if (told := _texts(prices))}
    return body | _texts(numbers)


def _texts(numbers: Mapping[str, Decimal | None]) -> dict[str, str]:
    return {name: plain(value) for name, value in numbers.items() if value is not None}


@reads("asset")
def asset(body: Json) -> ShareAsset:
    """Read one asset; what is not said is not allowed."""
    return ShareAsset(
        symbol=text(body["symbol"]),
        kind=AssetClass(body["class"]),
        tradable=body.get("tradable") is True and body.get("status") == "active",
        fractionable=body.get("fractionable") is True,
        shortable=body.get("shortable") is True and body.get("easy_to_borrow") is True,
    )
