"""The book of working orders: it fires exactly what the quotes reach, best and earliest first."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.ids import AccountId, OrderId
from common.orders import OrderClass, OrderType, PositionIntent, Side, TimeInForce
from common.quotes import Quote
from paper_exchange.engine.matching import marketable, touch
from paper_exchange.engine.orders import LegState, OrderState, Status
from paper_exchange.engine.triggers import reached, reference, trail
from paper_exchange.venue.book import Book, Ref
from tests.paper_exchange.builders import ME, NOON, quote

SYMBOLS = ("AAPL", "SPY")


def _order(number: int, symbol: str, side: Side, limit: int | None) -> OrderState:
    return OrderState(
        id=OrderId(str(UUID(int=number))),
        client_order_id=str(number),
        status=Status.NEW,
        created_at=NOON,
        submitted_at=NOON,
        updated_at=NOON,
        expires_at=NOON + timedelta(minutes=number),
        order_class=OrderClass.SIMPLE,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        symbol=symbol,
        side=side,
        qty=Decimal(1),
        limit_price=None if limit is None else Decimal(limit),
    )


def _stop(order: OrderState, kind: OrderType, at: int) -> OrderState:
    """Return an order as a stop at a price, or as a trail that has seen it."""
    trailing = kind is OrderType.TRAILING_STOP
    return msgspec.structs.replace(
        order,
        type=kind,
        stop_price=Decimal(at) + 2 * (order.side or Side.BUY).sign if trailing else Decimal(at),
        hwm=Decimal(at) if trailing else None,
        trail_price=Decimal(2) if trailing else None,
    )


def _due(order: OrderState, now: dict[str, Quote]) -> bool:
    """Whether quotes fill, elect or move an order, by looking at it alone."""
    if not order.watching:
        at = touch(order, now)
        return at is not None and marketable(order, at)
    side = order.side or Side.BUY
    price = reference(side, now.get(order.symbol))
    if price is None or order.stop_price is None:
        return False
    moved = order.type is OrderType.TRAILING_STOP and trail(order, price) is not None
    return moved or reached(side, order.stop_price, price)


def _spread(number: int, limit: int) -> OrderState:
    legs = tuple(
        LegState(
            id=OrderId(f"{number}/{symbol}"),
            client_order_id="",
            symbol=symbol,
            side=side,
            position_intent=PositionIntent.of(side, opens=True),
            ratio=1,
            qty=Decimal(1),
        )
        for symbol, side in zip(SYMBOLS, Side, strict=True)
    )
    simple = _order(number, "", Side.BUY, limit)
    return msgspec.structs.replace(
        simple, order_class=OrderClass.MLEG, side=None, symbol="", legs=legs
    )


Wanted: TypeAlias = list[tuple[str, Side, int | None, OrderType | None]]

kinds = st.tuples(
    st.sampled_from([*SYMBOLS, ""]),
    st.sampled_from(Side),
    st.none() | st.integers(1, 9),
    st.sampled_from([None, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP]),
)
quotes = st.tuples(st.integers(0, 9), st.integers(0, 3)).map(
    lambda sides: quote(sides[0], sides[0] + sides[1])
)


@settings(max_examples=150)
@given(
    st.lists(kinds, max_size=25),
    st.sets(st.integers(0, 24)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(SYMBOLS, quotes)),
)
def test_it_fires_what_a_search_of_all_orders_finds(
    wanted: list[tuple[str, Side, int | None, OrderType | None]],
    ended: set[int],
    now: dict[str, Quote],
) -> None:
    orders = [
        _order(number, symbol, side, limit) if symbol else _spread(number, limit or 1)
        for number, (symbol, side, limit, _) in enumerate(wanted)
    ]
    book = Book()
    for order in orders:
        book.put(ME, order)
    for number, (symbol, _, limit, kind) in enumerate(wanted):  # whatever it was before
        if symbol and kind is not None:
            orders[number] = _stop(orders[number], kind, limit or 5)
            book.put(ME, orders[number])
    for number in ended & set(range(len(orders))):
        orders[number] = msgspec.structs.replace(orders[number], status=Status.CANCELED)
        book.put(ME, orders[number])
    working = [order for order in orders if not order.status.terminal]

    expected = {order.id for order in working if _due(order, now)}
    fired = [ref.order for ref in book.fired(now)]
    assert len(fired) == len(set(fired))
    assert set(fired) == expected
    assert set(book.symbols()) == {symbol for order in working for symbol in order.symbols}
    rebuilt = Book((ME, order) for order in working)
    assert set(rebuilt.fired(now)) == set(book.fired(now))


def test_the_best_limit_goes_first_then_the_earlier_order() -> None:
    book = Book()
    for number, limit in enumerate((5, 7, None, 7, 3)):
        book.put(ME, _order(number, "AAPL", Side.BUY, limit))
    fired = [int(UUID(ref.order)) for ref in book.fired({"AAPL": quote(1, 4)})]
    assert fired == [2, 1, 3, 0]


def test_time_runs_out_once_for_each_order() -> None:
    book = Book()
    for number in (3, 1, 2):
        book.put(ME, _order(number, "AAPL", Side.BUY, 5))
    due = list(book.due(NOON + timedelta(minutes=2)))
    assert due == [Ref(AccountId("me"), OrderId(str(UUID(int=n)))) for n in (1, 2)]
    assert list(book.due(NOON + timedelta(minutes=2))) == []


def test_an_order_waits_for_its_session_and_then_works() -> None:
    book = Book()
    order = _order(1, "AAPL", Side.BUY, 5)
    opens = NOON + timedelta(hours=1)
    book.put(ME, msgspec.structs.replace(order, status=Status.ACCEPTED, opens_at=opens))
    assert book.opening(opens - timedelta(seconds=1)) == ()
    assert [ref.order for ref in book.opening(opens)] == [order.id]
    assert [ref.order for ref in book.opening(opens)] == [order.id]  # until it has opened
    assert [ref.order for ref in book.waiting()] == [order.id]
    assert book.fired({"AAPL": quote(1, 2)}) == []
    book.put(ME, order)
    assert book.waiting() == book.opening(opens) == ()
    assert [ref.order for ref in book.fired({"AAPL": quote(1, 2)})] == [order.id]
    assert len(list(book.due(NOON + timedelta(days=1)))) == 1
