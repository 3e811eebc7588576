"""How a setting is read and bounded: money, times, shares and counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from common.money import parse_decimal


def _span(unit: timedelta) -> BeforeValidator:
    """Read "30" or 0.5 as so many units; leave a timedelta alone."""

    def read(value: object) -> object:
        return value if isinstance(value, timedelta) else float(parse_decimal(value)) * unit

    return BeforeValidator(read)


Money = Annotated[Decimal, BeforeValidator(parse_decimal)]
Seconds = Annotated[timedelta, _span(timedelta(seconds=1))]
Minutes = Annotated[timedelta, _span(timedelta(minutes=1))]
Positive = Field(gt=timedelta(0), le=timedelta(days=1))
OrNone = Field(ge=timedelta(0), le=timedelta(days=1))
Bounded = Field(gt=0, le=Decimal(10_000_000), allow_inf_nan=False)
Share = Field(gt=0, le=1, allow_inf_nan=False)
Finite = Field(gt=0, le=1e9, allow_inf_nan=False)
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Root = Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
