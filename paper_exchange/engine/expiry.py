"""When orders run out, and how a day ends."""

from __future__ import annotations

from datetime import date, datetime

from common.money import ZERO, Dollars, cent
from paper_exchange.engine.commands import EndDay
from paper_exchange.engine.cover import restored
from paper_exchange.engine.events import DayEnded, Event, OrderExpired
from paper_exchange.engine.figures import maintenance
from paper_exchange.engine.margin import shown_margin
from paper_exchange.engine.market import Market
from paper_exchange.engine.matching import release
from paper_exchange.engine.orders import OrderState
from paper_exchange.engine.positions import contract_of
from paper_exchange.engine.settlement import Settlement
from paper_exchange.engine.state import AccountState


def expired(order: OrderState, now: datetime) -> OrderExpired:
    """Return the end of an order whose time ran out."""
    return OrderExpired(order_id=order.id, posting=release(order.hold), at=now)


def end_day(state: AccountState, command: EndDay, market: Market, now: datetime) -> list[Event]:
    """Expire what ran out, deliver what expired, and note the equity the day ends with.

    What the deliveries left without shares is canceled or bought back. Done once a day: a
    second time it decides nothing. market quotes everything held.
    """
    if state.last_day is not None and command.day <= state.last_day:
        return []
    working = list(state.working_orders())
    over = [order for order in working if _over(order, command.day, now)]
    held = state.held - sum((order.hold for order in over), ZERO)
    settlement = Settlement(state, market, command.day, dict(command.closes), held, now)
    settlement.settle()
    gone = {order.id for order in over}
    left = [order for order in working if order.id not in gone]
    return [
        *(expired(order, now) for order in over),
        *settlement.events,
        *restored(state, settlement.positions, left, market, now),
        _ended(settlement, command, market, now),
    ]


def _over(order: OrderState, day: date, now: datetime) -> bool:
    if order.expires_at is not None and order.expires_at <= now:
        return True
    contracts = (contract_of(symbol) for symbol in order.symbols)
    return any(contract is not None and contract.expiry <= day for contract in contracts)


def _ended(settlement: Settlement, command: EndDay, market: Market, now: datetime) -> DayEnded:
    kept = settlement.positions
    closes = dict(command.closes)
    marks = {
        symbol: closes[symbol]
        if symbol in closes
        else market.mark(symbol, position.avg_entry_price)
        for symbol, position in kept.items()
    }
    values: dict[str, Dollars] = {
        symbol: position.value(marks[symbol]) for symbol, position in kept.items()
    }
    qtys = {symbol: position.qty for symbol, position in kept.items()}
    return DayEnded(
        day=command.day,
        equity=cent(settlement.cash + sum(values.values(), ZERO)),
        maintenance_margin=maintenance(values, shown_margin(qtys)),
        closes=tuple(marks.items()),
        at=now,
    )
