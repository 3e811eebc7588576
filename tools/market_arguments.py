"""Arguments that the tools of market data share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, WithJsonSchema

from tools.times import Day

STRIKE_MAX: Final = 100_000

Timeframe = Annotated[
    Literal["1Min", "5Min", "15Min", "30Min", "1Hour", "4Hour", "1Day", "1Week", "1Month"],
    Field(description="length of a bar"),
]
StockFeed = Annotated[
    Literal["iex", "sip", "delayed_sip", "otc", "boats", "overnight"] | None,
    Field(description="default: your plan's"),
]
OptionFeed = Annotated[
    Literal["indicative", "opra"] | None, Field(description="default: your plan's")
]
Currency = Annotated[
    str | None, Field(pattern="^[A-Z]{3}$", max_length=3, description="default USD")
]
Sort = Annotated[Literal["asc", "desc"], Field(description="oldest or newest first")]
Top = Annotated[int, Field(ge=1, le=50, description="rows at most")]
Strike = Annotated[
    Decimal | None,
    Field(ge=0, le=STRIKE_MAX),
    WithJsonSchema(
        {"type": "number", "minimum": 0, "maximum": STRIKE_MAX, "description": "inside"}
    ),
]
Right = Annotated[Literal["call", "put"] | None, Field(description="default both")]
Expiry = Annotated[Day, Field(description="default today's, or the next session's")]
LastExpiry = Annotated[Day, Field(description="for more than one expiry")]
