"""Whether each leg opens or closes, and that what it closes is there and free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.contracts import AssetClass
from common.money import ZERO, Qty, plain
from common.orders import OrderType, PositionIntent, Side
from paper_exchange.engine import refusals
from paper_exchange.engine.commands import SubmitOrder
from paper_exchange.engine.form import is_fractional
from paper_exchange.engine.market import Listing
from paper_exchange.engine.orders import GROUPS, OrderState
from paper_exchange.engine.state import AccountState


def infer_intents(state: AccountState, command: SubmitOrder) -> tuple[PositionIntent, ...]:
    """Return what holdings make of each leg; refuse a stated intent they contradict."""
    if not command.legs:
        side = command.side or Side.BUY
        return (_inferred(state, command.symbol, side, command.position_intent),)
    return tuple(
        _inferred(state, leg.symbol, leg.side, leg.position_intent) for leg in command.legs
    )


def _inferred(
    state: AccountState, symbol: str, side: Side, said: PositionIntent | None
) -> PositionIntent:
    inferred = PositionIntent.of(side, opens=state.qty(symbol) * side.sign >= 0)
    if said is not None and said is not inferred:
        raise refusals.intent_mismatch(inferred.value, said.value)
    return inferred


def check_closing(
    state: AccountState,
    closing: Mapping[str, Qty],
    listings: Iterable[Listing],
) -> None:
    """Refuse to close more of a symbol than is held and not claimed by working orders."""
    for symbol, qty in closing.items():
        held = abs(state.qty(symbol))
        available = max(held - state.together.claims.get(symbol, ZERO), ZERO)
        if qty <= available:
            continue
        listing = next(listing for listing in listings if listing.symbol == symbol)
        raise _too_much(state, listing, qty, held, available)


def _too_much(
    state: AccountState, listing: Listing, qty: Qty, held: Qty, available: Qty
) -> refusals.Refused:
    if listing.asset_class is AssetClass.CRYPTO:
        coin = listing.symbol.partition("/")[0]
        return refusals.forbidden(
            f"insufficient balance for {coin} "
            f"(requested: {plain(qty)}, available: {plain(available)})"
        )
    if listing.asset_class is AssetClass.OPTION and qty > held and state.qty(listing.symbol) > 0:
        return refusals.uncovered()  # the rest of the sale would be a naked short
    orders = [order.id for order in state.working_orders() if listing.symbol in order.closing()]
    return refusals.quantity(listing.symbol, qty, held, available, orders)


def check_short_sale(command: SubmitOrder, listing: Listing, intent: PositionIntent) -> None:
    """Refuse to sell short what cannot be borrowed, or in parts of a share."""
    if intent is not PositionIntent.SELL_TO_OPEN or listing.asset_class is AssetClass.OPTION:
        return
    if listing.asset_class is AssetClass.CRYPTO:
        coin = listing.symbol.partition("/")[0]
        raise refusals.forbidden(
            f"insufficient balance for {coin} "
            f"(requested: {plain(command.qty or ZERO)}, available: 0)"
        )
    if is_fractional(command):
        raise refusals.unprocessable("fractional orders cannot be sold short")
    if not listing.shortable:
        raise refusals.unprocessable(f'asset "{listing.symbol}" cannot be sold short')


def check_notional(state: AccountState, command: SubmitOrder, intent: PositionIntent) -> None:
    """Refuse to open by an amount of money while orders wait that close the position."""
    waiting = state.together.claims.get(command.symbol, ZERO) > 0
    if command.notional is not None and intent.opens and waiting:
        raise refusals.unprocessable(
            "unable to open new notional orders while having open closing position orders"
        )


def check_crossing(state: AccountState, command: SubmitOrder, intent: PositionIntent) -> None:
    """Refuse a simple order that would trade with the account's own, or oppose its opening."""
    if command.legs:
        return
    for order_id in state.together.opposing(command.symbol, command.side or Side.BUY):
        order = state.orders[order_id]
        if order.position_intent is not None and order.position_intent.opens and intent.opens:
            raise refusals.forbidden(
                "cannot open a long buy while a short sell order is open"
                if intent.side is Side.BUY
                else "cannot open a short sell while a long buy order is open"
            )
        if (reason := _wash(order, command)) is not None:
            raise refusals.forbidden(
                "potential wash trade detected. use complex orders",
                existing_order_id=order.id,
                reject_reason=reason,
            )


def _wash(order: OrderState, command: SubmitOrder) -> str | None:
    if OrderType.TRAILING_STOP in (order.type, command.type):
        return None
    if command.order_class in GROUPS or order.order_class in GROUPS:
        return None
    if order.limit_price is None or command.limit_price is None or order.watching:
        return "opposite side market/stop order exists"
    if command.side is Side.BUY:
        if command.limit_price >= order.limit_price:
            return (
                "sell order exists, buy limit price should be less than existing sell limit price"
            )
    elif command.limit_price <= order.limit_price:
        return "buy order exists, sell limit price should be greater than existing buy limit price"
    return None
