"""What may be combined: type, time in force and class by kind of asset, and their prices.

Tables, in the broker's words where they are known; texts without a known original are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from common.contracts import AssetClass, option_tick
from common.money import CENT, Price, on_tick
from common.orders import OrderClass, OrderType, TimeInForce
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.market import Listing
from paper_exchange.engine.orders import STOPS
from paper_exchange.engine.triggers import SUB_DOLLAR_TICK

_PRICES: Final[Mapping[OrderType, tuple[frozenset[str], str]]] = {
    OrderType.MARKET: (frozenset(), "market orders require no stop or limit price"),
    OrderType.LIMIT: (frozenset({"limit_price"}), "limit orders require a limit price"),
    OrderType.STOP: (frozenset({"stop_price"}), "stop orders require a stop price"),
    OrderType.STOP_LIMIT: (
        frozenset({"limit_price", "stop_price"}),
        "stop limit orders require both stop and limit price",
    ),
    OrderType.TRAILING_STOP: (
        frozenset(),
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
}
_SHAPES: Final[Mapping[OrderType, tuple[bool, bool, int]]] = {  # limit, stop, trails
    OrderType.MARKET: (False, False, 0),
    OrderType.LIMIT: (True, False, 0),
    OrderType.STOP: (False, True, 0),
    OrderType.STOP_LIMIT: (True, True, 0),
    OrderType.TRAILING_STOP: (False, False, 1),
}
_ALONE: Final = "no other price is accepted for {} orders"  # ours

_TYPES: Final[Mapping[AssetClass, tuple[frozenset[OrderType], str]]] = {
    AssetClass.EQUITY: (frozenset(OrderType), ""),
    AssetClass.OPTION: (
        frozenset(OrderType) - {OrderType.TRAILING_STOP},
        "invalid order type for options trading",
    ),
    AssetClass.CRYPTO: (
        frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT}),
        "invalid order type for crypto order",
    ),
}
_TIMES: Final[Mapping[AssetClass, tuple[frozenset[TimeInForce], str]]] = {
    AssetClass.EQUITY: (frozenset(TimeInForce), ""),
    AssetClass.OPTION: (
        frozenset({TimeInForce.DAY, TimeInForce.GTC}),
        "invalid time_in_force",
    ),
    AssetClass.CRYPTO: (
        frozenset({TimeInForce.GTC, TimeInForce.IOC}),
        "invalid crypto time_in_force",
    ),
}
_RESTING: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})


def check_prices(command: SubmitOrder) -> list[tuple[str, Price]]:
    """Return the prices of an order by name; refuse what its type lacks, or does not know."""
    shape = (
        command.limit_price is not None,
        command.stop_price is not None,
        (command.trail_price is not None) + (command.trail_percent is not None),
    )
    if shape != _SHAPES[command.type]:
        _check_shape(command)
    prices = [
        (name, price)
        for name, price in (
            ("limit_price", command.limit_price),
            ("stop_price", command.stop_price),
            ("take_profit.limit_price", command.take_profit),
            ("stop_loss.stop_price", command.stop_loss),
            ("stop_loss.limit_price", command.stop_loss_limit),
        )
        if price is not None
    ]
    for name, price in prices:
        if price <= 0 and not (name == "limit_price" and command.order_class is OrderClass.MLEG):
            raise refusals.invalid(f"{name} must be > 0")
    if shape[2]:
        _check_trail(command)
    return prices


def _check_shape(command: SubmitOrder) -> None:
    given = {name for name in ("limit_price", "stop_price") if getattr(command, name) is not None}
    needed, text = _PRICES[command.type]
    trails = [trail for trail in (command.trail_price, command.trail_percent) if trail is not None]
    if needed - given or (command.type is OrderType.TRAILING_STOP) != (len(trails) == 1):
        trailing = _PRICES[OrderType.TRAILING_STOP][1]
        raise refusals.invalid(trailing if trails and not needed - given else text)
    if given - needed:
        alone = command.type is OrderType.MARKET
        raise refusals.invalid(text if alone else _ALONE.format(command.type.value))


def _check_trail(command: SubmitOrder) -> None:
    _positive("trail_price", command.trail_price)
    _positive("trail_percent", command.trail_percent)
    if command.trail_percent is not None and command.trail_percent >= 100:
        raise refusals.invalid("trail_percent must be < 100")


def check_terms(command: SubmitOrder, listing: Listing, *, fractional: bool) -> None:
    """Refuse a type or a time in force that an asset does not take."""
    types, wrong_type = _TYPES[listing.asset_class]
    if command.type not in types:
        raise refusals.unprocessable(wrong_type)
    stop = command.type in STOPS
    if stop and command.order_class is OrderClass.MLEG:
        raise refusals.unprocessable("mleg orders must be market or limit orders")
    times, wrong_time = _TIMES[listing.asset_class]
    if command.time_in_force not in times:
        raise refusals.unprocessable(wrong_time)
    if command.extended_hours and not _may_extend(command, listing):
        raise refusals.unprocessable("extended hours order must be DAY or GTC limit orders")
    dying = command.time_in_force not in _RESTING
    if stop and dying and listing.asset_class is not AssetClass.CRYPTO:
        raise refusals.unprocessable("invalid time_in_force")
    if not fractional or listing.asset_class is not AssetClass.EQUITY:
        return
    if not listing.fractionable:
        raise refusals.unprocessable("requested asset is not fractionable")
    if command.time_in_force is not TimeInForce.DAY:
        raise refusals.unprocessable("fractional orders must be DAY orders")
    if command.type is OrderType.TRAILING_STOP:
        raise refusals.unprocessable("fractional orders cannot be trailing stop orders")


def _may_extend(command: SubmitOrder, listing: Listing) -> bool:
    return (
        listing.asset_class is AssetClass.EQUITY
        and command.type is OrderType.LIMIT
        and command.time_in_force in _RESTING
    )


def check_ticks(
    command: SubmitOrder, listing: Listing, prices: Iterable[tuple[str, Price]]
) -> None:
    """Refuse prices between ticks, of those an order has by name."""
    for name, price in prices:
        if not on_tick(price, _tick_of(command, listing, price)):
            raise refusals.sub_penny(name, price)


def _positive(name: str, value: Decimal | None) -> None:
    if value is not None and value <= 0:
        raise refusals.invalid(f"{name} must be > 0")


def _tick_of(command: SubmitOrder, listing: Listing, price: Price) -> Price:
    if command.order_class is OrderClass.MLEG:
        return CENT
    match listing.asset_class:
        case AssetClass.OPTION:
            return option_tick(listing.underlying, price)
        case AssetClass.EQUITY:
            return CENT if price >= 1 else SUB_DOLLAR_TICK
        case AssetClass.CRYPTO:
            return Decimal("0.000000001")
