"""Stocks and the coin: pure, consistent with their own prints and bars, and with the calendar."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import AssetClass
from common.errors import MarketDataMissing, NoSuchContract
from common.quotes import Quote
from common.session import new_york
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.synthetic import SyntheticSource
from tests.paper_exchange.feed.breakouts import breakout

DAY = date(2026, 12, 8)
NINE_THIRTY = new_york(DAY, time(9, 30))
SYMBOLS = ("SPY", "AAPL", "TSLA", "BTC/USD", "SPY261208C00670000", "SPY261208P00655000")

instants = st.integers(0, 390 * 60_000).map(lambda ms: NINE_THIRTY + timedelta(milliseconds=ms))


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(SYMBOLS), instants), min_size=2, max_size=12), st.data())
def test_the_order_of_asking_changes_nothing(
    calendar: Calendar, asked: list[tuple[str, datetime]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(asked))
    one, other = SyntheticSource(7, calendar), SyntheticSource(7, calendar)
    first = {(symbol, at): one.quote(symbol, at) for symbol, at in asked}
    assert {(symbol, at): other.quote(symbol, at) for symbol, at in shuffled} == first


@settings(max_examples=15)
@given(st.sampled_from(SYMBOLS), instants)
def test_many_at_once_are_the_same_as_one_by_one(
    source: SyntheticSource, symbol: str, at: datetime
) -> None:
    assert source.quotes(SYMBOLS, at) == [source.quote(each, at) for each in SYMBOLS]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_restart_changes_nothing_that_was_seen(
    source: SyntheticSource, calendar: Calendar, symbol: str
) -> None:
    at = NINE_THIRTY + timedelta(minutes=35)
    again = SyntheticSource(7, calendar)
    window = (NINE_THIRTY, at)
    assert again.bars(symbol, *window, 5) == source.bars(symbol, *window, 5) != []
    assert again.trades(symbol, *window, 500) == source.trades(symbol, *window, 500) != []
    assert again.trade(symbol, at) == source.trade(symbol, at) is not None


def test_another_seed_is_another_market(source: SyntheticSource, calendar: Calendar) -> None:
    other = SyntheticSource(8, calendar)
    at = NINE_THIRTY + timedelta(hours=1)
    assert other.spot("SPY", at) != source.spot("SPY", at)


@settings(max_examples=25)
@given(
    st.sampled_from(SYMBOLS),
    instants,
    st.lists(st.integers(1, 2_000), min_size=1, max_size=5),
)
def test_changes_are_what_asking_all_the_time_would_see(
    source: SyntheticSource, symbol: str, start: datetime, steps: list[int]
) -> None:
    """Cut anywhere, a window's changes add up, and each stands from its instant to the next."""
    cuts = [start]
    for step in steps:
        cuts.append(cuts[-1] + timedelta(milliseconds=step))
    whole = source.changes((symbol,), cuts[0], cuts[-1])
    parts = [
        change
        for since, until in itertools.pairwise(cuts)
        for change in source.changes((symbol,), since, until)
    ]
    assert parts == whole
    for _, quote in whole:
        assert source.quote(symbol, quote.at) == quote
    if whole:
        assert source.quote(symbol, cuts[-1]) == whole[-1][1]
        assert source.quote(symbol, whole[0][1].at - timedelta(microseconds=1)) != whole[0][1]
    else:
        assert source.quote(symbol, cuts[-1]) == source.quote(symbol, start)


@pytest.mark.parametrize("symbol", ["SPY", "SPY261208C00670000"])
def test_history_is_what_was_streamed(source: SyntheticSource, symbol: str) -> None:
    start, end = NINE_THIRTY + timedelta(minutes=3), NINE_THIRTY + timedelta(minutes=5)
    streamed = [
        quote
        for _, quote in source.changes((symbol,), start - timedelta(microseconds=1), end)
        if quote.at < end
    ]
    assert source.quote_history(symbol, start, end, 10_000) == streamed
    assert source.quote_history(symbol, start, end, 7) == streamed[:7]


@pytest.mark.parametrize("symbol", ["SPY", "META", "BTC/USD", "SPY261208C00670000"])
def test_prints_are_at_the_quote_then_standing(source: SyntheticSource, symbol: str) -> None:
    start = NINE_THIRTY + timedelta(hours=2)
    prints = source.trades(symbol, start, start + timedelta(minutes=3), 1_000)
    assert prints
    for trade in prints:
        quote = source.quote(symbol, trade.at)
        assert quote is not None
        assert trade.price in {quote.bid, quote.ask}
        assert trade.size >= 1
        assert source.trade(symbol, trade.at) == trade


@pytest.mark.parametrize("symbol", ["SPY", "SPY261208C00670000"])
@pytest.mark.parametrize("minutes", [1, 5, 390])
def test_bars_are_summed_from_the_prints(
    source: SyntheticSource, symbol: str, minutes: int
) -> None:
    end = NINE_THIRTY + timedelta(minutes=20)
    bars = source.bars(symbol, NINE_THIRTY, end, minutes)
    prints = source.trades(symbol, NINE_THIRTY, end, 100_000)
    assert len(bars) == -(-20 // minutes)
    for bar in bars:
        inside = [t for t in prints if bar.at <= t.at < bar.at + timedelta(minutes=minutes)]
        prices = [trade.price for trade in inside]
        assert (bar.open, bar.close) == (prices[0], prices[-1])
        assert (bar.high, bar.low) == (max(prices), min(prices))
        assert (bar.volume, bar.trades) == (sum(trade.size for trade in inside), len(inside))
        worth = sum((trade.price * trade.size for trade in inside), Decimal(0))
        assert abs(bar.vwap - worth / bar.volume) < Decimal("0.00001")


def test_a_minute_that_is_not_over_has_no_bar(source: SyntheticSource) -> None:
    now = NINE_THIRTY + timedelta(minutes=35, seconds=59)
    bars = source.bars("SPY", NINE_THIRTY, now, 1)
    assert [bar.at for bar in bars] == [NINE_THIRTY + timedelta(minutes=n) for n in range(35)]
    assert source.bars("SPY", NINE_THIRTY, NINE_THIRTY, 1) == []


def test_bars_begin_where_they_are_asked_to(source: SyntheticSource) -> None:
    start, end = NINE_THIRTY + timedelta(minutes=7), NINE_THIRTY + timedelta(minutes=20)
    begins = [bar.at for bar in source.bars("SPY", start, end, 5)]
    assert begins == [NINE_THIRTY + timedelta(minutes=n) for n in (10, 15)]


def test_a_year_of_days_skips_what_is_closed(source: SyntheticSource) -> None:
    start, end = new_york(date(2026, 11, 23), time(0)), new_york(date(2026, 12, 1), time(0))
    days = [bar.at.date() for bar in source.bars("AAPL", start, end, 390)]
    assert [day.day for day in days] == [23, 24, 25, 27, 30]


def test_the_day_closes_at_its_last_print(source: SyntheticSource) -> None:
    for day in (DAY, date(2026, 11, 27)):
        close = source.official_close("SPY", day)
        evening = new_york(day, time(20, 0))
        assert source.spot("SPY", evening) == close
        assert source.bars("SPY", new_york(day, time(0)), evening, 390)[0].close == close
        after = source.quote("SPY", evening)
        assert after is not None
        assert close in {after.bid, after.ask}


def test_a_closed_day_has_no_close_and_a_stranger_no_price(source: SyntheticSource) -> None:
    with pytest.raises(MarketDataMissing):
        source.official_close("SPY", date(2026, 11, 26))
    with pytest.raises(NoSuchContract):
        source.spot("GME", NINE_THIRTY)
    assert source.quotes(["GME", "", "spy", "SPY "], NINE_THIRTY) == [None] * 4
    assert source.bars("GME", NINE_THIRTY, NINE_THIRTY + timedelta(hours=1), 1) == []
    assert source.trade("GME", NINE_THIRTY) is None


def test_nothing_moves_while_the_market_is_closed(source: SyntheticSource) -> None:
    friday, monday = new_york(date(2026, 12, 4), time(16, 0)), new_york(date(2026, 12, 7), time(9))
    assert source.changes(("SPY", "AAPL"), friday, monday) == []
    assert source.quote("SPY", friday) == source.quote("SPY", monday)
    assert source.trade("SPY", friday) == source.trade("SPY", monday)


def test_the_coin_never_sleeps(source: SyntheticSource) -> None:
    start = datetime(2026, 12, 5, 23, 59, 55, tzinfo=UTC)  # Saturday night
    end = start + timedelta(seconds=10)
    made = [quote.at for _, quote in source.changes(("BTC/USD",), start, end)]
    assert len(made) == 80
    assert made == sorted(made)
    assert source.bars("BTC/USD", start, end + timedelta(minutes=1), 1)[0].at.day == 6


def test_changes_across_a_night_are_by_time(source: SyntheticSource) -> None:
    since = new_york(date(2026, 12, 7), time(15, 59, 59))
    until = new_york(DAY, time(9, 30, 1))
    made = [quote.at for _, quote in source.changes(("SPY",), since, until)]
    assert made == sorted(made)
    assert {at.date() for at in made} == {date(2026, 12, 7), DAY}


@settings(max_examples=30)
@given(instants, st.sampled_from(["SPY", "QQQ", "NVDA", "META", "BTC/USD"]))
def test_a_stock_is_quoted_on_both_sides_and_now(
    source: SyntheticSource, at: datetime, symbol: str
) -> None:
    quote = source.quote(symbol, at)
    assert isinstance(quote, Quote)
    assert 0 < quote.bid < quote.ask
    assert quote.bid == round(quote.bid, 2)
    assert min(quote.bid_size, quote.ask_size) >= 1
    assert timedelta(0) <= at - quote.at < timedelta(milliseconds=350)


def test_a_name_keeps_its_size_over_years(source: SyntheticSource) -> None:
    closes = [
        source.official_close("SPY", date(year, month, 15))
        for year, month in ((2023, 3), (2024, 5), (2026, 7), (2030, 3), (2034, 5))
    ]
    assert all(450 < close < 1000 for close in closes)
    assert len(set(closes)) == len(closes)


def test_before_its_first_day_there_is_no_market(source: SyntheticSource) -> None:
    before = datetime(2021, 6, 1, 15, 0, tzinfo=UTC)
    assert source.quotes(["SPY", "BTC/USD"], before) == [None, None]
    assert source.bars("SPY", before, before + timedelta(days=3), 390) == []
    with pytest.raises(MarketDataMissing):
        source.spot("SPY", before)


def test_what_is_listed(source: SyntheticSource) -> None:
    assets = {asset.symbol: asset for asset in source.assets()}
    stocks = ["SPY", "QQQ", "IWM", "AAPL", "MSFT", "GOOG", "AMZN", "META", "TSLA", "NVDA"]
    assert set(assets) == {*stocks, "BTC/USD"}
    assert all(assets[symbol].has_options for symbol in stocks)
    assert "options_late_close" in assets["SPY"].attributes
    coin = assets["BTC/USD"]
    assert coin.asset_class is AssetClass.CRYPTO
    assert not (coin.has_options)
    assert not (coin.marginable)
    assert not coin.shortable


@pytest.mark.parametrize(
    ("seed", "day", "breaks"),
    [(7, DAY, True), (7, date(2026, 11, 25), True), (8, DAY, False)],
)
def test_the_demo_days_break_out_as_they_are_said_to(
    calendar: Calendar, seed: int, day: date, breaks: bool
) -> None:
    assert breakout(seed, day, calendar).triggered is breaks


def test_asking_at_random_and_then_in_order_agree(calendar: Calendar) -> None:
    at = [NINE_THIRTY + timedelta(seconds=7 * n) for n in range(120)]
    shuffled = random.Random(1).sample(at, len(at))
    one, other = SyntheticSource(3, calendar), SyntheticSource(3, calendar)
    jumbled = {instant: one.quotes(SYMBOLS, instant) for instant in shuffled}
    assert [other.quotes(SYMBOLS, instant) for instant in at] == [jumbled[i] for i in at]
