"""The legs of an order as models write them: a list, or the same list as JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from common.errors import BadArgument
from common.money import parse_decimal
from common.orders import Leg, OrderClass, PositionIntent, Side
from services.execution.by_hand import AskedLeg
from services.strategies.custom import Custom
from tools.wanted import contract

LEGS_MAX: Final = 4


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _list(value: object) -> object:
    """Take a list, one leg by itself, or the JSON text of either."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value  # what it is not is said by the schema
    return [value] if isinstance(value, dict) else value


class LegArgument(BaseModel):
    """One leg; position_intent is inferred from what is held where it is not given."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[str, Field(max_length=21)]
    side: Annotated[Literal["buy", "sell"], BeforeValidator(_lower)]
    ratio_qty: Annotated[int, Field(ge=1, le=100)] = 1
    position_intent: Annotated[
        Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"] | None,
        BeforeValidator(_lower),
    ] = None

    @property
    def asked(self) -> AskedLeg:
        """The leg; raises BadArgument for no option, or an intent of the other side."""
        option = contract(self.symbol)
        intent = None if self.position_intent is None else PositionIntent(self.position_intent)
        side = Side(self.side)
        if option is None or (intent is not None and intent.side is not side):
            raise BadArgument(f"legs: {self.position_intent} is not to {self.side}")
        return AskedLeg(contract=option, side=side, ratio=self.ratio_qty, intent=intent)


Legs = Annotated[
    list[LegArgument],
    BeforeValidator(_list),
    Field(
        min_length=1,
        max_length=LEGS_MAX,
        description="position_intent: closes by default if each leg reduces a holding",
    ),
]
Class = Annotated[
    Literal["simple", "mleg"] | None,
    BeforeValidator(_lower),
    Field(description="mleg if several"),
]
Quantity = Annotated[int, Field(ge=1, le=100, description="units")]
Day = Annotated[Literal["day", "DAY"], Field(description="only day")]
Extended = Annotated[bool, Field(description="never")]
Net = Annotated[
    float,
    Field(ge=-1e5, le=1e5, description="a share; of several legs net, a credit negative"),
]


def asked_legs(
    legs: Sequence[LegArgument], order_class: str | None = None, extended_hours: bool = False
) -> tuple[AskedLeg, ...]:
    """Return the legs wanted; raise BadArgument for a class or hours that options have not."""
    needed = OrderClass.MLEG if len(legs) > 1 else OrderClass.SIMPLE
    if order_class is not None and order_class != needed:
        raise BadArgument(f"order_class: {len(legs)} legs are {needed.value}")
    if extended_hours:
        raise BadArgument("extended_hours: options trade in regular hours only")
    return tuple(leg.asked for leg in legs)


def custom(
    legs: tuple[Leg, ...],
    quantity: int,
    limit: float | None = None,
    stop: str | None = None,
    target: str | None = None,
    trail: str | None = None,
) -> Custom:
    """Return the order wanted; a single leg's limit is its price, whichever way it trades."""
    price: Decimal | None = None if limit is None else parse_decimal(limit)
    if price is not None and len(legs) == 1:
        price *= legs[0].side.sign
    return Custom(legs=legs, qty=quantity, limit=price, stop=stop, target=target, trail=trail)
