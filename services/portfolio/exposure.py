"""From a book and the orders not yet ended to what the account stands to lose."""

from __future__ import annotations

from collections.abc import Sequence

from common.money import ZERO
from common.orders import OrderIntent
from common.portfolio import Exposure
from common.shares import PendingShares
from services.portfolio.book import Book
from services.portfolio.greeks import greeks_of_legs, greeks_of_positions
from services.portfolio.worst_case import holdings_worst_case, order_worst_case


def build_exposure(
    book: Book, reserved: Sequence[OrderIntent] = (), shares: Sequence[PendingShares] = ()
) -> Exposure:
    """Return the exposure of a book and of orders, each with the quantity still to fill.

    reserved: in options; shares: in stocks and coins, those that open.
    An order that could lose without bound makes at_risk unknown. Pending deltas are summed by
    sign: any of the orders may fill and any other may not.
    """
    held = holdings_worst_case(
        book.positions, {symbol: mark.exit for symbol, mark in book.marks.items()}
    )
    losses = [order_worst_case(order, book.day) for order in reserved]
    unbounded = tuple(
        f"the pending {order.strategy} order has no bound to its loss"
        for order, loss in zip(reserved, losses, strict=True)
        if loss is None
    )
    greeks = greeks_of_positions(book.positions, book.chain)
    pending, pending_unknown = _pending_deltas(book, reserved, shares)
    reasons = (*book.unknown, *held.unknown, *unbounded, *greeks.unknown, *pending_unknown)
    return Exposure(
        account=book.account,
        positions=book.positions,
        session_pnl=book.session_pnl(natural=True),
        at_risk=None if unbounded else held.at_risk,
        reserved=sum((loss for loss in losses if loss is not None), ZERO)
        + sum((order.worst for order in shares), ZERO),
        delta=None if greeks.total is None or pending_unknown else greeks.total.delta,
        pending_delta=(
            sum(delta for delta in pending if delta < 0),
            sum(delta for delta in pending if delta > 0),
        ),
        pending=tuple(order for order in reserved if order.opens),
        pending_shares=tuple(shares),
        unknown=tuple(dict.fromkeys(reasons)),
    )


def _pending_deltas(
    book: Book, reserved: Sequence[OrderIntent], shares: Sequence[PendingShares]
) -> tuple[list[float], tuple[str, ...]]:
    """Return the delta each order would add, and why any is not known."""
    if book.chain is None:
        return [], ("no chain has been received",) if reserved or shares else ()
    reports = [greeks_of_legs(order.legs, order.qty, book.chain) for order in reserved]
    known = [report.total.delta for report in reports if report.total is not None]
    known += [order.delta(book.chain.underlying, book.chain.spot) for order in shares]
    return known, tuple(reason for report in reports for reason in report.unknown)
