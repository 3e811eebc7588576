"""Orders in stocks and coins as they are wanted: one symbol, one side, in units or in dollars.

An intent that cannot be an order is never built: every number is checked where it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from common.contracts import AssetClass, asset_class
from common.errors import BadArgument
from common.money import CENT, Dollars, Price, Qty, on_tick, plain
from common.orders import OrderClass, OrderType, Side, TimeInForce

QTY_MAX: Final = Decimal(1_000_000)  # a stop to typing errors rather than a view on size
PRICE_MAX: Final = Decimal(10_000_000)
NOTIONAL_MAX: Final = Decimal(10_000_000)
FINEST: Final = Decimal("0.000000001")  # of a share or a coin, as the broker keeps
SUB_DOLLAR_TICK: Final = Decimal("0.0001")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_RESERVED: Final = ("spy0-", "close-")  # names the desk gives
_NEEDS: Final[Mapping[OrderType, frozenset[str]]] = MappingProxyType(
    {
        OrderType.MARKET: frozenset(),
        OrderType.LIMIT: frozenset({"limit"}),
        OrderType.STOP: frozenset({"stop"}),
        OrderType.STOP_LIMIT: frozenset({"limit", "stop"}),
        OrderType.TRAILING_STOP: frozenset(),
    }
)
_RESTING: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_COIN_TYPES: Final = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT})
_COIN_TIMES: Final = frozenset({TimeInForce.GTC, TimeInForce.IOC})
_AT_ONCE: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})  # the others wait for a price


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareIntent:
    """What is wanted of one stock or coin. Prices are dollars a unit, never signed.

    Either qty, in shares or coins, or notional, in dollars. trail_percent: 1.5 is 1.5 %.
    take_profit and stop_loss: exits that the broker keeps of what an opening order fills.
    opens: whether it adds to what is held; the desk finds out, until then it counts as yes.
    client_order_id: the caller's own name for it. Raises BadArgument for what is no order.
    """

    symbol: str
    side: Side
    qty: Qty | None = None
    notional: Dollars | None = None
    type: OrderType = OrderType.MARKET
    limit: Price | None = None
    stop: Price | None = None
    trail_price: Price | None = None
    trail_percent: Decimal | None = None
    tif: TimeInForce = TimeInForce.DAY
    extended_hours: bool = False
    take_profit: Price | None = None
    stop_loss: Price | None = None
    stop_loss_limit: Price | None = None
    client_order_id: str | None = None
    opens: bool = True

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise BadArgument(complaint)

    @property
    def asset(self) -> AssetClass:
        """Whether it is a stock or a coin."""
        return asset_class(self.symbol)

    @property
    def is_coin(self) -> bool:
        """Whether it is a coin."""
        return self.asset is AssetClass.CRYPTO

    @property
    def strategy(self) -> str:
        """What orders by hand are filed under."""
        return "crypto" if self.is_coin else "stock"

    @property
    def order_class(self) -> OrderClass:
        """A simple order, an entry with one exit, or with both."""
        exits = (self.take_profit is not None) + (self.stop_loss is not None)
        return (OrderClass.SIMPLE, OrderClass.OTO, OrderClass.BRACKET)[exits]

    def exit(self, *, profit: bool) -> ShareIntent:
        """Return the order that takes the profit, or the one that stops the loss."""
        limit = self.take_profit if profit else self.stop_loss_limit
        stopping = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
        return ShareIntent(
            symbol=self.symbol,
            side=self.side.opposite,
            qty=self.qty,
            type=OrderType.LIMIT if profit else stopping,
            limit=limit,
            stop=None if profit else self.stop_loss,
            tif=self.tif,
            opens=False,
        )

    @property
    def priced(self) -> bool:
        """Whether a limit bounds what is paid."""
        return self.limit is not None

    @property
    def fractional(self) -> bool:
        """Whether it asks for less than whole units."""
        return self.qty is None or self.qty != self.qty.to_integral_value()

    @property
    def facts(self) -> dict[str, Any]:
        """What it says, as values of JSON: numbers as exact text, nothing that is not said."""
        told: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value is not False:
                told[field.name] = plain(value) if isinstance(value, Decimal) else value
        return told

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> ShareIntent:
        """Return the intent whose facts these are."""
        numbers = (
            *("qty", "notional", "limit", "stop", "trail_price", "trail_percent"),
            *("take_profit", "stop_loss", "stop_loss_limit"),
        )
        return cls(
            symbol=facts["symbol"],
            side=Side(facts["side"]),
            type=OrderType(facts["type"]),
            tif=TimeInForce(facts["tif"]),
            extended_hours=facts.get("extended_hours", False),
            client_order_id=facts.get("client_order_id"),
            opens=facts.get("opens", False),
            **{name: Decimal(facts[name]) for name in numbers if name in facts},
        )

    def __str__(self) -> str:
        """Return the order as a person reads it: "buy 10 AAPL limit 230.5 day"."""
        size = f"${plain(self.notional)} of" if self.notional is not None else ""
        size = size or plain(self.qty or Decimal(0))
        return f"{self.side.value} {size} {self.symbol} {self.terms}"

    @property
    def terms(self) -> str:
        """How it is priced and how long it works: "stop_limit 9.5, stop 9.6, gtc"."""
        prices = (
            ("limit", self.limit),
            ("stop", self.stop),
            ("trail $", self.trail_price),
            ("trail %", self.trail_percent),
            ("take profit", self.take_profit),
            ("stop loss", self.stop_loss),
            ("stop loss limit", self.stop_loss_limit),
        )
        told = [f"{name} {plain(price)}" for name, price in prices if price is not None]
        hours = ["extended hours"] if self.extended_hours else []
        kind = [] if self.type is OrderType.LIMIT else [self.type.value]
        return ", ".join([*kind, *told, self.tif.value, *hours])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareAsset:
    """What the broker lets one do with a stock or a coin. shortable: and easy to borrow."""

    symbol: str
    kind: AssetClass
    tradable: bool
    fractionable: bool
    shortable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingShares:
    """What may still fill of an order that opens. qty and value in dollars: negative to sell.

    worst: dollars, >= 0, that it may lose.
    """

    symbol: str
    qty: Qty
    value: Dollars
    worst: Dollars

    def delta(self, underlying: str, spot: Price) -> float:
        """Return its share equivalents of an underlying, another's at a beta of 1."""
        return float(self.qty if self.symbol == underlying else self.value / spot)


def share_tick(symbol: str, price: Price) -> Price:
    """Return the smallest price step: a cent, a hundredth of one below a dollar; a coin's finer."""
    if asset_class(symbol) is AssetClass.CRYPTO:
        return FINEST
    return CENT if price >= 1 else SUB_DOLLAR_TICK


def _complaints(intent: ShareIntent) -> Iterator[str]:
    try:
        kind = intent.asset
    except ValueError as e:
        yield f"symbol: {e}"
        return
    if kind is AssetClass.OPTION:
        yield f"symbol: {intent.symbol} is an option; buy_option_limit trades those"
    yield from _size(intent)
    yield from _prices(intent)
    yield from _times(intent)
    yield from _exits(intent)
    name = intent.client_order_id
    if name is not None and (not _NAME.fullmatch(name) or name.startswith(_RESERVED)):
        yield f"client_order_id: {name!r:.40} is not 1 to 64 letters, digits, '.', '_' or '-'"


def _size(intent: ShareIntent) -> Iterator[str]:
    qty, notional = intent.qty, intent.notional
    if (qty is None) == (notional is None):
        yield "qty: give either a quantity or a notional amount of dollars"
    if qty is not None:
        if not qty.is_finite() or not 0 < qty <= QTY_MAX or not on_tick(qty, FINEST):
            yield f"qty: {qty} is not above 0, at most {QTY_MAX} and of 9 decimals"
        elif intent.fractional and not intent.is_coin and not _splits(intent):
            yield "qty: parts of a share take day orders that do not trail"
    if notional is not None:
        sane = notional.is_finite() and 1 <= notional <= NOTIONAL_MAX and on_tick(notional, CENT)
        if not sane:
            yield f"notional: {notional} is not from 1 to {NOTIONAL_MAX} dollars in whole cents"
        if intent.type is not OrderType.MARKET:
            yield "notional: an amount of dollars takes a market order"
        if not intent.is_coin and intent.tif is not TimeInForce.DAY:
            yield "notional: an amount of dollars in a stock takes a day order"


def _splits(intent: ShareIntent) -> bool:
    """Tell whether the broker takes parts of a share on its terms."""
    return intent.tif is TimeInForce.DAY and intent.type is not OrderType.TRAILING_STOP


def _prices(intent: ShareIntent) -> Iterator[str]:
    named = (("limit", intent.limit), ("stop", intent.stop), ("trail_price", intent.trail_price))
    given = {name for name, price in named[:2] if price is not None}
    if given != _NEEDS[intent.type]:
        wanted = " and ".join(sorted(_NEEDS[intent.type])) or "no limit and no stop"
        yield f"order type {intent.type.value} takes {wanted}"
    trails = [intent.trail_price, intent.trail_percent]
    wanted_trails = 1 if intent.type is OrderType.TRAILING_STOP else 0
    if sum(trail is not None for trail in trails) != wanted_trails:
        yield "a trailing stop, and no other type, takes one of trail_price and trail_percent"
    exits = (
        ("take_profit", intent.take_profit),
        ("stop_loss", intent.stop_loss),
        ("stop_loss_limit", intent.stop_loss_limit),
    )
    for name, price in (*named, *exits):
        if price is None:
            continue
        if not price.is_finite() or not 0 < price <= PRICE_MAX:
            yield f"{name}: {price} is not a price"
        elif not on_tick(price, tick := _tick(intent, name, price)):
            yield f"{name}: {price} is not a multiple of {plain(tick)}"
    percent = intent.trail_percent
    if percent is not None and not (percent.is_finite() and 0 < percent < 100):
        yield f"trail_percent: {percent} is not above 0 and below 100"


def _tick(intent: ShareIntent, name: str, price: Price) -> Price:
    if name == "trail_price" and not intent.is_coin:
        return CENT
    return share_tick(intent.symbol, price)


def _times(intent: ShareIntent) -> Iterator[str]:
    if intent.is_coin:
        if intent.type not in _COIN_TYPES:
            yield f"order type {intent.type.value} is not taken for coins"
        if intent.tif not in _COIN_TIMES:
            yield f"time_in_force {intent.tif.value} is not taken for coins: gtc or ioc"
        if intent.extended_hours:
            yield "extended_hours: coins trade at all hours"
        return
    if intent.type not in _AT_ONCE and intent.tif not in _RESTING:
        yield f"a stop order works for the day or gtc, not {intent.tif.value}"
    if intent.extended_hours and not (
        intent.type is OrderType.LIMIT and intent.tif is TimeInForce.DAY
    ):
        yield "extended_hours: only a limit day order works outside regular hours"


def _exits(intent: ShareIntent) -> Iterator[str]:
    profit, stop, way = intent.take_profit, intent.stop_loss, intent.side.sign
    if intent.stop_loss_limit is not None and stop is None:
        yield "stop_loss_limit goes with stop_loss"
    if intent.order_class is OrderClass.SIMPLE:
        return
    if intent.is_coin or intent.fractional or intent.extended_hours:
        yield "take_profit and stop_loss go with whole shares of a stock in regular hours"
    if intent.type not in _AT_ONCE or intent.tif not in _RESTING:
        yield "take_profit and stop_loss go with market and limit orders, day or gtc"
    begins = (("the limit", intent.limit), ("take_profit", profit))
    for name, price in begins:
        if stop is not None and price is not None and (price - stop) * way <= 0:
            yield f"stop_loss: {stop} is not on the losing side of {name}, {price}"
    if profit is not None and intent.limit is not None and (profit - intent.limit) * way <= 0:
        yield f"take_profit: {profit} is not on the winning side of the limit, {intent.limit}"
