"""Limits of pace and habit: caps per trade and strategy, counts, twins, pauses, lockouts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from common.limits import Halt
from common.orders import OrderStatus
from services.risk.manager import RiskManager
from tests.builders import at, make_exposure
from tests.services.risk.cases import CONDOR, FLAT, LIMITS, RISK, VIEW, breaches, long_call
from tests.services.risk.past import Past, activity, closed, opened

CALL = long_call()
NOW = VIEW.now  # 10:05


def limited(**changes: object) -> RiskManager:
    return RiskManager(replace(LIMITS, **changes))  # type: ignore[arg-type]


def lost(n: int, *, last: int = 0) -> list[Past]:
    """Return n losing trades, the last closed some minutes ago."""
    orders = []
    for i in range(n):
        trade = opened(CALL, name=str(i), when=at(9, 31 + i))
        orders += [trade, closed(trade, "-0.10", when=NOW - timedelta(minutes=last + n - 1 - i))]
    return orders


def test_one_trade_may_not_lose_more_than_its_cap() -> None:
    assert set(breaches(CONDOR, risk=limited(trade_risk_max=Decimal(100)))) == {"trade_risk"}
    assert breaches(CONDOR, risk=limited(trade_risk_max=Decimal(300))) == {}


def test_a_strategys_open_trades_and_the_new_one_share_its_cap() -> None:
    risk = limited(strategy_risk_max=Decimal(400), duplicate_window=timedelta(0))
    assert breaches(CONDOR, risk=risk) == {}
    mine = activity(opened(CONDOR))
    assert set(breaches(CONDOR, risk=risk, activity=mine)) == {"strategy_risk"}
    other = replace(CONDOR, strategy="another")
    assert breaches(CONDOR, risk=risk, activity=activity(opened(other))) == {}


def test_a_strategy_with_one_shot_a_day_has_one() -> None:
    shot = activity(opened(CALL, when=at(9, 50)), held={})
    quiet = limited(cooldown_after_loss=timedelta(0))
    assert set(breaches(CALL, risk=quiet, activity=shot, entries_max=1)) == {"strategy_entries"}
    assert breaches(CALL, risk=quiet, activity=shot, entries_max=2) == {}
    failed = activity(opened(CALL, status=OrderStatus.CANCELED, filled=0, when=at(9, 50)))
    assert breaches(CALL, activity=failed, entries_max=1) == {}


@pytest.mark.parametrize(
    ("name", "limit", "minutes"),
    [
        ("trades_per_day", "trades_per_day_max", 90),
        ("orders_per_hour", "orders_per_hour_max", 59),
        ("orders_per_minute", "orders_per_minute_max", 0.9),
        ("repeats", "repeats_max", 90),
    ],
)
def test_a_count_is_full_with_the_trade_that_reaches_it(
    name: str, limit: str, minutes: float
) -> None:
    view = replace(VIEW, now=at(11, 30))
    when = view.now - timedelta(minutes=minutes)
    past = activity(*(opened(CALL, name=str(n), when=when) for n in range(2)), now=view.now)
    room = limited(**{limit: 3}, duplicate_window=timedelta(0))
    full = limited(**{limit: 2}, duplicate_window=timedelta(0))
    exposure = make_exposure()
    assert breaches(CALL, risk=room, activity=past, view=view, exposure=exposure) == {}
    refused = breaches(CALL, risk=full, activity=past, view=view, exposure=exposure)
    assert refused == {name: "3"}


def test_orders_leave_the_rates_as_they_age() -> None:
    old = activity(*(opened(CONDOR, name=str(n), when=at(9, 31)) for n in range(2)))
    risk = limited(
        orders_per_minute_max=1,
        duplicate_window=timedelta(0),
        strategy_risk_max=Decimal(1000),
    )
    assert breaches(CONDOR, risk=risk, activity=old) == {}


def test_a_twin_is_refused_while_the_first_stands_and_the_moment_lasts() -> None:
    first = opened(CALL, when=NOW - timedelta(seconds=30))
    assert set(breaches(CALL, activity=activity(first))) == {"duplicate"}
    assert "duplicate" not in breaches(long_call(qty=2), activity=activity(first))
    later = opened(CALL, when=NOW - timedelta(seconds=60))
    assert breaches(CALL, activity=activity(later)) == {}
    gone = activity(first, closed(first, "-2.00", when=NOW - timedelta(seconds=5)))
    assert breaches(CALL, activity=gone) == {}


def test_after_a_loss_there_is_a_pause_and_after_a_gain_none() -> None:
    assert set(breaches(CONDOR, activity=activity(*lost(1, last=9)))) == {"cooldown"}
    assert breaches(CONDOR, activity=activity(*lost(1, last=10))) == {}
    won = opened(CALL)
    assert breaches(CONDOR, activity=activity(won, closed(won, "-2.00", when=NOW))) == {}


def test_losses_in_a_row_end_the_session_even_when_a_gain_follows() -> None:
    three = lost(3, last=20)
    assert set(breaches(CONDOR, activity=activity(*three))) == {"consecutive_losses"}
    won = opened(CALL, name="won", when=at(9, 40))
    after = activity(*three, won, closed(won, "-3.00", when=NOW))
    assert set(breaches(CONDOR, activity=after)) == {"consecutive_losses"}
    assert breaches(CONDOR, activity=activity(*lost(2, last=20))) == {}


def test_everything_shows_without_an_order_too() -> None:
    shown = {
        limit.name: limit
        for limit in RISK.check(FLAT, VIEW, Halt.ACTIVE, activity(*lost(2, last=4)))
    }
    assert shown["trades_per_day"].used == "2"
    assert shown["trades_per_day"].room == "18"
    assert (shown["consecutive_losses"].used, shown["consecutive_losses"].room) == ("2", "1")
    assert (shown["cooldown"].ok, shown["cooldown"].room) == (False, "6.0 min to wait")
    assert shown["strategy_risk"].value == "$500.00 each"
