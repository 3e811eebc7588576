"""When orders run out, and what an option is worth the day it expires.

A simplification, stated: options that expire are settled in cash at their intrinsic value
against the official close, long and short alike, the same day. Alpaca exercises into
shares overnight.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from common.money import ZERO, Dollars, Price, cent
from common.orders import TimeInForce
from common.session import new_york, trading_day
from paper_exchange.engine.commands import EndDay
from paper_exchange.engine.events import DayEnded, Event, OptionSettled, OrderExpired
from paper_exchange.engine.figures import maintenance
from paper_exchange.engine.ledger import Book, Entry
from paper_exchange.engine.margin import holdings, spread_margin
from paper_exchange.engine.market import Listing, Market
from paper_exchange.engine.matching import release
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import PositionState, contract_of
from paper_exchange.engine.state import AccountState

GTC_LIFE: Final = timedelta(days=90)
GTC_AT: Final = time(16, 15)  # New York


def expires_at(
    time_in_force: TimeInForce, listing: Listing, market: Market, now: datetime
) -> datetime | None:
    """Return when an order entered now is taken off; None when at once or never by time.

    A GTC order lives 90 days, and no longer than the contract it is in: that one ends with
    its day, by EndDay.
    """
    match time_in_force:
        case TimeInForce.DAY:
            return market.closes_at(listing, now)
        case TimeInForce.GTC:
            return new_york(trading_day(now) + GTC_LIFE, GTC_AT)
        case TimeInForce.IOC:
            return None


def expired(order: OrderState, now: datetime) -> OrderExpired:
    """Return the end of an order whose time ran out."""
    return OrderExpired(order_id=order.id, posting=release(order.hold), at=now)


def end_day(state: AccountState, command: EndDay, market: Market, now: datetime) -> list[Event]:
    """Expire what ran out, settle what expired, and note the equity the day ends with.

    Done once a day: a second time it decides nothing. market quotes everything held.
    """
    if state.last_day is not None and command.day <= state.last_day:
        return []
    settled = list(_settlements(state, command, now))
    return [
        *(
            expired(order, now)
            for order in state.working_orders()
            if _over(order, command.day, now)
        ),
        *settled,
        _ended(state, command.day, settled, market, now),
    ]


def _over(order: OrderState, day: date, now: datetime) -> bool:
    if order.expires_at is not None and order.expires_at <= now:
        return True
    contracts = (contract_of(symbol) for symbol in order.symbols)
    return any(contract is not None and contract.expiry <= day for contract in contracts)


def _settlements(state: AccountState, command: EndDay, now: datetime) -> Iterator[OptionSettled]:
    closes = dict(command.closes)
    for position in state.positions.values():
        contract = position.contract
        if contract is not None and contract.expiry <= command.day:
            yield _settlement(position, contract.intrinsic(closes[contract.underlying]), now)


def _settlement(position: PositionState, price: Price, now: datetime) -> OptionSettled:
    cash = position.value(price)
    entries = (
        Entry(Book.CASH, cash),
        Entry(Book.POSITIONS, -position.cost),
        Entry(Book.REALISED, position.cost - cash),
    )
    return OptionSettled(
        symbol=position.symbol,
        qty=position.qty,
        price=price,
        cash=cash,
        posting=tuple(entry for entry in entries if entry.amount),
        at=now,
    )


def _ended(
    state: AccountState, day: date, settled: list[OptionSettled], market: Market, now: datetime
) -> DayEnded:
    gone = {event.symbol for event in settled}
    kept = [position for symbol, position in state.positions.items() if symbol not in gone]
    marks = {
        position.symbol: market.mark(position.symbol, position.avg_entry_price) for position in kept
    }
    values: dict[str, Dollars] = {
        position.symbol: position.value(marks[position.symbol]) for position in kept
    }
    received = sum((event.cash for event in settled), ZERO)
    qtys = {symbol: qty for symbol, qty in holdings(state).items() if symbol not in gone}
    return DayEnded(
        day=day,
        equity=cent(state.cash + received + sum(values.values(), ZERO)),
        maintenance_margin=maintenance(values, spread_margin(qtys)),
        closes=tuple(marks.items()),
        at=now,
    )
