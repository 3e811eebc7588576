"""Money is Decimal: rounding to cents and ticks, parsing, and plain text.

Nothing here touches the global decimal context. A price is dollars per share, an
amount of dollars is a total; a scaled integer is what a database column holds.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

Dollars: TypeAlias = Decimal  # a total, signed
Price: TypeAlias = Decimal  # per share; signed only for the net of a multi-leg order
Qty: TypeAlias = Decimal  # shares, coins or contracts

CENT = Decimal("0.01")
ZERO = Decimal(0)

CASH_SCALE = 100  # database units per dollar
PRICE_SCALE = 10_000  # database units per dollar of price
QTY_SCALE = 1_000_000_000  # nine decimal places, as the broker keeps

_FLOAT_MOST = 1e18
_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,2})?", re.ASCII)


def cent(amount: Decimal) -> Dollars:
    """Round to the cent, halves to even: once, where an amount is posted."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def on_tick(price: Price, tick: Price) -> bool:
    """Return whether a price is a whole number of ticks."""
    return price % tick == 0


def round_to_tick(price: Decimal, tick: Price) -> Price:
    """Return the nearest whole number of ticks, halves to even."""
    return (price / tick).to_integral_value(rounding=ROUND_HALF_EVEN) * tick


def floor_to_tick(price: Decimal, tick: Price) -> Price:
    """Return the largest whole number of ticks not above price."""
    return (price / tick).to_integral_value(rounding=ROUND_FLOOR) * tick


def ceil_to_tick(price: Decimal, tick: Price) -> Price:
    """Return the smallest whole number of ticks not below price."""
    return (price / tick).to_integral_value(rounding=ROUND_CEILING) * tick


def to_price(value: float, tick: Price = CENT) -> Price:
    """Bring a computed float back to money, on the nearest tick.

    Raises ValueError for nan and infinities.
    """
    return round_to_tick(parse_decimal(float(value)), tick)


def parse_decimal(value: object) -> Decimal:
    """Read a finite decimal from an int, a float or ASCII text.

    Raises ValueError for anything else: nan, infinities, booleans, other scripts'
    digits, underscores, or more than 18 whole digits.
    """
    if isinstance(value, Decimal):
        if value.is_finite():
            return value
    elif isinstance(value, float):  # its shortest text may have 17 digits behind the point
        if abs(value) < _FLOAT_MOST:
            return Decimal(repr(value))
    elif isinstance(value, int | str) and not isinstance(value, bool):
        text = str(value).strip()
        if _NUMBER.fullmatch(text):
            return Decimal(text)
    raise ValueError(f"not a finite decimal number: {value!r:.40}")


def plain(number: Decimal) -> str:
    """Return the number without exponent or trailing zeros: "2", "150.5", "-0.47"."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def to_scaled(number: Decimal, scale: int) -> int:
    """Return the number as an exact integer of 1/scale.

    Raises ValueError when it does not fit exactly: a silent rounding would lose money.
    """
    scaled = number * scale
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{number} is finer than 1/{scale}")
    return whole


def from_scaled(units: int, scale: int) -> Decimal:
    """Return the decimal that an integer of 1/scale stands for."""
    return Decimal(units) / scale
