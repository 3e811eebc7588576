"""What tools answer: flat models, money as text ("12.34"), times as New York reads them.

Every answer says whose money it is (mode). Unknown is null with the reason beside it,
never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import ClassVar

from pydantic import BaseModel, Field

from common.limits import Limit
from common.money import cent, plain, to_price
from common.session import NEW_YORK, new_york_text
from services.portfolio.greeks import Sensitivity


class View(BaseModel):
    """A tool's answer. page: where hosts with MCP Apps find a page that shows it."""

    page: ClassVar[str | None] = None

    mode: str = Field(description="paper-local, paper or live")


class LimitView(BaseModel):
    """A limit, how much of it is used, and the room left, each in its own unit."""

    name: str
    limit: str
    used: str
    room: str
    ok: bool

    @classmethod
    def of(cls, limits: Iterable[Limit]) -> list[LimitView]:
        """Return the views of limits."""
        return [
            cls(name=one.name, limit=one.value, used=one.used, room=one.room, ok=one.ok)
            for one in limits
        ]


class GreeksView(BaseModel):
    """Sensitivities in dollars; theta per minute of trading, vega per vol point."""

    delta_shares: float
    gamma_shares_per_dollar: float
    theta_dollars_per_minute: float
    vega_dollars_per_point: float
    delta_dollars: float

    @classmethod
    def of(cls, found: Sensitivity) -> GreeksView:
        """Return the view of a sensitivity."""
        return cls(
            delta_shares=round(found.delta, 2),
            gamma_shares_per_dollar=round(found.gamma, 3),
            theta_dollars_per_minute=round(found.theta, 3),
            vega_dollars_per_point=round(found.vega, 3),
            delta_dollars=round(found.delta_dollars, 2),
        )


def dollars(amount: Decimal | None) -> str | None:
    """Return an amount to the cent, None for unknown."""
    return None if amount is None else f"{cent(amount):.2f}"


def computed(amount: float | None) -> str | None:
    """Return a computed amount of dollars to the cent, None for unknown."""
    return None if amount is None or not isfinite(amount) else f"{to_price(amount):.2f}"


def price(value: Decimal | None) -> str | None:
    """Return a price with its cents, and all it has beyond them; None for unknown."""
    if value is None:
        return None
    whole, _, rest = f"{value:f}".partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}"


def clock_text(at: datetime) -> str:
    """Return a New York time of day: "15:25"."""
    return at.astimezone(NEW_YORK).strftime("%H:%M")


def quantity(value: Decimal) -> str:
    """Return a number of contracts, shares or coins as it is."""
    return plain(value)


def number(value: float | None, places: int = 4) -> float | None:
    """Return a statistic rounded for reading, None where it is unknown."""
    return None if value is None or not isfinite(value) else round(value, places)


__all__ = [
    "GreeksView",
    "LimitView",
    "View",
    "clock_text",
    "computed",
    "dollars",
    "new_york_text",
    "number",
    "price",
    "quantity",
]
