"""Requests to locate stock to be sold short, as the trading API reads them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from paper_exchange.wire.errors import BadParameter


class _Locate(msgspec.Struct, frozen=True):
    symbol: str
    qty: Annotated[int, Meta(ge=1)]
    limit_price: str | None = None
    all_or_none: bool = False


def wanted_locate(body: bytes) -> str:
    """Return the symbol a request wants to borrow; raise BadParameter."""
    try:
        return msgspec.json.decode(body, type=_Locate).symbol.upper()
    except (ValueError, RecursionError) as e:
        raise BadParameter(f"invalid locate: {e}") from None
