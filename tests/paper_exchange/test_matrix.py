"""Every combination of class, asset, type, time in force, side and session: what becomes of it.

The table below is written from the broker's documentation (docs/fills.md), not from the code.
Each cell is posted as JSON, goes through an account, and is driven to its end: through the
session, its auctions and the prices that elect stops.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple

import pytest

from common.orders import OrderType, Side, TimeInForce
from paper_exchange.engine.commands import MatchOrder
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from paper_exchange.wire.submission import posted, to_command
from tests.paper_exchange.builders import SESSION, Trader, occ

CALL, HIGHER = occ(600), occ(605)
SYMBOLS = {"stock": "AAPL", "option": CALL, "coin": "BTC/USD", "spread": ""}
SESSIONS = {
    "early": SESSION.open - timedelta(hours=1, minutes=30),
    "open": SESSION.open + timedelta(hours=1),
    "late": SESSION.close - timedelta(minutes=5),
    "after": SESSION.close + timedelta(minutes=5),
}
PLAIN = {"market", "limit"}
RESTING = {"day", "gtc"}
AT_ONCE = {"ioc", "fok"}

# What each asset takes: types by the times in force they go with.
TAKES: dict[str, list[tuple[set[str], set[str]]]] = {
    "stock": [
        (PLAIN, RESTING | AT_ONCE | {"opg", "cls"}),
        ({"stop", "stop_limit", "trailing_stop"}, RESTING),
    ],
    "option": [(PLAIN | {"stop", "stop_limit"}, RESTING)],
    "coin": [(PLAIN | {"stop_limit"}, {"gtc", "ioc"})],
    "spread": [(PLAIN, RESTING)],
}


class Cell(NamedTuple):
    """One order: words of the API, and when it is sent."""

    asset: str
    kind: str
    time: str
    side: str
    session: str
    extended: bool


def cells() -> Iterator[Cell]:
    """Yield the whole product."""
    words = product(SYMBOLS, OrderType, TimeInForce, Side, SESSIONS)
    for (asset, kind, time, side, session), extended in product(words, (False, True)):
        yield Cell(asset, kind.value, time.value, side.value, session, extended)


def expected(cell: Cell) -> str:
    """Return what the documentation says: "filled", "canceled", or the code of a refusal."""
    taken = any(cell.kind in kinds and cell.time in times for kinds, times in TAKES[cell.asset])
    if not taken:
        return "42210000"
    if cell.extended and not (
        cell.asset == "stock" and cell.kind == "limit" and cell.time in RESTING
    ):
        return "42210000"
    if cell.asset in ("option", "spread"):
        return _option(cell)
    if cell.asset == "coin":
        return "filled"
    if cell.time == "opg" and cell.session != "early":
        return "42210000"  # between 09:28 and 19:00
    if cell.time == "cls" and cell.session in ("late", "after"):
        return "42210000"  # between 15:50 and 19:00
    closed = cell.session in ("early", "after")
    return "canceled" if cell.time in AT_ONCE and closed else "filled"


def _option(cell: Cell) -> str:
    """SPY's contracts trade until 16:15; those of today are opened until 15:30."""
    if cell.kind == "market" and cell.session == "early":
        return "42210000"
    opens = cell.side == "buy" or cell.asset == "spread"
    if opens and cell.session in ("late", "after"):
        return "42210000"
    return "filled"


def body(cell: Cell) -> dict[str, Any]:
    """Return the order as a client posts it, priced so that it fills when its time comes."""
    buy = cell.side == "buy"
    prices = {"stock": (205, 195), "option": ("5.00", "2.00"), "coin": (95000, 85000)}
    high, low = prices.get(cell.asset, ("5.00", "-0.01"))
    sent: dict[str, Any] = {
        "type": cell.kind,
        "time_in_force": cell.time,
        "qty": "1",
        "extended_hours": cell.extended,
    }
    if cell.asset == "spread":
        legs = ((CALL, cell.side), (HIGHER, "sell" if buy else "buy"))
        sent |= {
            "order_class": "mleg",
            "legs": [{"symbol": symbol, "side": side} for symbol, side in legs],
        }
    else:
        sent |= {"symbol": SYMBOLS[cell.asset], "side": cell.side}
    if cell.kind == "limit":
        sent["limit_price"] = high if buy else low
    if cell.kind.startswith("stop"):
        sent["stop_price"] = high if buy else str(low).lstrip("-")
    if cell.kind == "stop_limit":
        sent["limit_price"] = high if buy else low
    if cell.kind == "trailing_stop":
        sent["trail_price"] = 5
    return sent


def submitted(cell: Cell, group: str = "") -> tuple[Trader, OrderState]:
    """Return an account that holds what it may sell, and its order; raises Refused."""
    trader = Trader("1000000")
    if cell.side == "sell" and cell.asset != "spread" and group in ("", "oco"):
        trader.buy(SYMBOLS[cell.asset])
    if cell.side == "buy" and cell.asset == "stock" and group == "oco":
        trader.sell(SYMBOLS[cell.asset])
    trader.now = SESSIONS[cell.session]
    sent = posted(json.dumps(body(cell) | _exits(cell, group)).encode())
    return trader, trader.submit(to_command(sent, trader.order_id()))


def _exits(cell: Cell, group: str) -> dict[str, Any]:
    """Return what makes an order the head of a group; OCO takes its limit for the profit."""
    if not group:
        return {}
    rising = (cell.side == "buy") is not (group == "oco")
    profit, stop = (210, 180) if rising else (190, 220)
    added: dict[str, Any] = {"order_class": group, "stop_loss": {"stop_price": stop}}
    return added if group != "bracket" else added | {"take_profit": {"limit_price": profit}}


def outcome(cell: Cell, group: str = "") -> str:
    """Drive an order to its end and return how it ended, or the code it was refused with."""
    try:
        trader, order = submitted(cell, group)
    except Refused as refused:
        return str(refused.code)
    for now in sorted({trader.now, SESSION.open, SESSION.close}):
        if now < trader.now or order.status.terminal:
            continue
        trader.now = now
        trader.do(MatchOrder(order_id=order.id))
        order = trader.state.orders[order.id]
        if order.watching and not order.status.terminal:
            order = _moved(trader, cell, order)
    if cell.session == "after" and not order.status.terminal:
        order = _next_day(trader, cell, order)
    assert trader.state.held == 0
    return order.status.value


def _moved(trader: Trader, cell: Cell, order: OrderState) -> OrderState:
    """Move the market exactly to the stop."""
    if order.stop_price is not None and order.status is not Status.ACCEPTED:
        stop = str(order.stop_price)
        trader.quote(SYMBOLS[cell.asset], stop, stop)
        trader.do(MatchOrder(order_id=order.id))
    return trader.state.orders[order.id]


def _next_day(trader: Trader, cell: Cell, order: OrderState) -> OrderState:
    """Come back the next morning."""
    trader.market = replace(trader.market, session=trader.market.following)
    trader.now = trader.market.session.open
    trader.do(MatchOrder(order_id=order.id))
    order = trader.state.orders[order.id]
    return _moved(trader, cell, order) if order.watching else order


@pytest.mark.parametrize("asset", SYMBOLS)
def test_each_cell_ends_as_documented(asset: str) -> None:
    found = {cell: outcome(cell) for cell in cells() if cell.asset == asset}
    wrong = {cell: end for cell, end in found.items() if end != expected(cell)}
    assert wrong == {}
    counts = Counter(found.values())
    assert set(counts) >= {"filled", "42210000"}


@pytest.mark.parametrize("group", ["bracket", "oco", "oto"])
def test_each_cell_of_a_group_ends_as_documented(group: str) -> None:
    kinds = {"limit"} if group == "oco" else PLAIN
    wrong, ends = {}, Counter[str]()
    for cell in cells():
        if cell.asset == "spread" or (group == "oco" and cell.kind != "limit"):
            continue  # has legs of its own; has no profit to take
        end = outcome(cell, group)
        ends[end] += 1
        taken = cell.kind in kinds and cell.time in RESTING and not cell.extended
        if end != ("filled" if cell.asset == "stock" and taken else "42210000"):
            wrong[cell] = end
    assert wrong == {}
    assert ends["filled"] == len(kinds) * len(RESTING) * len(Side) * len(SESSIONS)


def test_a_class_nobody_knows_is_refused() -> None:
    cell = Cell("stock", "limit", "day", "buy", "open", extended=False)
    with pytest.raises(Refused) as refused:
        to_command(
            posted(json.dumps(body(cell) | {"order_class": "basket"}).encode()),
            Trader().order_id(),
        )
    assert (refused.value.http_status, refused.value.code) == (422, 42210000)


FRACTIONS = {
    # (type, time in force, side): shares that are not whole, and dollars
    ("market", "day", "buy"): ("filled", "filled"),
    ("market", "day", "sell"): ("filled", "filled"),
    ("limit", "day", "buy"): ("filled", "42210000"),
    ("stop", "day", "buy"): ("filled", "42210000"),
    ("stop_limit", "day", "sell"): ("filled", "42210000"),
    ("trailing_stop", "day", "sell"): ("42210000", "42210000"),
    ("market", "gtc", "buy"): ("42210000", "42210000"),
    ("limit", "ioc", "buy"): ("42210000", "42210000"),
    ("market", "opg", "buy"): ("42210000", "42210000"),
}


@pytest.mark.parametrize(("cell", "ends"), FRACTIONS.items())
def test_parts_of_shares_and_dollars(cell: tuple[str, str, str], ends: tuple[str, str]) -> None:
    kind, time, side = cell
    whole = body(Cell("stock", kind, time, side, "open", extended=False))
    amounts: list[dict[str, Any]] = [{"qty": "0.5"}, {"qty": None, "notional": "50.00"}]
    assert tuple(_part(whole | amount) for amount in amounts) == ends


def _part(sent: dict[str, Any]) -> str:
    """Return how an order for less than a share ends."""
    trader = Trader()
    if sent["side"] == "sell":
        trader.buy("AAPL")
    trader.now = SESSIONS["open"]
    try:
        order = trader.submit(to_command(posted(json.dumps(sent).encode()), trader.order_id()))
    except Refused as refused:
        return str(refused.code)
    if order.watching:
        trader.quote("AAPL", str(order.stop_price), str(order.stop_price))
        trader.do(MatchOrder(order_id=order.id))
        order = trader.state.orders[order.id]
    assert order.filled_qty < Decimal(1)
    return order.status.value
