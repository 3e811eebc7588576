"""What becomes of options other than by trades: exercise, assignment, expiry."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from common.session import Session
from paper_exchange.engine.commands import (
    CancelOrder,
    DeclineExercise,
    EndDay,
    ExerciseOption,
)
from paper_exchange.engine.events import Ending, Event, OptionEnded
from paper_exchange.engine.figures import account_figures
from paper_exchange.engine.margin import excess
from paper_exchange.engine.market import Market, Rules
from paper_exchange.engine.orders import Status
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import FOLLOWING, SESSION, Trader, occ

FREE = Rules(fees=False)
CALL, SHORT, HIGHER = occ(600), occ(605), occ(610)
PUT, LOWER = occ(600, "P"), occ(595, "P")
CONDOR = ((SHORT, -1), (HIGHER, 1), (occ(595, "P"), -1), (occ(590, "P"), 1))


def trader(cash: str = "100000") -> Trader:
    return Trader(cash, rules=FREE)


def end(trader: Trader, close: str) -> list[Event]:
    """Let the day end at a close of SPY; return what became of options."""
    trader.now = SESSION.exercise_cut_off
    trader.quote("SPY", close, close)
    events = trader.do(EndDay(day=SESSION.day, closes=(("SPY", Decimal(close)),)))
    return [event for event in events if isinstance(event, OptionEnded)]


def held(trader: Trader) -> dict[str, int]:
    return {symbol: int(position.qty) for symbol, position in trader.state.positions.items()}


def endings(events: list[Event]) -> list[tuple[str, Ending, int]]:
    return [(e.symbol, e.ending, int(e.qty)) for e in events if isinstance(e, OptionEnded)]


@pytest.mark.parametrize(
    ("close", "shares"), [("604.00", 100), ("600.01", 100), ("600.00", 0), ("590", 0)]
)
def test_a_cent_in_the_money_at_the_close_becomes_shares_at_the_strike(
    close: str, shares: int
) -> None:
    one = trader()
    one.buy(CALL)
    resting = one.sell(CALL, 1, "9.00")
    tomorrow = one.buy(occ(600, expiry=FOLLOWING.day))
    [event] = end(one, close)
    assert isinstance(event, OptionEnded)
    assert event.ending is (Ending.EXERCISED if shares else Ending.EXPIRED)
    assert one.state.orders[resting.id].status is Status.EXPIRED
    assert held(one) == {tomorrow.symbol: 1} | ({"SPY": shares} if shares else {})
    assert one.state.cash == 100_000 - 310 - 510 - shares * 600
    assert one.state.last_equity == one.state.cash + 505 + shares * Decimal(close)
    if shares:
        assert one.state.positions["SPY"].avg_entry_price == 600
    again = EndDay(day=SESSION.day, closes=(("SPY", Decimal(close)),))
    assert one.do(again) == []


def test_both_legs_in_the_money_net_to_cash() -> None:
    one = trader("500")
    one.submit(one.spread(*CONDOR))
    assert endings(end(one, "700")) == [
        (SHORT, Ending.ASSIGNED, -1),
        (HIGHER, Ending.EXERCISED, 1),
        (occ(595, "P"), Ending.EXPIRED, -1),
        (occ(590, "P"), Ending.EXPIRED, 1),
    ]
    assert held(one) == {}
    assert one.state.cash == 500 + 136 - 500
    assert account_figures(one.state, one.market).options_buying_power == 136


def test_one_short_in_the_money_leaves_shares_short_on_margin() -> None:
    one = trader()
    one.submit(one.spread(*CONDOR))
    end(one, "607.00")
    assert held(one) == {"SPY": -100}
    assert one.state.cash == 100_000 + 136 + 60_500
    figures = account_figures(one.state, one.market)
    assert figures.equity == 100_136 - 200
    assert figures.initial_margin == Decimal("0.5") * 60_700
    assert figures.options_buying_power == figures.equity - figures.initial_margin


def test_a_short_put_is_assigned_and_takes_its_shares() -> None:
    one = trader()
    one.submit(one.spread((LOWER, -1), (occ(590, "P"), 1)))
    end(one, "594.99")
    assert held(one) == {"SPY": 100}
    assert one.state.positions["SPY"].avg_entry_price == 595


def test_a_covered_call_delivers_the_shares_it_is_covered_by() -> None:
    one = trader()
    one.buy("SPY", 100)
    one.sell(SHORT)
    [event] = end(one, "620")
    assert isinstance(event, OptionEnded)
    assert event.ending is Ending.ASSIGNED
    assert held(one) == {}
    assert one.state.cash == 100_000 - 60_002 + 100 + 60_500


def test_a_put_delivers_shares_that_are_held_and_only_those() -> None:
    one = trader()
    one.buy("SPY", 150)
    one.buy(PUT, 2)
    assert endings(end(one, "598")) == [(PUT, Ending.EXERCISED, 1), (PUT, Ending.EXPIRED, 1)]
    assert held(one) == {"SPY": 50}


@pytest.mark.parametrize(("cash", "exercised"), [("1000", 0), ("31000", 1), ("1000000", 2)])
def test_what_cannot_be_paid_for_expires(cash: str, exercised: int) -> None:
    one = trader(cash)
    one.buy(CALL, 2)
    end(one, "600.50")
    assert held(one) == ({"SPY": 100 * exercised} if exercised else {})
    assert excess(one.state, one.market) >= 0


def test_a_long_call_and_a_long_put_in_the_money_pay_for_each_other() -> None:
    one = trader("4000")
    one.quote(occ(590), "11.00", "11.10")
    one.quote(occ(610, "P"), "11.00", "11.10")
    one.buy(occ(590))
    one.buy(occ(610, "P"))
    end(one, "600")
    assert held(one) == {}
    assert one.state.cash == 4000 - 2220 + 2000


def test_an_option_is_not_exercised_against_its_holders_word() -> None:
    one = trader()
    one.buy(CALL)
    one.now = SESSION.exercise_cut_off - timedelta(seconds=1)
    assert len(one.do(DeclineExercise(symbol=CALL))) == 1
    assert one.do(DeclineExercise(symbol=CALL)) == []
    assert endings(end(one, "620")) == [(CALL, Ending.EXPIRED, 1)]
    assert held(one) == {}
    assert one.state.declined == set()


def test_a_word_given_dies_with_the_holding() -> None:
    one = trader()
    one.buy(CALL)
    one.do(DeclineExercise(symbol=CALL))
    one.sell(CALL)
    one.buy(CALL)
    assert endings(end(one, "620")) == [(CALL, Ending.EXERCISED, 1)]


@pytest.mark.parametrize("command", [ExerciseOption, DeclineExercise])
@pytest.mark.parametrize(
    ("symbol", "status"), [(HIGHER, 403), (SHORT, 403), ("SPY", 422), ("nonsense", 422)]
)
def test_only_a_long_option_has_a_choice(
    command: type[ExerciseOption | DeclineExercise], symbol: str, status: int
) -> None:
    one = trader()
    one.submit(one.spread((CALL, 1), (SHORT, -1)))
    with pytest.raises(Refused) as refused:
        one.do(command(symbol=symbol))
    assert refused.value.http_status == status


def test_exercise_takes_all_that_is_held_at_once() -> None:
    poor, one = trader("10000"), trader()
    for someone in (poor, one):
        someone.buy(CALL, 3)
    with pytest.raises(Refused, match="insufficient buying power"):
        poor.do(ExerciseOption(symbol=CALL))
    assert endings(one.do(ExerciseOption(symbol=CALL))) == [(CALL, Ending.EXERCISED, 3)]
    assert held(one) == {"SPY": 300}
    assert one.state.cash == 100_000 - 930 - 180_000


def test_exercise_of_what_an_order_will_sell_is_refused() -> None:
    one = trader()
    one.buy(CALL)
    resting = one.sell(CALL, 1, "9.00")
    with pytest.raises(Refused, match="insufficient qty available"):
        one.do(ExerciseOption(symbol=CALL))
    one.do(CancelOrder(order_id=resting.id))
    one.do(ExerciseOption(symbol=CALL))
    assert held(one) == {"SPY": 100}


def test_a_put_is_exercised_with_free_shares_only() -> None:
    one = trader()
    one.buy(PUT)
    with pytest.raises(Refused, match="insufficient underlying qty"):
        one.do(ExerciseOption(symbol=PUT))
    one.buy("SPY", 100)
    sale = one.sell("SPY", 1, "700")
    with pytest.raises(Refused, match="insufficient underlying qty"):
        one.do(ExerciseOption(symbol=PUT))
    one.do(CancelOrder(order_id=sale.id))
    one.do(ExerciseOption(symbol=PUT))
    assert held(one) == {}
    assert one.state.cash == 100_000 - 300 - 60_002 + 60_000


def test_exercising_the_cover_leaves_its_shares_as_cover() -> None:
    one = trader()
    one.submit(one.spread((CALL, 1), (SHORT, -1)))
    one.do(ExerciseOption(symbol=CALL))
    assert held(one) == {"SPY": 100, SHORT: -1}
    assert excess(one.state, one.market) >= 0


def test_shares_that_cover_a_call_are_not_delivered_by_a_put() -> None:
    one = trader()
    one.buy("SPY", 100)
    one.sell(SHORT)
    one.buy(PUT)
    with pytest.raises(Refused):
        one.do(ExerciseOption(symbol=PUT))
    assert endings(end(one, "598")) == [(PUT, Ending.EXERCISED, 1), (SHORT, Ending.EXPIRED, -1)]


def test_no_exercise_from_the_close_to_midnight() -> None:
    one = trader()
    tomorrow = occ(600, expiry=FOLLOWING.day)
    one.buy(tomorrow)
    one.now = SESSION.close
    with pytest.raises(Refused, match="midnight"):
        one.do(ExerciseOption(symbol=tomorrow))
    end(one, "600")
    one.market = next_day(one.market)
    one.now = SESSION.close + timedelta(hours=4)  # the next day is in hand, and still it is night
    with pytest.raises(Refused, match="midnight"):
        one.do(ExerciseOption(symbol=tomorrow))
    one.now = SESSION.close + timedelta(hours=9)
    one.do(ExerciseOption(symbol=tomorrow))
    assert held(one) == {"SPY": 100}


def next_day(market: Market) -> Market:
    return Market(
        session=FOLLOWING,
        following=Session.regular(FOLLOWING.day + timedelta(days=1)),
        quotes=market.quotes,
        listings=market.listings,
        rules=market.rules,
    )


def test_an_instruction_after_the_cut_off_is_too_late() -> None:
    one = trader()
    one.buy(CALL)
    one.now = SESSION.exercise_cut_off
    with pytest.raises(Refused, match="30 minutes"):
        one.do(DeclineExercise(symbol=CALL))
