"""The session's result: what is realised, what is open, and what the fees were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from common.contracts import multiplier
from common.money import ZERO, Dollars, Price, Qty
from common.orders import Order
from common.portfolio import Account, Position
from services.portfolio.book import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionPnl:
    """One holding against its cost; exit and mid per share, values and results in dollars."""

    symbol: str
    qty: Qty
    avg_entry_price: Price
    exit: Price | None
    mid: Price | None
    value: Dollars | None  # at the exit
    open_natural: Dollars | None
    open_mid: Dollars | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPnl:
    """The session's profit and loss, in dollars; None where unknown says why.

    session: equity at natural exit prices less opening_equity, which is realized plus
    open_natural. session_mid: the same at mids. realized: after fees; of what was carried in
    from before the session it holds the difference between cost and opening value too.
    fees: what fills paid beyond their prices; None when the day did not start flat in cash or
    fills cannot all be read.
    """

    day: date
    opening_equity: Dollars | None
    equity: Dollars  # the broker's own figure
    session: Dollars | None
    session_mid: Dollars | None
    realized: Dollars | None
    open_natural: Dollars | None
    open_mid: Dollars | None
    fees: Dollars | None
    positions: tuple[PositionPnl, ...]
    unknown: tuple[str, ...]


def session_pnl(book: Book, fills: Iterable[Order] | None) -> SessionPnl:
    """Return the session's result; fills: its orders, or None when they are not all known."""
    cost = sum((position.cost_basis for position in book.positions), ZERO)
    known = book.opening_equity is not None and book.torn is None
    opening = book.opening_equity or ZERO
    return SessionPnl(
        day=book.day,
        opening_equity=book.opening_equity,
        equity=book.account.equity,
        session=book.session_pnl(natural=True),
        session_mid=book.session_pnl(natural=False),
        realized=book.account.cash + cost - opening if known else None,
        open_natural=_less(book.equity(natural=True), book.account.cash + cost),
        open_mid=_less(book.equity(natural=False), book.account.cash + cost),
        fees=None if fills is None or not known else fees_paid(opening, book, fills),
        positions=tuple(_position_pnl(book, position) for position in book.positions),
        unknown=book.unknown,
    )


def fees_paid(opening_equity: Dollars, book: Book, orders: Iterable[Order]) -> Dollars | None:
    """Return the cash that left beyond what the session's fills cost.

    Only certain when the fills explain every holding, so that the session began in cash alone;
    otherwise, or when it comes out negative (money was paid in), None.
    """
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    paid = ZERO
    for order in orders:
        for leg in order.legs:
            if leg.filled_qty == 0:
                continue
            if leg.filled_avg_price is None:
                return None
            signed = leg.side.sign * leg.filled_qty
            held[leg.symbol] += signed
            paid += signed * leg.filled_avg_price * multiplier(leg.symbol)
    for position in book.positions:
        held[position.symbol] -= position.qty
    fees = opening_equity - paid - book.account.cash
    return fees if fees >= 0 and not any(held.values()) else None


def _position_pnl(book: Book, position: Position) -> PositionPnl:
    mark = book.marks[position.symbol]
    natural, mid = (book.value(position, natural=natural) for natural in (True, False))
    return PositionPnl(
        symbol=position.symbol,
        qty=position.qty,
        avg_entry_price=position.avg_entry_price,
        exit=mark.exit,
        mid=mark.mid,
        value=natural,
        open_natural=_less(natural, position.cost_basis),
        open_mid=_less(mid, position.cost_basis),
    )


def _less(value: Dollars | None, cost: Dollars) -> Dollars | None:
    return None if value is None else value - cost


def opening_equity_of(account: Account) -> Dollars:
    """Return what a session is measured from when it is first seen.

    Equity at the previous close: a desk first started at noon still counts the morning's loss.
    An account without one (opened today) is measured from its present equity.
    """
    return account.last_equity if account.last_equity > 0 else account.equity
