"""When an order trades and at what: the touch, never worse than the limit.

A buy takes the ask, a sale the bid; a limit better than the touch is improved to it. The
legs of a multi-leg order trade together or not at all, each at its own touch, when the net
is within the limit. There a holding nobody bids for may be sold for nothing, so that a
spread with a worthless wing can be closed whole; alone it waits for a bid, and nothing is
ever sold short for nothing. Against a crossed quote nothing trades. Displayed size is not
checked unless the rules say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from hashlib import blake2b
from typing import Final

import msgspec

from common.contracts import AssetClass, asset_class
from common.ids import ExecutionId, OrderId
from common.money import ZERO, Dollars, Price, Qty, cent
from common.orders import PositionIntent, Side, TimeInForce
from common.quotes import Quote
from paper_exchange.engine import fees
from paper_exchange.engine.events import LegFill, OrderFilled, OrderRejected
from paper_exchange.engine.ledger import Book, Entry
from paper_exchange.engine.margin import excess, holdings
from paper_exchange.engine.market import FillRules, Market
from paper_exchange.engine.names import derived
from paper_exchange.engine.orders import LegState, OrderState
from paper_exchange.engine.positions import NINE_PLACES, shares_per_unit, trade
from paper_exchange.engine.state import AccountState

_BOOKS: Final = (Book.CASH, Book.HELD, Book.POSITIONS, Book.FEES, Book.REALISED)
_CASH: Final = Book.CASH
_HELD: Final = Book.HELD
_OWN: Final = frozenset({_CASH, _HELD})  # what cash is
UNAFFORDABLE: Final = "insufficient buying power at the time of the fill"


class Touch(msgspec.Struct, frozen=True, gc=False):
    """What taking an order's legs costs now: per leg, and net. size: units displayed."""

    prices: tuple[Price, ...]
    net: Price
    size: int


def touch(order: OrderState, quotes: Mapping[str, Quote | None]) -> Touch | None:
    """Return the far touch of every leg, None where a leg has none."""
    if order.legs:
        return _net_touch(order.legs, quotes)
    quote = quotes.get(order.symbol)
    if quote is None or (quote.ask < quote.bid and quote.ask > 0):
        return None
    if order.side is Side.SELL:
        price, size = quote.bid, quote.bid_size
    else:
        price, size = quote.ask, quote.ask_size
    return Touch((price,), price, size) if price > 0 else None


def _net_touch(legs: tuple[LegState, ...], quotes: Mapping[str, Quote | None]) -> Touch | None:
    prices: list[Price] = []
    sizes: list[int] = []
    net = ZERO
    for leg in legs:
        quote = quotes.get(leg.symbol)
        if quote is None or 0 < quote.ask < quote.bid:
            return None
        price, size = (
            (quote.ask, quote.ask_size) if leg.side is Side.BUY else (quote.bid, quote.bid_size)
        )
        given_away = leg.position_intent is PositionIntent.SELL_TO_CLOSE and quote.ask > 0
        if price <= 0 and not given_away:
            return None
        prices.append(max(price, ZERO))
        sizes.append(size // leg.ratio)
        net += prices[-1] * leg.signed_ratio
    return Touch(tuple(prices), net, min(sizes))


def marketable(order: OrderState, at: Touch) -> bool:
    """Return whether an order's bound allows the touch; a market order's always does."""
    bound = order.bound
    if bound is None:
        return True
    if order.side is Side.SELL:
        return at.net >= bound
    return at.net <= bound


def execute(
    state: AccountState, order: OrderState, market: Market, now: datetime
) -> OrderFilled | OrderRejected | None:
    """Return the trade of an order at the market as it stands; None when it must wait.

    order: as accepted; state may not know it yet. A trade that would leave less equity
    free than none, and less than before, is rejected instead: prices have moved since the
    order was admitted. A liquidation trades all the same.
    """
    at = touch(order, market.quotes)
    if at is None or not marketable(order, at):
        return None
    qty = _units(state, order, at, market.rules.fills)
    if qty <= 0:
        return None
    filled = _filled(state, order, at, qty, market, now)
    paid = order.liquidation or _affordable(state, order, filled, market)
    return filled if paid else _rejected(order, now)


def release(amount: Dollars) -> tuple[Entry, ...]:
    """Return the posting that frees reserved dollars."""
    if amount == 0:
        return ()
    return (Entry(_HELD, -amount), Entry(_CASH, amount))


def _units(state: AccountState, order: OrderState, at: Touch, rules: FillRules) -> Qty:
    """Return how much trades now."""
    qty = order.remaining
    if order.notional is not None:
        qty = (order.notional / at.net).quantize(NINE_PLACES, rounding=ROUND_FLOOR)
        if order.position_intent is not None and not order.position_intent.opens:
            claimed = state.together.claims.get(order.symbol, ZERO)
            there = state.qty(order.symbol) * (order.side or Side.BUY).opposite.sign
            qty = min(qty, max(there - claimed, ZERO))
        return qty
    if not (rules.respect_size or rules.partial_probability > 0):
        return qty
    if order.time_in_force is TimeInForce.FOK:
        return qty if not rules.respect_size or qty <= at.size else ZERO
    if rules.respect_size:
        qty = min(qty, Decimal(at.size))
    if rules.partial_probability > 0 and qty > 1 and qty == qty.to_integral_value():
        chance, part = _draw(rules.seed, order)
        if chance < rules.partial_probability:
            qty = max(Decimal(int(qty * Decimal(part))), Decimal(1))
    return qty


def _draw(seed: int, order: OrderState) -> tuple[float, float]:
    """Return two numbers in [0, 1) that this execution of this order always draws."""
    digest = blake2b(f"{seed}:{order.id}:{order.fills}".encode(), digest_size=16).digest()
    return (
        int.from_bytes(digest[:8]) / 2**64,
        int.from_bytes(digest[8:]) / 2**64,
    )


def _filled(
    state: AccountState, order: OrderState, at: Touch, qty: Qty, market: Market, now: datetime
) -> OrderFilled:
    execution = ExecutionId(derived(order.id, f"execution {order.fills + 1}"))
    traded = _trades(state, order, execution, at, qty)
    paid = cost = realised = ZERO
    for leg in traded:
        paid += leg.paid
        cost += leg.cost
        realised += leg.realised
    day = market.session.day_of(now)
    accruals, charged = _fees(state, traded, day, market)
    remaining = order.remaining
    complete = order.notional is not None or qty == remaining
    hold = ZERO if complete else cent(order.hold * (1 - qty / remaining))
    freed = order.hold - hold
    amounts = (freed - charged - paid, -freed, cost, charged, -realised)
    return OrderFilled(
        order_id=order.id,
        execution_id=execution,
        qty=qty,
        price=at.net,
        complete=complete,
        fills=tuple([leg.fill for leg in traded]),
        hold=hold,
        fees=charged,
        fee_day=day,
        fee_accruals=accruals,
        posting=tuple(
            [Entry(book, amount) for book, amount in zip(_BOOKS, amounts, strict=True) if amount]
        ),
        at=now,
    )


class _Traded(msgspec.Struct, frozen=True, gc=False):
    """One leg's execution: what it adds to cost, the profit it takes, the dollars it pays."""

    fill: LegFill
    cost: Dollars
    realised: Dollars
    paid: Dollars


def _trades(
    state: AccountState, order: OrderState, execution: ExecutionId, at: Touch, qty: Qty
) -> list[_Traded]:
    """Return what each leg trades, or the order itself when it is simple."""
    if not order.legs:
        side = order.side or Side.BUY
        return [_traded(state, order.id, execution, order.symbol, side, qty, at.net)]
    return [
        _traded(
            state,
            leg.id,
            ExecutionId(derived(execution, f"leg {number}")),
            leg.symbol,
            leg.side,
            qty * leg.ratio,
            price,
        )
        for number, (leg, price) in enumerate(zip(order.legs, at.prices, strict=True))
    ]


def _traded(
    state: AccountState,
    order_id: OrderId,
    execution: ExecutionId,
    symbol: str,
    side: Side,
    qty: Qty,
    price: Price,
) -> _Traded:
    held = state.positions.get(symbol)
    signed = qty * side.sign
    paid = cent(signed * price * shares_per_unit(symbol))
    after = trade(held, signed, paid)
    cost = after.cost - held.cost if held is not None else after.cost
    fill = LegFill(
        order_id=order_id,
        execution_id=execution,
        symbol=symbol,
        side=side,
        qty=qty,
        price=price,
        cost=cost,
        position_qty=after.qty,
    )
    return _Traded(fill, cost, after.realised, paid)


def _fees(
    state: AccountState, traded: Sequence[_Traded], day: date, market: Market
) -> tuple[fees.Accruals, Dollars]:
    """Return the day's accruals after an execution, and what it is charged."""
    before = state.fee_accruals if state.fee_day == day else fees.NONE
    asset = asset_class(traded[0].fill.symbol)
    if asset is AssetClass.EQUITY or not market.rules.fees:
        return before, ZERO
    legs = [(leg.fill.side, leg.fill.qty) for leg in traded]
    gross = sum((abs(leg.paid) for leg in traded), ZERO)
    return fees.charge(before, fees.accruals(asset, legs, gross, day))


def _affordable(
    state: AccountState, order: OrderState, filled: OrderFilled, market: Market
) -> bool:
    """Whether the account keeps free equity, or at least loses none, by a trade.

    The order's own hold is spent on it; those of other orders stay.
    """
    others = state.held
    if order.id in state.working:
        others -= order.hold
    cash = state.cash
    for entry in filled.posting:
        if entry.book in _OWN:
            cash += entry.amount
    qtys = holdings(state)
    for fill in filled.fills:
        qtys[fill.symbol] = fill.position_qty
    free = excess(state, market, cash=cash, held=others + filled.hold, qtys=qtys)
    return free >= 0 or free >= excess(state, market, held=others)


def _rejected(order: OrderState, now: datetime) -> OrderRejected:
    return OrderRejected(
        order_id=order.id, reason=UNAFFORDABLE, posting=release(order.hold), at=now
    )
