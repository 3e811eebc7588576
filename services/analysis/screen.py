"""Which symbols meet simple criteria. What is not known meets none, and is told with its reason.

gap, move, change and vwap are percent; rvol is today's volume over what an average day of the
last 20 had by this share of a session, taken as even; rsi is Wilder's of 14 five-minute bars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from common.errors import BadArgument
from common.money import Price
from common.session import Session, trading_day
from services.broker.published import Snapshot

FIELDS: Final = MappingProxyType(
    {
        "gap": "the open above the close before",
        "move": "now above the open",
        "change": "now above the close before",
        "vwap": "now above the day's VWAP",
        "rvol": "volume relative to the last 20 days",
        "rsi": "RSI of five-minute bars",
        "price": "dollars",
    }
)
CRITERIA_MAX: Final = 6
_FORM: Final = re.compile(r"\s*([a-z]+)\s*([<>])=?\s*(-?\d{1,7}(?:\.\d{1,4})?)\s*%?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A field above, or below, a number."""

    field: str
    above: bool
    number: float

    def met(self, value: float) -> bool:
        """Tell whether a value meets it; the number itself does."""
        return value >= self.number if self.above else value <= self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """One symbol's day. None is not known; volume in shares."""

    symbol: str
    price: Price | None
    opened: Price | None
    closed_before: Price | None
    vwap: Price | None
    volume: Decimal | None

    @classmethod
    def of(cls, told: Snapshot, session: Session) -> Today:
        """Return a symbol's day as the broker tells it; a bar of another day is not of this one."""
        day = told.day
        if day is None or trading_day(day.at) != session.day:
            before, day = day, None
        else:
            before = told.day_before
        return cls(
            symbol=told.symbol,
            price=None if day is None or told.trade is None else told.trade.price,
            opened=None if day is None else day.open,
            closed_before=None if before is None else before.close,
            vwap=None if day is None else day.vwap,
            volume=None if day is None else day.volume,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One symbol and its fields, None where not known."""

    symbol: str
    fields: Mapping[str, float | None]

    def lacks(self, criteria: Sequence[Criterion]) -> tuple[str, ...]:
        """Return which of the criteria's fields are not known."""
        return tuple(dict.fromkeys(c.field for c in criteria if self.fields.get(c.field) is None))

    def meets(self, criteria: Sequence[Criterion]) -> bool:
        """Tell whether every criterion is met; what is not known meets none."""
        return all(
            (value := self.fields.get(c.field)) is not None and c.met(value) for c in criteria
        )


def criterion(text: str) -> Criterion:
    """Return what a text asks: "gap>2", "rsi<30", "vwap>0", "rvol>1.5"; raises BadArgument."""
    matched = _FORM.fullmatch(text.lower())
    if matched is None or matched[1] not in FIELDS:
        raise BadArgument(
            f"criteria: {text[:40]!r} is none",
            remedy=f'write one of {", ".join(FIELDS)}, then > or <, then a number, as "gap>2"',
        )
    return Criterion(field=matched[1], above=matched[2] == ">", number=float(matched[3]))


def reading(today: Today, day_volume: float | None, passed: float, rsi: float | None) -> Reading:
    """Return a symbol's fields. day_volume: the mean of past days; passed: share of the session."""
    known = day_volume is not None and day_volume > 0 and passed > 0 and today.volume is not None
    return Reading(
        symbol=today.symbol,
        fields={
            "gap": _percent(today.opened, today.closed_before),
            "move": _percent(today.price, today.opened),
            "change": _percent(today.price, today.closed_before),
            "vwap": _percent(today.price, today.vwap),
            "rvol": float(today.volume or 0) / (day_volume or 1) / passed if known else None,
            "rsi": rsi,
            "price": None if today.price is None else float(today.price),
        },
    )


def _percent(now: Price | None, then: Price | None) -> float | None:
    return float(now / then - 1) * 100 if now is not None and then else None
