"""A recording is replayed as it was recorded, and what was not recorded lies inside of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from common.contracts import OptionContract
from common.errors import MarketDataMissing
from common.session import new_york
from paper_exchange.feed.calendar import RECORDED_FIRST, Calendar
from paper_exchange.feed.recorded_rows import RecordingUnusable
from paper_exchange.feed.recording import Recording
from paper_exchange.feed.replay import ReplaySource
from paper_exchange.feed.synthetic import SyntheticSource
from tests.paper_exchange.feed.recorder import BARS, HALTS, QUOTES, near, record, table

DAY = date(2026, 8, 19)
OPEN = new_york(DAY, time(9, 30))
HALF_DAY = date(2024, 7, 3)
MINUTE = timedelta(minutes=1)
MINUTES = 40
ONE = ("2026-08-19T13:30:00Z", "670.00", "670.50", "669.80", "670.10", 1000)


@pytest.fixture(scope="module")
def old() -> Calendar:
    return Calendar(RECORDED_FIRST)


def replay(folder: Path, calendar: Calendar, seed: int = 7) -> ReplaySource:
    return ReplaySource(seed, calendar, Recording.open(folder, calendar))


@pytest.fixture(scope="module")
def bars_only(
    tmp_path_factory: pytest.TempPathFactory, source: SyntheticSource, old: Calendar
) -> ReplaySource:
    folder = record(tmp_path_factory.mktemp("bars"), source, OPEN, MINUTES, chain=False)
    return replay(folder, old)


@pytest.fixture(scope="module")
def with_chain(
    tmp_path_factory: pytest.TempPathFactory, source: SyntheticSource, old: Calendar
) -> ReplaySource:
    folder = record(tmp_path_factory.mktemp("chain"), source, OPEN, MINUTES, chain=True)
    return replay(folder, old)


def test_bars_come_back_as_they_were_recorded(
    bars_only: ReplaySource, source: SyntheticSource
) -> None:
    until = OPEN + MINUTES * MINUTE
    told = bars_only.bars("SPY", OPEN, OPEN + timedelta(hours=8), 1)
    recorded = source.bars("SPY", OPEN, until, 1)
    assert [(b.at, b.open, b.high, b.low, b.close, b.volume) for b in told] == [
        (b.at, b.open, b.high, b.low, b.close, b.volume) for b in recorded
    ]
    assert bars_only.official_close("SPY", DAY) == recorded[-1].close


def test_quotes_stay_inside_their_minute_and_are_a_cent_wide(bars_only: ReplaySource) -> None:
    bars = bars_only.bars("SPY", OPEN, OPEN + MINUTES * MINUTE, 1)
    cent = Decimal("0.01")
    for before, bar in pairwise(bars):
        low, high = min(bar.low, before.close) - cent, max(bar.high, before.close) + cent
        quotes = bars_only.quote_history("SPY", bar.at + cent_of_time(), bar.at + MINUTE, 1000)
        assert len(quotes) > 400
        assert all(low <= q.bid < q.ask <= high and q.spread == cent for q in quotes)


def cent_of_time() -> timedelta:
    """A quote of the minute before may be an eighth of a second late."""
    return timedelta(milliseconds=125)


def test_prices_are_the_same_in_any_order_and_another_seed_keeps_the_bars(
    tmp_path: Path, source: SyntheticSource, old: Calendar
) -> None:
    folder = record(tmp_path, source, OPEN, 5, chain=False)
    one, two, other = (replay(folder, old, seed) for seed in (7, 7, 8))
    times = [OPEN + timedelta(seconds=second) for second in (3, 200, 61, 299)]
    symbol = near(one, times[-1], DAY)[0]
    assert [one.quotes(["SPY", symbol], at) for at in times] == [
        two.quotes(["SPY", symbol], at) for at in reversed(times)
    ][::-1]
    assert one.quote("SPY", times[0]) != other.quote("SPY", times[0])
    ends = OPEN + 5 * MINUTE

    def prices(of: ReplaySource) -> list[tuple[Decimal, ...]]:
        return [(b.open, b.high, b.low, b.close) for b in of.bars("SPY", OPEN, ends, 1)]

    assert prices(one) == prices(other)


def test_without_a_chain_the_smile_makes_one_of_recorded_expiries(
    bars_only: ReplaySource,
) -> None:
    at = OPEN + 30 * MINUTE
    contracts = bars_only.contracts("SPY", DAY)
    assert {contract.expiry for contract in contracts} == {DAY}
    assert len(contracts) > 300
    quotes = [bars_only.quote(symbol, at) for symbol in near(bars_only, at, DAY)]
    assert all(quote is not None and quote.two_sided for quote in quotes)
    iv, _ = bars_only.greeks(near(bars_only, at, DAY)[6], at) or (0.0, None)
    assert 0.03 < iv < 1.0


def test_recorded_option_quotes_stand_until_the_next(
    with_chain: ReplaySource, source: SyntheticSource
) -> None:
    at = OPEN + 10 * MINUTE
    symbols = near(source, OPEN, DAY)
    told, recorded = (s.quotes(symbols, at) for s in (with_chain, source))
    for ours, theirs in zip(told, recorded, strict=True):
        assert ours is not None
        assert theirs is not None
        assert (ours.bid, ours.ask, ours.bid_size, ours.ask_size) == (
            theirs.bid,
            theirs.ask,
            theirs.bid_size,
            theirs.ask_size,
        )
    assert with_chain.quotes(symbols, at + timedelta(seconds=59)) == told
    assert sorted(c.symbol for c in with_chain.contracts("SPY", DAY)) == sorted(symbols)
    changes = with_chain.changes(symbols, at - MINUTE, at)
    assert [symbol for symbol, _ in changes] == symbols
    assert {quote.at for _, quote in changes} == {at}
    assert with_chain.trade(symbols[0], at) is None
    assert with_chain.greeks(symbols[6], at) is not None
    assert with_chain.open_interest(OptionContract.from_occ(symbols[6]), DAY) is None  # not told


def test_a_day_that_was_not_recorded_shows_nothing(bars_only: ReplaySource) -> None:
    next_day = OPEN + timedelta(days=1, hours=1)
    assert bars_only.quote("SPY", next_day) is None
    assert bars_only.contracts("SPY", DAY + timedelta(days=1)) == ()
    assert bars_only.bars("SPY", next_day - timedelta(hours=2), next_day, 1) == []
    assert bars_only.changes(["SPY"], next_day, next_day + MINUTE) == []
    with pytest.raises(MarketDataMissing):
        bars_only.official_close("SPY", DAY + timedelta(days=1))


def test_missing_locked_and_crossed_sides_are_told_as_recorded(
    tmp_path: Path, old: Calendar
) -> None:
    call = "SPY260819C00670000"
    rows: list[tuple[object, ...]] = [
        ("13:31", "", "0.05", 0, 9),
        ("13:32", "0.05", "0.05", 3, 9),
        ("13:33", "0.06", "0.05", 3, 9),
    ]
    table(tmp_path / f"{DAY}" / "SPY.bars.csv", BARS, [ONE])
    table(
        tmp_path / f"{DAY}" / "SPY.option_quotes.csv",
        ("symbol", *QUOTES),
        [(call, f"{DAY}T{at}:00Z", *rest) for at, *rest in rows],
    )
    source = replay(tmp_path, old)

    def sides(minute: int) -> tuple[str, str, int]:
        quote = source.quote(call, OPEN + minute * MINUTE)
        assert quote is not None
        return str(quote.bid), str(quote.ask), quote.bid_size

    assert [sides(minute) for minute in range(4)] == [
        ("0.00", "0.00", 0),
        ("0.00", "0.05", 0),
        ("0.05", "0.05", 3),
        ("0.06", "0.05", 3),
    ]


def test_a_half_day_ends_at_its_close(tmp_path: Path, old: Calendar) -> None:
    opens, closes = new_york(HALF_DAY, time(9, 30)), new_york(HALF_DAY, time(13))
    times = [opens, opens + 30 * MINUTE, closes - MINUTE]
    rows = [(at.isoformat(), *ONE[1:]) for at in times]
    table(tmp_path / f"{HALF_DAY}" / "SPY.bars.csv", BARS, rows)
    source = replay(tmp_path, old)
    last, later = (source.quote("SPY", at) for at in (closes, closes + timedelta(hours=2)))
    assert last is not None
    assert last == later
    assert last.at < closes
    assert [bar.at for bar in source.bars("SPY", opens, closes, 1)] == times
    assert source.spot("SPY", opens + 20 * MINUTE) == Decimal("670.10")


def test_nothing_is_quoted_while_halted(
    tmp_path: Path, source: SyntheticSource, old: Calendar
) -> None:
    start, end = OPEN + 2 * MINUTE, OPEN + 4 * MINUTE
    record(tmp_path, source, OPEN, 8, chain=False)
    halt = ("SPY", start.isoformat(), end.isoformat(), "luld")
    table(tmp_path / f"{DAY}" / "halts.csv", HALTS, [halt])
    market = replay(tmp_path, old)
    call = near(market, OPEN, DAY)[0]
    for symbol in ("SPY", call):
        before, during, after = (
            market.quote(symbol, at) for at in (start - MINUTE / 60_000, end - MINUTE, end + MINUTE)
        )
        assert before == during
        assert after != before
        assert [market.halted(symbol, at) for at in (OPEN, start, end)] == [None, "luld", None]
        made = [quote.at for _, quote in market.changes([symbol], OPEN, end + MINUTE)]
        assert made
        assert not [at for at in made if start <= at < end]


def told(folder: Path, calendar: Calendar) -> str:
    with pytest.raises(RecordingUnusable) as refusal:
        Recording.open(folder, calendar)
    message = str(refusal.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([ONE, ONE], "line 3: 2026-08-19 13:30:00 UTC is there twice"),
        ([("2026-08-19T13:31:00Z", *ONE[1:]), ONE], "line 3: 2026-08-19 13:30:00 UTC is older"),
        ([(ONE[0], "670", "669", "668", "670", 5)], "line 2: open, high, low and close"),
        ([("2026-08-19T13:30:30Z", *ONE[1:])], "not a whole minute"),
        ([("2026-08-19T20:00:00Z", *ONE[1:])], "outside the session"),
        ([("yesterday", *ONE[1:])], "'yesterday' is no time"),
        ([(*ONE[:5], 0)], "without volume"),
        ([(ONE[0], "nan", *ONE[2:])], "contradict"),
        ([(ONE[0], "-1", *ONE[2:])], "open '-1' is no number from 0"),
        ([ONE[:4]], "not as many fields"),
        ([], "holds no minute"),
    ],
)
def test_a_fault_is_told_by_file_and_line(
    tmp_path: Path, old: Calendar, rows: list[tuple[object, ...]], fault: str
) -> None:
    table(tmp_path / f"{DAY}" / "SPY.bars.csv", BARS, rows)
    message = told(tmp_path, old)
    assert fault in message
    assert "SPY.bars.csv" in message


def test_a_folder_that_is_no_recording_is_told(tmp_path: Path, old: Calendar) -> None:
    assert "no recorded day" in told(tmp_path, old)
    assert "cannot read" in told(tmp_path / "nowhere", old)
    (tmp_path / "2026-08-22").mkdir()
    assert "closed on 2026-08-22" in told(tmp_path, old)
    (tmp_path / "2026-08-22").rename(tmp_path / "days")
    assert "not named YYYY-MM-DD" in told(tmp_path, old)
    (tmp_path / "days").rename(tmp_path / "2026-08-19")
    quotes = tmp_path / "2026-08-19" / "SPY.quotes.csv"
    table(quotes, QUOTES, [(ONE[0], "670", "671", 1, 1)])
    assert "no bars of SPY" in told(tmp_path, old)
    quotes.rename(quotes.with_name("SPY.ticks.csv"))
    assert "not of the layout" in told(tmp_path, old)


@pytest.mark.parametrize(
    ("halt", "fault"),
    [
        (("SPY", "2026-08-19T14:00:00Z", "2026-08-19T14:05:00Z", "nap"), "kind 'nap'"),
        (("SPY", "2026-08-19T14:05:00Z", "2026-08-19T14:00:00Z", "halt"), "ends later"),
    ],
)
def test_a_halt_that_makes_no_sense_is_told(
    tmp_path: Path, old: Calendar, halt: tuple[str, ...], fault: str
) -> None:
    table(tmp_path / f"{DAY}" / "SPY.bars.csv", BARS, [ONE])
    table(tmp_path / f"{DAY}" / "halts.csv", HALTS, [halt])
    assert fault in told(tmp_path, old)


def test_the_calendar_reaches_back_for_recordings_only(old: Calendar, calendar: Calendar) -> None:
    christmas = date(2015, 12, 24)
    session = old.session(christmas)
    assert session is not None
    assert session.close == new_york(christmas, time(13))
    assert calendar.session(christmas) is None


def test_a_quote_before_the_open_is_of_no_day(bars_only: ReplaySource) -> None:
    early: datetime = OPEN - MINUTE
    assert bars_only.quote("SPY", early) is None
