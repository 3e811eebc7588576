"""Which positions the exchange closes on their last day, because they could not be taken."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal

import pytest

from common.session import CutOffs, Session
from paper_exchange.engine.commands import ClosePosition, ConfigureAccount, DeclineExercise
from paper_exchange.engine.configuration import Configuration
from paper_exchange.engine.ledger import Book
from paper_exchange.engine.liquidation import closing_order_id, expiring, unfunded, watched
from paper_exchange.engine.market import Rules
from paper_exchange.engine.orders import Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import DAY, FOLLOWING, ME, SESSION, Trader, occ

FREE = Rules(fees=False)
CALL, SHORT, HIGHER = occ(600), occ(605), occ(610)
PUT, LOWER, LOWEST = occ(600, "P"), occ(595, "P"), occ(590, "P")


def trader(cash: str) -> Trader:
    return Trader(cash, rules=FREE)


def chosen(trader: Trader, spot: str) -> tuple[str, ...]:
    """Return what would be closed with SPY at a price."""
    return unfunded(trader.state, trader.market, {"SPY": Decimal(spot)}, trader.now)


@pytest.mark.parametrize(
    ("cash", "spot", "closed"),
    [
        ("1000", "601", (CALL,)),  # 60,000 dollars of shares
        ("1000", "600.00", ()),  # worth nothing, as it stands
        ("40000", "601", ()),  # half is lent
    ],
)
def test_a_long_call_that_could_not_be_paid_for(
    cash: str, spot: str, closed: tuple[str, ...]
) -> None:
    one = trader(cash)
    one.buy(CALL)
    assert chosen(one, spot) == closed


def test_a_put_whose_shares_are_not_there() -> None:
    one = trader("100000")
    one.buy(PUT)
    assert chosen(one, "598") == (PUT,)
    one.buy("SPY", 100)
    assert chosen(one, "598") == ()


def test_a_spread_that_nets_is_left_alone_and_a_broken_one_is_not() -> None:
    one = trader("1000")
    one.submit(one.spread((SHORT, -1), (HIGHER, 1)))
    assert chosen(one, "604") == ()
    assert chosen(one, "607") == (SHORT,)  # short 60,000 dollars of shares
    assert chosen(one, "612") == ()  # a loss of the width, in cash


def test_the_short_that_a_closed_long_covered_goes_first() -> None:
    one = trader("1000")
    one.submit(one.spread((CALL, 1), (SHORT, -1)))
    assert chosen(one, "602") == (SHORT, CALL)


def test_only_what_is_too_much_is_closed() -> None:
    one = trader("35000")
    one.buy(CALL)
    one.buy(PUT)
    one.buy(SHORT)
    [closed] = chosen(one, "607")
    one.do(ClosePosition(order_id=one.order_id(), symbol=closed, liquidation=True))
    assert one.state.qty(PUT) == 1
    assert chosen(one, "607") == ()


def test_what_will_not_be_exercised_need_not_be_paid_for() -> None:
    one = trader("1000")
    one.buy(CALL)
    one.do(DeclineExercise(symbol=CALL))
    assert chosen(one, "610") == ()


def test_it_is_closed_at_the_market_suspended_or_broke() -> None:
    one = trader("1000")
    one.submit(one.spread((SHORT, -1), (HIGHER, 1)))
    one.do(ConfigureAccount(configuration=Configuration(suspend_trade=True)))
    one.quote(SHORT, "14.90", "15.00")
    with pytest.raises(Refused, match="user request"):
        one.do(ClosePosition(order_id=one.order_id(), symbol=SHORT))
    one.do(ClosePosition(order_id=one.order_id(), symbol=SHORT, liquidation=True))
    assert one.state.qty(SHORT) == 0
    assert one.state.cash < 0  # it owes: the exchange does not ask
    assert sum(one.state.ledger.balances.values()) == 0
    assert one.state.ledger.balance(Book.HELD) == 0


def test_a_liquidation_under_way_is_not_repeated() -> None:
    one = trader("1000")
    one.buy(CALL)
    one.quote(CALL, "0", "0.05")
    first = closing_order_id(ME, CALL, one.now)
    one.do(ClosePosition(order_id=first, symbol=CALL, liquidation=True))
    assert one.state.orders[first].status is Status.NEW
    assert chosen(one, "601") == ()


EARLY = Session.regular(DAY, close=time(13, 0))


@pytest.mark.parametrize(
    ("symbol", "session", "since", "until"),
    [
        (CALL, SESSION, -15, 15),
        (CALL, EARLY, -15, 15),
        (occ(200, underlying="AAPL"), SESSION, -30, 0),
        (occ(200, underlying="AAPL"), EARLY, -30, 0),
    ],
)
def test_the_minutes_it_happens_in(symbol: str, session: Session, since: int, until: int) -> None:
    """Half an hour before the close, a quarter for broad funds, whenever the close is."""
    one = trader("1000")
    one.buy(symbol)
    second = timedelta(seconds=1)
    start, end = (session.close + timedelta(minutes=minutes) for minutes in (since, until))
    seen = [
        bool(watched(one.state, session, CutOffs(), at))
        for at in (start - second, start, end - second, end)
    ]
    assert seen == [False, True, True, False]


def test_tomorrow_is_another_day() -> None:
    one = trader("1000")
    one.buy(occ(600, expiry=FOLLOWING.day))
    assert expiring(one.state, DAY) == frozenset()
    assert chosen(one, "700") == ()
