"""How a setting is read and bounded: money, times, shares and counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from common.money import parse_decimal


def _seconds(value: object) -> object:
    """Read "30" or 0.5 as seconds; leave a timedelta alone."""
    if isinstance(value, timedelta):
        return value
    return timedelta(seconds=float(parse_decimal(value)))


def _minutes(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    return timedelta(minutes=float(parse_decimal(value)))


Money = Annotated[Decimal, BeforeValidator(parse_decimal)]
Seconds = Annotated[timedelta, BeforeValidator(_seconds)]
Minutes = Annotated[timedelta, BeforeValidator(_minutes)]
Positive = Field(gt=timedelta(0), le=timedelta(days=1))
OrNone = Field(ge=timedelta(0), le=timedelta(days=1))
Bounded = Field(gt=0, le=Decimal(10_000_000), allow_inf_nan=False)
Share = Field(gt=0, le=1, allow_inf_nan=False)
Finite = Field(gt=0, le=1e9, allow_inf_nan=False)
Count = Annotated[int, Field(ge=1, le=1_000_000)]
