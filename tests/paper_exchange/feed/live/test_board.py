"""What the upstream says is taken as it is, and what cannot be read is left out."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from common.contracts import OptionContract
from common.session import new_york
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.live import codec
from paper_exchange.feed.live.board import DAY, Board
from paper_exchange.feed.source import Series

NOON = new_york(date(2026, 11, 20), time(12))
SECOND = timedelta(seconds=1)


def quote(bid: float = 670.1, **other: Any) -> dict[str, Any]:
    told = {"bp": bid, "ap": bid + 0.25, "bs": 3, "as": 4, "t": "2026-11-20T17:00:00.123456789Z"}
    return {"latestQuote": {**told, **other}}


@pytest.fixture
def board(calendar: Calendar) -> Board:
    return Board(calendar, samples_are_final=False)


def test_a_quote_is_known_from_when_it_was_heard(board: Board) -> None:
    board.learn(["SPY"], {"SPY": quote(670.1)}, NOON + 5 * SECOND)
    board.learn(["SPY"], {"SPY": quote(670.2)}, NOON + 6 * SECOND)
    assert board.quote("SPY", NOON + 4 * SECOND) is None
    first, second = (board.quote("SPY", NOON + n * SECOND) for n in (5, 7))
    assert first is not None
    assert second is not None
    assert (first.bid, second.bid) == (Decimal("670.1"), Decimal("670.2"))
    assert first.at.microsecond == 123456
    assert board.changes(["SPY"], NOON + 5 * SECOND, NOON + 7 * SECOND) == [("SPY", second)]


def test_hearing_the_same_again_confirms_it_and_changes_nothing(board: Board) -> None:
    for second in range(3):
        board.learn(["SPY"], {"SPY": quote()}, NOON + second * SECOND)
    assert len(board.changes(["SPY"], NOON - SECOND, NOON + 9 * SECOND)) == 1
    assert board.confirmed("SPY") == NOON + 2 * SECOND


def test_an_older_quote_does_not_replace_a_newer_one(board: Board) -> None:
    board.learn(["SPY"], {"SPY": quote(670.2)}, NOON)
    board.learn(["SPY"], {"SPY": quote(1.0, t="2026-11-20T16:00:00Z")}, NOON + SECOND)
    held = board.quote("SPY", NOON + SECOND)
    assert held is not None
    assert held.bid == Decimal("670.2")


@pytest.mark.parametrize(
    "wrong",
    [{"bp": "NaN"}, {"bp": None}, {"ap": -1}, {"t": "yesterday"}, {"t": "2026-11-20"}, {"bs": "x"}],
)
def test_what_cannot_be_read_is_no_quote(board: Board, wrong: dict[str, Any]) -> None:
    board.learn(["SPY"], {"SPY": quote(**wrong)}, NOON)
    assert board.quote("SPY", NOON) is None


def test_yesterdays_bar_of_one_venue_is_not_the_days_close(board: Board) -> None:
    bar = {"o": 1, "h": 2, "l": 1, "c": 2, "v": 10, "n": 1, "vw": 1.5}
    days = {
        "dailyBar": {**bar, "t": "2026-11-20T05:00:00Z"},
        "prevDailyBar": {**bar, "t": "2026-11-19T05:00:00Z"},
    }
    call = "SPY261120C00670000"
    board.learn(["SPY", call], {"SPY": days, call: days}, NOON)
    midnight = new_york(date(2026, 11, 19), time())
    known = [
        [bar.at.day for bar in board.tape(Series.BARS, symbol, DAY).between(midnight, NOON)]
        for symbol in ("SPY", call)
    ]
    assert known == [[20], [19, 20]]


def test_only_what_can_be_traded_whole_is_listed() -> None:
    spy = {"symbol": "SPY", "tradable": True, "status": "active", "attributes": None}
    assert codec.asset(spy) is not None
    assert codec.asset({**spy, "tradable": False}) is None
    assert codec.asset({**spy, "symbol": "BTC/USD"}) is None
    call = {"symbol": "SPY261120C00670000", "tradable": True, "underlying_symbol": "SPY"}
    listed = OptionContract.from_occ("SPY261120C00670000")
    assert codec.contract(call) == (listed, None)
    assert codec.contract({**call, "open_interest": "12"}) == (listed, 12)
    assert codec.contract({**call, "size": "150"}) is None, "adjusted"
    assert codec.contract({**call, "underlying_symbol": "SPX"}) is None
