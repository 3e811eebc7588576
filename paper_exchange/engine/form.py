"""Whether an order makes sense by itself: what it names exists and its numbers fit.

Nothing here looks at the account beyond the ids it has used.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from math import gcd
from types import MappingProxyType
from typing import Final

from common.contracts import AssetClass, OptionContract
from common.ids import CLIENT_ORDER_ID_MAX
from common.money import CENT, on_tick, plain
from common.orders import OrderClass, OrderType, PositionIntent
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.groups import check_group
from paper_exchange.engine.market import Listing, Market
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.state import AccountState
from paper_exchange.engine.terms import check_prices, check_terms, check_ticks
from paper_exchange.engine.triggers import check_stop

QTY_MAX: Final = Decimal(1_000_000_000)
LEGS: Final = range(2, 5)
MINIMUM: Final = MappingProxyType(  # dollars
    {AssetClass.EQUITY: Decimal(1), AssetClass.CRYPTO: Decimal(10)}
)


def check_form(
    state: AccountState, command: SubmitOrder, market: Market, now: datetime
) -> tuple[Listing, ...]:
    """Return what an order trades, one listing a leg; raise Refused for what cannot be."""
    _client_order_id(state, command)
    prices = check_prices(command)
    if command.order_class is OrderClass.MLEG:
        _legs(command)
        listings = tuple(_listing(leg.symbol, market, now) for leg in command.legs)
        _one_underlying(listings)
    else:
        listings = (_simple(command, market, now),)
    listing = listings[0]
    _quantity(command, listing)
    fractional = is_fractional(command)
    check_terms(command, listing, fractional=fractional)
    check_ticks(command, listing, prices)
    quote = market.quote(listing.symbol)
    check_group(command, listing, quote, fractional=fractional)
    if command.stop_price is not None and not command.elected:
        check_stop(command, quote)
    if (
        listing.contract is not None
        and command.type is OrderType.MARKET
        and not market.is_open(listing, now)
    ):
        raise refusals.unprocessable("options market orders are only allowed during market hours")
    return listings


def check_cut_off(
    listings: tuple[Listing, ...],
    intents: tuple[PositionIntent, ...],
    market: Market,
    now: datetime,
) -> None:
    """Refuse to open what expires today once the broker's last minute for it is past."""
    for listing, intent in zip(listings, intents, strict=True):
        contract = listing.contract
        if contract is None or not intent.opens:
            continue
        session = market.session
        cut_off = session.last_order(contract.underlying, market.rules.cut_offs)
        if contract.expiry == session.day and now >= cut_off:
            raise refusals.expires_soon(listing.symbol)


def _client_order_id(state: AccountState, command: SubmitOrder) -> None:
    given = command.client_order_id
    if given is None:
        return
    if len(given) > CLIENT_ORDER_ID_MAX:
        raise refusals.invalid(f"client_order_id must be at most {CLIENT_ORDER_ID_MAX} characters")
    if given in state.client_ids:
        raise refusals.invalid("client_order_id must be unique")


def _legs(command: SubmitOrder) -> None:
    if command.symbol:
        raise refusals.invalid("symbol is not allowed for mleg order")
    if len(command.legs) not in LEGS:
        raise refusals.invalid("mleg order must have between 2 and 4 legs")
    if len({leg.symbol for leg in command.legs}) < len(command.legs):
        raise refusals.invalid("mleg order legs must have unique symbols")
    ratios = [leg.ratio for leg in command.legs]
    if min(ratios) <= 0:
        raise refusals.invalid("ratio_qty must be > 0")
    common = gcd(*ratios)
    if common > 1:
        shown = " ".join(str(ratio) for ratio in ratios)
        raise refusals.unprocessable(
            f"leg ratio quantities should be relatively prime: GCD[{shown}] = {common}"
        )
    if any(contract_or_none(leg.symbol) is None for leg in command.legs):
        raise refusals.invalid("mleg order legs must be option contracts")


def _one_underlying(listings: tuple[Listing, ...]) -> None:
    if len({listing.underlying for listing in listings}) > 1:
        raise refusals.unprocessable("underlying asset mismatch")


def _simple(command: SubmitOrder, market: Market, now: datetime) -> Listing:
    if command.legs:
        raise refusals.invalid("legs are only allowed for mleg order")
    if not command.symbol:
        raise refusals.invalid("symbol is required")
    if command.side is None:
        raise refusals.invalid("side is required")
    return _listing(command.symbol, market, now)


def _listing(symbol: str, market: Market, now: datetime) -> Listing:
    listing = market.listings.get(symbol)
    contract = contract_or_none(symbol) if listing is None else listing.contract
    if contract is not None and contract.expiry < _earliest(listing, market, now):
        raise refusals.invalid(f"asset {symbol} is not active")
    if listing is None:
        raise refusals.unprocessable(f'asset "{symbol:.40}" not found')
    return listing


def _earliest(listing: Listing | None, market: Market, now: datetime) -> date:
    """Return the first expiry that can still trade."""
    session = market.session if listing is None else market.trading_session(listing, now)
    return session.day


def contract_or_none(symbol: str) -> OptionContract | None:
    """Return the contract a text names, None for anything else, nonsense included."""
    try:
        return contract_of(symbol)
    except ValueError:
        return None


def _quantity(command: SubmitOrder, listing: Listing) -> None:
    qty, notional = command.qty, command.notional
    if qty is None and notional is None:
        raise refusals.invalid("qty or notional is required")
    if qty is not None and notional is not None:
        raise refusals.invalid("only one of qty or notional is accepted")
    if qty is not None:
        _units(qty, listing)
    if notional is not None:
        _notional(command, notional, listing)


def _units(qty: Decimal, listing: Listing) -> None:
    if not qty.is_finite() or qty <= 0:
        raise refusals.invalid("qty must be > 0")
    if qty > QTY_MAX:
        raise refusals.invalid(f"qty must be <= {plain(QTY_MAX)}")
    if listing.contract is not None and qty != qty.to_integral_value():
        raise refusals.invalid("qty must be a whole number of contracts")


def _notional(command: SubmitOrder, notional: Decimal, listing: Listing) -> None:
    minimum = MINIMUM.get(listing.asset_class)
    if minimum is None:
        raise refusals.invalid("notional is not allowed for option orders")
    if command.type is not OrderType.MARKET:
        raise refusals.unprocessable("notional orders must be market orders")
    if not notional.is_finite() or notional < minimum:
        if listing.asset_class is AssetClass.CRYPTO:
            raise refusals.too_small(minimum)
        raise refusals.unprocessable("notional amount must be >= 1.00")
    if not on_tick(notional, CENT) or notional > QTY_MAX:
        raise refusals.invalid("notional must be whole cents")


def is_fractional(command: SubmitOrder) -> bool:
    """Whether it asks for less than whole units somewhere."""
    return command.qty is None or command.qty != command.qty.to_integral_value()
