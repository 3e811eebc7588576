from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import FrozenClock
from common.errors import MarketDataMissing, NoSuchContract, QuoteUnusable, StaleQuote
from common.quotes import Quote
from services.market.option_chain_cache import OptionChainCache
from services.market.wire import QuoteMessage
from tests.services.market.market import DAY, NEXT, NOON, contracts

CONTRACTS = contracts(low=660, high=665)
SYMBOLS = [contract.symbol for contract in CONTRACTS]
FIRST = CONTRACTS[0]
AGE = timedelta(seconds=5)


def held(clock: FrozenClock | None = None) -> OptionChainCache:
    cache = OptionChainCache(clock or FrozenClock(NOON))
    cache.load(DAY, CONTRACTS)
    return cache


def message(
    bid: float | None = 1.0,
    ask: float | None = 1.1,
    *,
    symbol: str = FIRST.symbol,
    ms: int = 0,
    size: float | None = 10,
) -> QuoteMessage:
    return QuoteMessage(symbol, NOON + timedelta(milliseconds=ms), bid, ask, size, size)


sent = st.lists(
    st.builds(
        message,
        st.integers(0, 500).map(lambda cents: cents / 100),
        st.integers(500, 900).map(lambda cents: cents / 100),
        symbol=st.sampled_from(SYMBOLS),
        ms=st.integers(0, 30),
    ),
    max_size=60,
    unique_by=lambda quote: (quote.symbol, quote.at),
)


@given(sent, st.randoms(), st.integers(1, 7))
def test_any_order_and_any_duplication_converge_on_the_newest(
    quotes: list[QuoteMessage], random: object, size: int
) -> None:
    """Also however they are cut into frames; nothing is lost uncounted."""
    mixed = quotes + quotes[::2]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    cache = held()
    for start in range(0, len(mixed), size):
        cache.apply(mixed[start : start + size], received_ns=start)

    columns = cache.columns()
    for symbol in SYMBOLS:
        mine = [quote for quote in quotes if quote.symbol == symbol]
        kept = columns.quote(cache.row_of(symbol))
        if not mine:
            assert kept is None
        else:
            newest = max(mine, key=lambda quote: quote.at)
            assert kept is not None
            assert (kept.at, kept.bid, kept.ask) == (
                newest.at,
                Decimal(str(newest.bid)),
                Decimal(str(newest.ask)),
            )
    counters = cache.counters()
    assert counters.applied + counters.reordered == len(mixed)


@pytest.mark.parametrize(
    ("bid", "ask", "size"),
    [
        (nan, 1.0, 1),
        (1.0, nan, 1),
        (-0.01, 1.0, 1),
        (1.0, -1.0, 1),
        (1.0, inf, 1),
        (1e9, 2e9, 1),
        (5.0, 1.0, 1),  # crossed beyond any market
        (1.0, 1.1, -1),
        (1.0, 1.1, inf),
        (1.0, 1.1, nan),
    ],
)
def test_an_insane_quote_is_dropped_and_counted(bid: float, ask: float, size: float) -> None:
    cache = held()
    cache.apply([message(0.9, 1.0)], 0)
    cache.apply([message(bid, ask, size=size, ms=1)], 1)

    assert cache.leg(FIRST, age_max=AGE).ask == 1
    assert (cache.counters().insane, cache.counters().applied) == (1, 1)


def test_what_nobody_bids_for_is_a_quote_only_where_that_is_asked() -> None:
    cache = held()
    cache.apply([message(0.0, 0.05)], 0)
    with pytest.raises(QuoteUnusable):
        cache.leg(FIRST, age_max=AGE)
    assert cache.leg(FIRST, age_max=AGE, unbid=True).ask == Decimal("0.05")
    cache.apply([message(0.0, 0.0, ms=1)], 1)
    with pytest.raises(QuoteUnusable):
        cache.leg(FIRST, age_max=AGE, unbid=True)


def test_a_stamp_from_days_ahead_is_no_quote() -> None:
    """Kept, it would outrank every true quote after it."""
    cache = held()
    ahead = message()
    ahead.at = NOON + timedelta(days=3)
    cache.apply([ahead, message(2.0, 2.1)], 0)
    assert cache.leg(FIRST, age_max=AGE).bid == 2
    assert cache.counters().insane == 1


def test_a_crossed_market_is_kept_shown_as_crossed_and_not_traded_on() -> None:
    cache = held()
    cache.apply([message(1.0, 1.1), message(1.2, 1.1, ms=1)], 0)
    assert cache.counters().crossed == 1
    with pytest.raises(QuoteUnusable, match="crossed"):
        cache.leg(FIRST, age_max=AGE)


@pytest.mark.parametrize(("bid", "ask"), [(None, 0.05), (0.0, 0.05), (1.0, None), (None, None)])
def test_a_missing_side_is_price_zero_and_not_traded_on(
    bid: float | None, ask: float | None
) -> None:
    cache = held()
    cache.apply([message(bid, ask)], 0)
    kept = cache.columns().quote(0)
    assert kept is not None
    assert (kept.bid, kept.ask) == (Decimal(str(bid or 0)), Decimal(str(ask or 0)))
    with pytest.raises(QuoteUnusable, match="one-sided"):
        cache.leg(FIRST, age_max=AGE)


def test_what_is_overwritten_before_anyone_read_it_is_counted_as_conflated() -> None:
    cache = held()
    cache.apply([message(ms=ms) for ms in range(5)], 0)
    assert cache.counters().conflated == 4
    cache.columns()
    cache.apply([message(ms=6)], 0)
    assert cache.counters().conflated == 4


def test_an_unknown_contract_is_counted() -> None:
    cache = held()
    cache.apply([message(symbol="SPY261120C00999000"), message()], 0)
    assert (cache.counters().unknown, cache.counters().applied) == (1, 1)


def test_each_contract_has_its_own_age() -> None:
    clock = FrozenClock(NOON)
    cache = held(clock)
    cache.apply([message()], clock.ns())
    clock.advance(timedelta(seconds=6))
    cache.apply([message(symbol=SYMBOLS[1])], clock.ns())

    assert cache.leg(CONTRACTS[1], age_max=AGE).bid == 1
    with pytest.raises(StaleQuote, match=FIRST.symbol):
        cache.leg(FIRST, age_max=AGE)
    with pytest.raises(QuoteUnusable, match="never quoted"):
        cache.leg(CONTRACTS[2], age_max=AGE)
    assert cache.ages(SYMBOLS) == [timedelta(seconds=6), timedelta(0)]


def test_a_poll_vouches_for_what_it_repeats_and_never_replaces_what_is_newer() -> None:
    clock = FrozenClock(NOON)
    cache = held(clock)
    cache.apply([message(1.0, 1.1)], clock.ns())
    clock.advance(timedelta(seconds=6))
    polled = Quote(bid=Decimal("1.0"), ask=Decimal("1.1"), bid_size=10, ask_size=10, at=NOON)
    older = replace(polled, bid=Decimal("0.5"), at=NOON - timedelta(seconds=1))

    cache.confirm({FIRST.symbol: older}, clock.ns())
    with pytest.raises(StaleQuote):
        cache.leg(FIRST, age_max=AGE)
    rounded = replace(polled, at=NOON - timedelta(microseconds=1))
    cache.confirm({FIRST.symbol: rounded}, clock.ns())
    assert cache.leg(FIRST, age_max=AGE) == polled
    newer = replace(polled, bid=Decimal("1.05"), at=NOON + timedelta(seconds=1))
    cache.confirm({FIRST.symbol: newer}, clock.ns())
    assert cache.leg(FIRST, age_max=AGE) == newer
    assert (cache.counters().polled, cache.counters().reordered) == (2, 0)


def test_a_new_day_drops_the_old_and_a_read_of_another_day_is_refused() -> None:
    cache = held()
    cache.apply([message()], 0)
    tomorrow = contracts(NEXT, 660, 665)
    cache.load(NEXT, tomorrow)

    assert cache.columns().quote(0) is None
    with pytest.raises(MarketDataMissing, match="2026-11-20"):
        cache.leg(FIRST, age_max=AGE)
    cache.apply([message()], 0)
    assert cache.counters().unknown == 1
    cache.expire()
    with pytest.raises(MarketDataMissing):
        cache.columns()
    with pytest.raises(MarketDataMissing):
        cache.leg(tomorrow[0], age_max=AGE)


def test_a_reload_of_the_same_day_keeps_its_quotes_where_they_belong() -> None:
    cache = held()
    cache.apply([message(symbol=symbol, bid=i / 10, ask=9) for i, symbol in enumerate(SYMBOLS)], 7)
    cache.load(DAY, contracts(low=658, high=663))  # two strikes below are new, two above are gone

    columns = cache.columns()
    for i, contract in enumerate(CONTRACTS[:8]):
        kept = columns.quote(cache.row_of(contract.symbol))
        assert kept is not None
        assert kept.bid == Decimal(i) / 10
    with pytest.raises(NoSuchContract):
        cache.row_of(CONTRACTS[-1].symbol)


def test_rows_are_calls_before_puts_by_strike_and_half_a_strike_is_left_out() -> None:
    cache = held()
    cache.load(DAY, reversed(CONTRACTS[:-1]))  # the put of the last strike is not listed
    assert list(cache.contracts) == CONTRACTS[:-2]


def test_contracts_of_another_expiry_are_not_loaded() -> None:
    with pytest.raises(ValueError, match="do not expire on 2026-11-23"):
        held().load(NEXT, CONTRACTS)
