"""What the exchange says happened, in exact cents, and what of it the desk cannot explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.contracts import OPTION_MULTIPLIER
from common.session import Session
from services.execution.records import root_of
from services.execution.store import DeskStore
from tests.exchange import Exchange

PAGE = 100
FOREIGN = "by-hand-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A session's cash at the exchange: where it began, where it ended, the fees of its fills."""

    opening: Decimal
    closing: Decimal
    fees: Decimal


def orphans(exchange: Exchange, store: DeskStore, session: Session) -> list[str]:
    """Return what is at the exchange and belongs to no order of the desk or of the person.

    Every session begins flat, so its own orders explain every position.
    """
    found = []
    explained: Counter[str] = Counter()
    for order in _orders(exchange, session):
        client_id = order["client_order_id"]
        if not client_id.startswith(FOREIGN) and store.order(root_of(client_id)) is None:
            found.append(f"order {client_id}, {order['status']}")
        for leg in order["legs"] or [order]:
            signed = int(Decimal(leg["filled_qty"])) * (1 if leg["side"] == "buy" else -1)
            explained[leg["symbol"]] += signed
    found += [
        f"position {held['qty']} {held['symbol']}"
        for held in exchange.positions()
        if explained[held["symbol"]] != int(Decimal(held["qty"]))
    ]
    return found


def unexplained(exchange: Exchange, store: DeskStore, session: Session, money: Money) -> Decimal:
    """Return the cents of a session's cash that neither our fills nor the fees account for.

    The desk's own records give the fills of its orders, or the average price where a fill was
    learned by asking while the stream was gone; only the person's orders, and what was delivered
    when options expired, are taken from the exchange. 0 when every cent is explained.
    """
    spent = -_delivered(exchange, session)
    for record in store.of_day(session.day):
        fills = [(fill.price, fill.qty) for fill in store.fills(record.client_order_id)]
        if sum(qty for _, qty in fills) != record.filled_qty and record.filled_avg_price:
            fills = [(record.filled_avg_price, Decimal(record.filled_qty))]
        spent += _paid(fills)
    for order in _orders(exchange, session):
        by_hand = order["client_order_id"].startswith(FOREIGN)
        if by_hand and order["filled_avg_price"]:
            sign = 1 if order["side"] == "buy" else -1
            price, qty = Decimal(order["filled_avg_price"]), Decimal(order["filled_qty"])
            spent += sign * _paid([(price, qty)])
    return money.closing - money.opening + spent + money.fees


def _delivered(exchange: Exchange, session: Session) -> Decimal:
    """Return the cash that exercise and assignment brought at the end of a session."""
    found = _pages(exchange, "/v2/account/activities/OPTRD")
    today = [one for one in found if one["date"] == session.day.isoformat()]
    return sum((Decimal(one["net_amount"]) for one in today), Decimal(0))


def cash(exchange: Exchange) -> Decimal:
    """Return the cash at the exchange."""
    return Decimal(exchange.get("/v2/account")["cash"])


def fees(exchange: Exchange) -> Decimal:
    """Return every fee the exchange ever charged this account."""
    return -sum(
        (Decimal(found["net_amount"]) for found in _pages(exchange, "/v2/account/activities/FEE")),
        Decimal(0),
    )


def _paid(fills: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    return sum((price * qty * OPTION_MULTIPLIER for price, qty in fills), Decimal(0))


def _orders(exchange: Exchange, session: Session) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = exchange.get(
        "/v2/orders",
        status="all",
        limit=500,
        nested=True,
        after=session.open.isoformat(),
        until=session.exercise_cut_off.isoformat(),
    )
    return found


def _pages(exchange: Exchange, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        token = {"page_token": found[-1]["id"]} if found else {}
        page = exchange.get(path, page_size=PAGE, **token)
        found += page
        if len(page) < PAGE:
            return found
