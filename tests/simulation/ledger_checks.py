"""What must hold of one account after every single event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal

from common.contracts import Right
from common.money import ZERO, cent
from common.orders import OrderClass, Side
from common.quotes import Quote
from paper_exchange.engine.events import Event, OrderFilled
from paper_exchange.engine.ledger import Book, Ledger
from paper_exchange.engine.margin import holdings, shortfall
from paper_exchange.engine.orders import GROUPS, OrderState, Status
from paper_exchange.engine.positions import contract_of, shares_per_unit
from paper_exchange.engine.state import AccountState

CENT = Decimal("0.01")


class Violation(AssertionError):
    """An invariant does not hold."""


def require(holds: bool, what: str) -> None:
    """Raise Violation unless it holds."""
    if not holds:
        raise Violation(what)


def check_books(state: AccountState) -> None:
    """Postings sum to zero; cash, holds and positions are what orders and holdings say."""
    books = state.ledger.balances
    require(sum(books.values(), ZERO) == 0, f"books do not balance: {dict(books)}")
    require(all(a == a.quantize(CENT) for a in books.values()), f"below the cent: {dict(books)}")
    held = sum((order.hold for order in state.working_orders()), ZERO)
    require(books[Book.HELD] == held, f"held {books[Book.HELD]}, working orders hold {held}")
    require(held >= 0, f"negative hold {held}")
    cost = sum((position.cost for position in state.positions.values()), ZERO)
    require(books[Book.POSITIONS] == cost, f"positions {books[Book.POSITIONS]} cost {cost}")
    require(all(p.qty != 0 for p in state.positions.values()), "a flat position is kept")


def check_orders(state: AccountState) -> None:
    """Working are those not ended, and every client_order_id names its one order."""
    working = [order.id for order in state.orders.values() if not order.status.terminal]
    require(sorted(state.working) == sorted(working), "working orders are not those not ended")
    named = {order.client_order_id: order.id for order in state.orders.values()}
    require(len(named) == len(state.orders), "a client_order_id was taken twice")
    require(all(state.client_ids.get(n) == o for n, o in named.items()), "client ids are lost")


def check_cover(state: AccountState) -> None:
    """Short calls are covered however orders fill, and no share or coin is promised twice.

    What the exchange itself is buying back counts as bought. Legs may meet in one option.
    """
    held = holdings(state)
    claims: dict[str, Decimal] = {}
    for order in state.working_orders():
        if order.liquidation and order.side is Side.BUY:
            held[order.symbol] = held.get(order.symbol, ZERO) + order.remaining
        for symbol, qty in order.closing().items():
            claims[symbol] = claims.get(symbol, ZERO) + qty
    for symbol, qty in claims.items():
        within = contract_of(symbol) is not None or qty <= abs(state.qty(symbol))
        require(within, f"orders will close {qty} {symbol}")
    working = [order.changes() for order in state.working_orders()]
    owed = 100 * shortfall(working, held, "SPY", Right.CALL)
    leaving = sum((min(change.get("SPY", ZERO), ZERO) for change in working), ZERO)
    naked = max(owed - max(held.get("SPY", ZERO) + leaving, ZERO), ZERO)
    require(naked == 0, f"{naked} shares short of the calls sold")


def check_groups(state: AccountState) -> None:
    """Of a group each knows the other, and of two exits neither outlives the other."""
    for order in state.working_orders():
        if order.order_class not in GROUPS:
            continue
        head = state.orders[order.parent_id or order.id]
        require(order.id in (head.id, *head.children), f"{order.id} is not of its own group")
        exits = [state.orders[child] for child in head.children]
        if head.order_class is OrderClass.OCO:
            exits.append(head)
        else:
            waiting = not head.status.terminal
            held = all((one.status is Status.HELD) is waiting for one in exits)
            require(held, f"exits of {head.id}, {head.status}, are held when they should not be")
        ended = {one.status.terminal for one in exits}
        require(ended == {False}, f"{order.id} works on, another of its group has ended")
        require(all(one.parent_id in (None, head.id) for one in exits), "a head is not theirs")


def check_fill(
    event: OrderFilled, before: AccountState, quotes: Mapping[str, Quote | None]
) -> None:
    """A fill is at a price quoted, within the limit, paid for to the cent, and no larger."""
    order = before.orders[event.order_id]
    _check_prices(event, order, quotes)
    require(not order.status.terminal, f"an order that is {order.status} was filled")
    if order.qty is not None:
        require(0 < event.qty <= order.remaining, f"{event.qty} filled of {order.remaining}")
    moved = dict.fromkeys(Book, ZERO)
    for entry in event.posting:
        moved[entry.book] += entry.amount
    paid = event.fees
    for fill in event.fills:
        signed = fill.side.sign * fill.qty
        paid += cent(signed * fill.price * shares_per_unit(fill.symbol))
        held = before.qty(fill.symbol) + signed
        require(
            fill.position_qty == held, f"{fill.symbol}: holding {fill.position_qty}, not {held}"
        )
    cash = moved[Book.CASH] + moved[Book.HELD]
    require(cash == -paid, f"cash moved by {cash}, the fill and its fees cost {paid}")
    require(moved[Book.FEES] == event.fees >= 0, f"fees booked {moved[Book.FEES]}")


def _check_prices(
    event: OrderFilled, order: OrderState, quotes: Mapping[str, Quote | None]
) -> None:
    net = ZERO
    for fill in event.fills:
        quote = quotes.get(fill.symbol)
        require(quote is not None, f"{fill.symbol} was filled without a quote")
        if quote is None:
            return
        crossed = 0 < quote.ask < quote.bid
        require(not crossed, f"{fill.symbol} was filled on a crossed market")
        if fill.side is Side.BUY:
            require(fill.price >= quote.ask > 0, f"bought at {fill.price}, asked {quote.ask}")
        else:
            require(0 <= fill.price <= quote.bid, f"sold at {fill.price}, bid {quote.bid}")
        sign = fill.side.sign if order.is_mleg else 1
        net += sign * fill.price * fill.qty / event.qty
    limit = order.limit_price
    sells = not order.is_mleg and order.side is Side.SELL
    if limit is not None:
        require(net >= limit if sells else net <= limit, f"filled at {net}, the limit is {limit}")
    require(order.triggered_at is not None or not order.watching, "a stop was filled unelected")


def differences(one: AccountState, other: AccountState) -> list[str]:
    """Return the names of the fields in which two states of an account differ."""
    return [
        field.name
        for field in fields(AccountState)
        if _value(getattr(one, field.name)) != _value(getattr(other, field.name))
    ]


def _value(value: object) -> object:
    return dict(value.balances) if isinstance(value, Ledger) else value


def regressed(seen: OrderState, now: OrderState | None) -> str | None:
    """Return what an order has lost since a client saw it, None when nothing."""
    if now is None:
        return "it is gone"
    if now.filled_qty < seen.filled_qty or now.fills < seen.fills:
        return f"fills went from {seen.filled_qty} to {now.filled_qty}"
    if seen.status.terminal and now.status is not seen.status:
        return f"it was {seen.status} and is {now.status}"
    if seen.status is Status.NEW and now.status is Status.ACCEPTED:
        return "it had opened"
    return None


def of_event(event: Event) -> str:
    """Return an event's name."""
    return str(type(event).__struct_config__.tag)
