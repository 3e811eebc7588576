"""When an order trades and at what: the touch, never worse than the limit.

A buy takes the ask, a sale the bid; a limit better than the touch is improved to it. The
legs of a multi-leg order trade together or not at all, each at its own touch, when the net
is within the limit. There a holding nobody bids for may be sold for nothing, so that a
spread with a worthless wing can be closed whole; alone it waits for a bid, and nothing is
ever sold short for nothing. Against a crossed quote nothing trades. Displayed size is not
checked unless the rules say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from hashlib import blake2b
from typing import Final
from uuid import UUID, uuid5

from common.contracts import asset_class
from common.ids import ExecutionId, OrderId
from common.money import ZERO, Dollars, Price, Qty, cent
from common.orders import PositionIntent, Side, TimeInForce
from common.quotes import Quote
from common.session import trading_day
from paper_exchange.engine import fees
from paper_exchange.engine.events import LegFill, OrderFilled, OrderRejected
from paper_exchange.engine.ledger import Book, Entry
from paper_exchange.engine.margin import excess, holdings
from paper_exchange.engine.market import FillRules, Market
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import NINE_PLACES, shares_per_unit, trade
from paper_exchange.engine.state import AccountState

UNAFFORDABLE: Final = "insufficient buying power at the time of the fill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What taking an order's legs costs now: per leg, and net. size: units displayed."""

    prices: tuple[Price, ...]
    net: Price
    size: Decimal


def touch(order: OrderState, quotes: Mapping[str, Quote | None]) -> Touch | None:
    """Return the far touch of every leg, None where a leg has none."""
    prices: list[Price] = []
    sizes: list[Decimal] = []
    net = ZERO
    given_away = [
        leg.symbol for leg in order.legs if leg.position_intent is PositionIntent.SELL_TO_CLOSE
    ]
    for symbol, side, ratio in _sides(order):
        quote = quotes.get(symbol)
        if quote is None or 0 < quote.ask < quote.bid:
            return None
        price, size = (
            (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
        )
        if price <= 0 and not (symbol in given_away and quote.ask > 0):
            return None
        prices.append(max(price, ZERO))
        sizes.append(Decimal(size // ratio))
        net += prices[-1] * ratio * (side.sign if order.is_mleg else 1)
    return Touch(prices=tuple(prices), net=net, size=min(sizes))


def marketable(order: OrderState, at: Touch) -> bool:
    """Return whether an order's bound allows the touch; a market order's always does."""
    bound = order.bound
    if bound is None:
        return True
    if not order.is_mleg and order.side is Side.SELL:
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
    return (Entry(Book.HELD, -amount), Entry(Book.CASH, amount))


def _sides(order: OrderState) -> tuple[tuple[str, Side, int], ...]:
    if order.legs:
        return tuple((leg.symbol, leg.side, leg.ratio) for leg in order.legs)
    return ((order.symbol, order.side or Side.BUY, 1),)


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
    if order.time_in_force is TimeInForce.FOK:
        return qty if not rules.respect_size or qty <= at.size else ZERO
    if rules.respect_size:
        qty = min(qty, at.size)
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
    execution = uuid5(UUID(order.id), f"execution {order.fills + 1}")
    ids = [leg.id for leg in order.legs] or [order.id]
    day = trading_day(now)
    books = dict.fromkeys(Book, ZERO)
    fills: list[LegFill] = []
    gross = ZERO
    for number, ((symbol, side, ratio), price) in enumerate(
        zip(_sides(order), at.prices, strict=True)
    ):
        own = uuid5(execution, f"leg {number}") if order.is_mleg else execution
        fill, realised, paid = _leg(state, ids[number], own, symbol, side, qty * ratio, price)
        fills.append(fill)
        gross += abs(paid)
        books[Book.CASH] -= paid
        books[Book.POSITIONS] += fill.cost
        books[Book.REALISED] -= realised
    accruals, charged = _fees(state, fills, gross, day, market)
    complete = order.notional is not None or qty == order.remaining
    hold = ZERO if complete else cent(order.hold * (1 - qty / order.remaining))
    books[Book.CASH] += order.hold - hold - charged
    books[Book.HELD] -= order.hold - hold
    books[Book.FEES] += charged
    return OrderFilled(
        order_id=order.id,
        execution_id=ExecutionId(str(execution)),
        qty=qty,
        price=at.net,
        complete=complete,
        fills=tuple(fills),
        hold=hold,
        fees=charged,
        fee_day=day,
        fee_accruals=accruals,
        posting=tuple(Entry(book, amount) for book, amount in books.items() if amount),
        at=now,
    )


def _leg(
    state: AccountState,
    order_id: OrderId,
    execution: UUID,
    symbol: str,
    side: Side,
    qty: Qty,
    price: Price,
) -> tuple[LegFill, Dollars, Dollars]:
    """Return one leg's execution, the profit it takes and the dollars it pays."""
    held = state.positions.get(symbol)
    paid = cent(side.sign * qty * price * shares_per_unit(symbol))
    after = trade(held, side.sign * qty, paid)
    fill = LegFill(
        order_id=order_id,
        execution_id=ExecutionId(str(execution)),
        symbol=symbol,
        side=side,
        qty=qty,
        price=price,
        cost=after.cost - (held.cost if held else ZERO),
        position_qty=after.qty,
    )
    return fill, after.realised, paid


def _fees(
    state: AccountState, fills: list[LegFill], gross: Dollars, day: date, market: Market
) -> tuple[fees.Accruals, Dollars]:
    """Return the day's accruals after an execution, and what it is charged."""
    before = state.fee_accruals if state.fee_day == day else fees.NONE
    if not market.rules.fees:
        return before, ZERO
    trades = [(fill.side, fill.qty) for fill in fills]
    return fees.charge(before, fees.accruals(asset_class(fills[0].symbol), trades, gross, day))


def _affordable(
    state: AccountState, order: OrderState, filled: OrderFilled, market: Market
) -> bool:
    """Whether the account keeps free equity, or at least loses none, by a trade.

    The order's own hold is spent on it; those of other orders stay.
    """
    known = order.id in state.working
    others = state.held - (order.hold if known else ZERO)
    cash = state.cash + sum(
        (entry.amount for entry in filled.posting if entry.book in (Book.CASH, Book.HELD)), ZERO
    )
    qtys = holdings(state)
    for fill in filled.fills:
        qtys[fill.symbol] = fill.position_qty
    free = excess(state, market, cash=cash, held=others + filled.hold, qtys=qtys)
    return free >= 0 or free >= excess(state, market, held=others)


def _rejected(order: OrderState, now: datetime) -> OrderRejected:
    return OrderRejected(
        order_id=order.id, reason=UNAFFORDABLE, posting=release(order.hold), at=now
    )
