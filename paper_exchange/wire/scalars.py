"""Alpaca's scalars: numbers as text in the trading API, as numbers in the data API, times in both.

The trading API writes every number as a string and every missing value as null; the data
API writes numbers, whole ones without a fraction. Times are UTC with a trailing Z and no
trailing zeros; the clock alone is written in New York time.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from common.money import plain
from common.session import NEW_YORK

# Asset ids are a pure function of the symbol, so they survive a restart and a new database.
_ASSETS = uuid.UUID("5d2f4f5e-7f0e-5f0a-9a53-1f9f4c1f7a10")
_FRACTION = Decimal("0.00001")  # five places, as the broker rounds its ratios


def text(number: Decimal | None) -> str | None:
    """Return a number as the trading API writes it, None as null."""
    return None if number is None else plain(number)


def number(value: Decimal) -> int | float:
    """Return a number as the data API writes it: whole ones as integers."""
    whole = int(value)
    return whole if whole == value else float(value)


def ratio(part: Decimal | None, whole: Decimal) -> str | None:
    """Return part/whole to five places, "0" of nothing, None when the part is unknown."""
    if part is None:
        return None
    if whole == 0:
        return "0"
    return plain((part / whole).quantize(_FRACTION, rounding=ROUND_HALF_EVEN))


def instant(at: datetime) -> str:
    """Return an instant as "2026-11-20T15:05:00.25Z"."""
    stamp = at.astimezone(UTC).isoformat()[:-6]
    return (stamp.rstrip("0") if "." in stamp else stamp) + "Z"


def instant_or_none(at: datetime | None) -> str | None:
    """Return an instant as text, None as null."""
    return None if at is None else instant(at)


def eastern(at: datetime) -> str:
    """Return an instant as "2026-11-20T10:05:00-05:00", in New York."""
    return at.astimezone(NEW_YORK).isoformat()


@lru_cache(maxsize=65536)
def asset_id(symbol: str) -> str:
    """Return the id of an asset or contract, the same one for ever."""
    return str(uuid.uuid5(_ASSETS, symbol))


def position_symbol(symbol: str) -> str:
    """Return a symbol as positions name it: BTC/USD is BTCUSD there."""
    return symbol.replace("/", "")
