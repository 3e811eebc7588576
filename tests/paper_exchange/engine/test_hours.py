"""When orders work: auctions, the hours around the session, all or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from common.orders import Side, TimeInForce
from paper_exchange.engine.commands import MatchOrder, SubmitOrder
from paper_exchange.engine.market import FillRules, Rules
from paper_exchange.engine.orders import OrderState, Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import FOLLOWING, SESSION, Trader

MINUTE = timedelta(minutes=1)


def at(hour: int, minute: int = 0) -> datetime:
    """Return a wall time of the day in New York."""
    return SESSION.open + timedelta(hours=hour, minutes=minute) - timedelta(hours=9, minutes=30)


def auction(trader: Trader, when: datetime, kind: str, limit: str | None = None) -> OrderState:
    """Submit a purchase of ten shares for an auction."""
    trader.now = when
    command: SubmitOrder = trader.simple(
        "AAPL", qty=10, limit=limit, time_in_force=TimeInForce(kind)
    )
    return trader.submit(command)


def match(trader: Trader, order: OrderState, when: datetime) -> OrderState:
    trader.now = when
    trader.do(MatchOrder(order_id=order.id))
    return trader.state.orders[order.id]


@pytest.mark.parametrize(
    ("kind", "entered", "held"), [("opg", at(8), at(9, 30)), ("cls", at(10), at(16))]
)
def test_an_auction_trades_at_the_touch_it_is_held_at(
    kind: str, entered: datetime, held: datetime
) -> None:
    trader = Trader()
    order = auction(trader, entered, kind)
    assert (order.status, order.opens_at) == (Status.ACCEPTED, held)
    assert match(trader, order, held - MINUTE).status is Status.ACCEPTED
    filled = match(trader, order, held)
    assert (filled.status, filled.filled_avg_price) == (Status.FILLED, Decimal("200.10"))


@pytest.mark.parametrize(("kind", "held"), [("opg", at(9, 30)), ("cls", at(16))])
def test_what_an_auction_does_not_fill_is_canceled(kind: str, held: datetime) -> None:
    trader = Trader(rules=Rules(fills=FillRules(respect_size=True)))
    trader.quote("AAPL", "200", "200.10", size=4)
    beyond = match(trader, auction(trader, at(8), kind, "150"), held)
    assert (beyond.status, beyond.filled_qty) == (Status.CANCELED, Decimal(0))
    part = match(trader, auction(trader, at(8), kind), held)
    assert (part.status, part.filled_qty) == (Status.CANCELED, Decimal(4))
    assert trader.state.held == 0


@pytest.mark.parametrize(
    ("kind", "when", "taken"),
    [
        ("opg", at(9, 27), True),
        ("opg", at(9, 28), False),
        ("opg", at(18, 59), False),
        ("opg", at(19), True),
        ("cls", at(15, 49), True),
        ("cls", at(15, 50), False),
        ("cls", at(18, 59), False),
        ("cls", at(19), True),
    ],
)
def test_an_auction_takes_orders_until_shortly_before(
    kind: str, when: datetime, *, taken: bool
) -> None:
    trader = Trader()
    if not taken:
        with pytest.raises(Refused, match=f"{kind} orders are not accepted between") as refused:
            auction(trader, when, kind)
        assert refused.value.code == 42210000
        return
    order = auction(trader, when, kind)
    session = SESSION if when < at(16) else FOLLOWING
    assert order.opens_at == (session.open if kind == "opg" else session.close)


def test_extended_hours_begin_early_and_end_with_the_day() -> None:
    trader = Trader()
    trader.now = at(3)
    order = trader.submit(trader.simple("AAPL", limit="201", extended_hours=True))
    assert (order.status, order.opens_at) == (Status.ACCEPTED, at(4))
    assert match(trader, order, at(4)).status is Status.FILLED
    late = trader.submit(trader.simple("AAPL", limit="150", extended_hours=True))
    assert late.status is Status.NEW
    assert late.expires_at == SESSION.close + 15 * MINUTE
    trader.quote("AAPL", "149", "149")
    assert match(trader, late, at(16, 5)).status is Status.FILLED


def test_an_ordinary_limit_rests_outside_the_session() -> None:
    trader = Trader()
    trader.now = at(8)
    order = trader.submit(trader.simple("AAPL", limit="201"))
    assert order.opens_at == SESSION.open
    assert match(trader, order, at(9, 29)).status is Status.ACCEPTED
    assert match(trader, order, at(9, 30)).status is Status.FILLED


def test_all_or_nothing() -> None:
    trader = Trader(rules=Rules(fills=FillRules(respect_size=True, partial_probability=1.0)))
    trader.quote("AAPL", "200", "200.10", size=4)
    statuses = [
        trader.submit(trader.simple("AAPL", qty=qty, time_in_force=TimeInForce.FOK))
        for qty in (4, 5)
    ]
    assert [(o.status, o.filled_qty) for o in statuses] == [
        (Status.FILLED, Decimal(4)),
        (Status.CANCELED, Decimal(0)),
    ]
    away = trader.submit(trader.simple("AAPL", Side.SELL, 4, "999", time_in_force=TimeInForce.FOK))
    assert away.status is Status.CANCELED
    assert trader.state.held == 0


def test_all_or_nothing_outside_the_session_is_nothing() -> None:
    trader = Trader()
    trader.now = at(8)
    order = trader.submit(trader.simple("AAPL", time_in_force=TimeInForce.FOK))
    assert order.status is Status.CANCELED


def test_a_missed_auction_is_over() -> None:
    trader = Trader()
    order = auction(trader, at(8), "opg")
    assert match(trader, order, at(9, 32)).status is Status.ACCEPTED
    assert order.expires_at == at(9, 32)
