"""What the broker tells of an account besides its orders: its past, its settings, all its figures.

Pages as the broker pages: newest first, the id of the last row asks for the next ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeVar

from common.errors import BrokerUnavailable
from common.ids import OrderId
from common.money import Dollars, Price, Qty
from common.orders import Order
from services.broker import codec
from services.broker.attempt import Request
from services.broker.channel import Channel, definite
from services.broker.fields import Json, Unreadable, decimal, instant, optional, reads, text, word
from services.broker.reader import Which
from services.ops.breaker import Breaker

T = TypeVar("T")

PAGE_MAX: Final = 100  # activities the broker lists at once
_WORD: Final = re.compile(r"[\w.:/+-]{1,40}", re.ASCII)  # no room for a sentence
NOT_FIGURES: Final = frozenset({"account_number", "multiplier"})  # text, though made of digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing that happened to the account; description is somebody else's free text.

    kind is the broker's: FILL, OPEXP (expired), OPEXC (exercised), OPASN (assigned), FEE, ...
    at: the instant where it is told, else None and day alone is known. net_amount: dollars.
    """

    id: str
    kind: str
    day: date | None
    at: datetime | None
    symbol: str | None
    side: str | None
    qty: Qty | None
    price: Price | None
    net_amount: Dollars | None
    order_id: OrderId | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """What the account was worth, and its result since the base of the period, as a share too."""

    at: datetime
    equity: Dollars | None
    profit: Dollars | None
    profit_share: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityHistory:
    """What the account was worth over time, by rising time."""

    timeframe: str
    base: Dollars | None
    base_day: str | None
    points: tuple[EquityPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """Every figure, flag and word of the account as the broker names them."""

    figures: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    flags: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class AccountLedger:
    """Reads it. Every method raises BrokerUnavailable without a clear answer, BrokerRefused."""

    def __init__(self, channel: Channel, breaker: Breaker) -> None:
        self._channel = channel
        self._breaker = breaker

    async def details(self) -> AccountDetails:
        """Return all that the broker tells of the account."""
        return _read(_details, await self._get("/account"))

    async def configuration(self) -> AccountDetails:
        """Return what the account's owner has switched on and off."""
        return _read(_details, await self._get("/account/configurations"))

    async def activities(
        self,
        kinds: Sequence[str] = (),
        order_id: str | None = None,
        after: str | None = None,
        limit: int = PAGE_MAX,
        cursor: str | None = None,
    ) -> tuple[Activity, ...]:
        """Return one page, newest first. after: a day or an instant; cursor: the last id seen."""
        asked = {
            "activity_types": ",".join(kinds),
            "order_id": order_id,
            "after": after,
            "direction": "desc",
            "page_size": limit,
            "page_token": cursor,
        }
        return _read(_activities, await self._get("/account/activities", asked))

    async def fills(self, most: int, after: str | None = None) -> tuple[tuple[Activity, ...], bool]:
        """Return executions, newest first, and whether these are all since then."""
        found: list[Activity] = []
        while len(found) < most:
            last = found[-1].id if found else None
            page = await self.activities(("FILL",), after=after, cursor=last)
            found += page
            if len(page) < PAGE_MAX:
                return tuple(found), True
        return tuple(found), False

    async def equity(
        self, period: str | None = None, timeframe: str | None = None
    ) -> EquityHistory:
        """Return what the account was worth; period as "1D", "1M", timeframe as "5Min", "1D"."""
        asked = {"period": period, "timeframe": timeframe}
        return _read(_equity, await self._get("/account/portfolio/history", asked))

    async def option_orders(
        self, status: Which, limit: int, cursor: str | None = None
    ) -> tuple[Order, ...]:
        """Return one page of the orders in options, newest first."""
        asked = {
            "status": status,
            "limit": limit,
            "asset_class": "us_option",
            "nested": "true",
            "direction": "desc",
            "before_order_id": cursor,
        }
        return _read(codec.orders, await self._get("/orders", asked))

    async def _get(self, path: str, values: Json | None = None) -> Any:
        asked = {name: value for name, value in (values or {}).items() if value not in (None, "")}
        with self._breaker.guard():
            reply = await self._channel.ask(Request(method="GET", path=path, values=asked))
            return definite(reply).body


@reads("account")
def _details(body: Json) -> AccountDetails:
    figures, flags, words = {}, {}, {}
    for name, value in body.items():
        if isinstance(value, bool):
            flags[name] = value
        elif (number := _number(value)) is not None and name not in NOT_FIGURES:
            figures[name] = number
        elif isinstance(value, str) and _WORD.fullmatch(value):
            words[name] = value
    return AccountDetails(figures=figures, flags=flags, words=words)


def _number(value: object) -> Decimal | None:
    """Return a finite number, also one written as text; None for anything else."""
    try:
        return decimal(value)
    except ValueError:
        return None


@reads("list of activities")
def _activities(body: Any) -> tuple[Activity, ...]:
    return tuple(_activity(item) for item in body)


def _activity(body: Json) -> Activity:
    at = body.get("transaction_time") or body.get("created_at")
    day = body.get("date")
    return Activity(
        id=word(body["id"]),
        kind=word(body["activity_type"]),
        day=date.fromisoformat(day) if day else None,
        at=instant(at) if at else None,
        symbol=word(body["symbol"]) if body.get("symbol") else None,
        side=word(body["side"]) if body.get("side") else None,
        qty=optional(body.get("qty")),
        price=optional(body.get("price")),
        net_amount=optional(body.get("net_amount")),
        order_id=OrderId(word(body["order_id"])) if body.get("order_id") else None,
        description=str(body.get("description") or ""),
    )


@reads("portfolio history")
def _equity(body: Json) -> EquityHistory:
    stamps = body["timestamp"] or ()
    columns = [body.get(name) or [None] * len(stamps) for name in _COLUMNS]
    return EquityHistory(
        timeframe=text(body["timeframe"]),
        base=optional(body.get("base_value")),
        base_day=body.get("base_value_asof") or None,
        points=tuple(
            EquityPoint(
                at=datetime.fromtimestamp(stamp, UTC),
                equity=optional(equity),
                profit=optional(profit),
                profit_share=optional(share),
            )
            for stamp, equity, profit, share in zip(stamps, *columns, strict=True)
        ),
    )


_COLUMNS: Final = ("equity", "profit_loss", "profit_loss_pct")


def _read(read: Callable[[Any], T], body: Any) -> T:
    try:
        return read(body)
    except Unreadable as e:
        raise BrokerUnavailable(f"the broker's answer cannot be read: {e}") from e
