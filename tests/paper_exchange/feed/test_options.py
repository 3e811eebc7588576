"""Option chains: listed sanely, quoted without giving money away, priced like the desk does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts import OptionContract, Right, option_tick
from common.errors import NoSuchContract
from common.money import CENT, ZERO, on_tick
from common.quotes import Quote
from common.session import new_york
from paper_exchange.feed.calendar import Calendar
from paper_exchange.feed.synthetic import SyntheticSource

DAY = date(2026, 12, 8)
HALF_DAY = date(2026, 11, 27)
FRIDAY = date(2026, 12, 11)

Side: TypeAlias = list[tuple[OptionContract, Quote]]

minutes = st.integers(0, 404).map(lambda n: new_york(DAY, time(9, 30)) + timedelta(minutes=n))
milliseconds = st.integers(0, 59_999).map(lambda n: timedelta(milliseconds=n))


def chain(
    source: SyntheticSource, at: datetime, underlying: str, expiry: date
) -> dict[Right, Side]:
    listed = [c for c in source.contracts(underlying, at.date()) if c.expiry == expiry]
    quotes = source.quotes([contract.symbol for contract in listed], at)
    found: dict[Right, Side] = {right: [] for right in Right}
    for contract, quote in zip(listed, quotes, strict=True):
        assert quote is not None
        found[contract.right].append((contract, quote))
    return found


def triples(side: Sequence[tuple[OptionContract, Quote]]) -> list[tuple[Quote, Quote, Quote]]:
    quotes = [quote for _, quote in side]
    return list(zip(quotes, quotes[1:], quotes[2:], strict=False))


@settings(max_examples=25)
@given(minutes, milliseconds, st.sampled_from(["SPY", "QQQ", "AAPL"]))
def test_no_quote_gives_money_away(
    source: SyntheticSource, minute: datetime, offset: timedelta, underlying: str
) -> None:
    at = minute + offset
    expiry = FRIDAY if underlying == "AAPL" else DAY
    sides = chain(source, at, underlying, expiry)
    spot = source.quote(underlying, at)
    assert spot is not None
    for right, side in sides.items():
        for contract, quote in side:
            assert 0 <= quote.bid < quote.ask
            assert (quote.bid_size == 0) is (quote.bid == 0)
            assert quote.ask_size >= 1
            assert quote.at <= at
            for price in (quote.bid, quote.ask):
                assert on_tick(price, option_tick(contract.underlying, price))
        ordered = side if right is Right.PUT else side[::-1]
        for (_, cheap), (_, dear) in pairwise(ordered):
            assert cheap.bid < dear.ask  # a vertical always costs something
        for low, middle, high in triples(side):
            assert low.ask + high.ask - 2 * middle.bid >= -CENT  # and so does a butterfly
    slack = Decimal("0.10")  # the spot's way since the older of the two quotes
    for (call, bid_ask), (_, put) in zip(sides[Right.CALL], sides[Right.PUT], strict=True):
        assert bid_ask.bid - put.ask <= spot.ask - call.strike + slack
        assert bid_ask.ask - put.bid >= spot.bid - call.strike - slack


@pytest.mark.parametrize("hour", [time(9, 30), time(10, 5), time(12), time(15, 30), time(15, 59)])
def test_mids_out_of_the_money_fall_with_the_strike_and_bend_upward(
    source: SyntheticSource, hour: time
) -> None:
    """Rounding puts a mid off by up to half a tick, and a butterfly of mids by two ticks."""
    at = new_york(DAY, hour)
    spot = source.spot("SPY", at)
    for right, side in chain(source, at, "SPY", DAY).items():
        outside = [q for c, q in side if (c.strike >= spot) is (right is Right.CALL)]
        ordered = outside if right is Right.PUT else outside[::-1]
        assert all(cheap.mid <= dear.mid for cheap, dear in pairwise(ordered))
        flies = zip(outside, outside[1:], outside[2:], strict=False)
        assert all(low.mid + high.mid - 2 * middle.mid >= -2 * CENT for low, middle, high in flies)


def test_the_wings_have_no_bid_and_the_money_always_has(source: SyntheticSource) -> None:
    at = new_york(DAY, time(11))
    spot = source.spot("SPY", at)
    for contract, quote in chain(source, at, "SPY", DAY)[Right.CALL]:
        if contract.strike > spot * Decimal("1.04"):
            assert (quote.bid, quote.bid_size, quote.ask) == (ZERO, 0, CENT)
        elif contract.strike < spot + 2:
            assert quote.two_sided


def test_near_the_money_quotes_change_many_times_a_second(source: SyntheticSource) -> None:
    start = new_york(DAY, time(10, 5))
    spot = source.spot("SPY", start)
    sides = chain(source, start, "SPY", DAY)
    near = [c.symbol for c, _ in sides[Right.CALL] if abs(c.strike - spot) < 2]
    far = [c.symbol for c, _ in sides[Right.CALL] if c.strike > spot + 40]
    span = start + timedelta(seconds=10)
    assert len(source.changes(near, start, span)) >= 35 * len(near)
    assert len(source.changes(far, start, span)) <= len(far)
    ages = [span - quote.at for quote in source.quotes(far, span) if quote is not None]
    assert max(ages) > timedelta(seconds=20)
    assert max(ages) <= timedelta(minutes=1)


def test_a_same_day_chain_is_about_two_hundred_strikes_of_both_rights(
    source: SyntheticSource,
) -> None:
    listed = [c for c in source.contracts("SPY", DAY) if c.expiry == DAY]
    strikes = sorted({contract.strike for contract in listed})
    assert 200 <= len(strikes) <= 300
    assert {high - low for low, high in pairwise(strikes)} == {Decimal(1)}
    assert len(listed) == 2 * len(strikes)
    spot = source.spot("SPY", new_york(DAY, time(9, 31)))
    assert strikes[0] + 60 < spot < strikes[-1] - 60
    assert list(listed) == sorted(listed, key=lambda c: (c.strike, c.right))


def test_broad_etfs_expire_daily_and_names_on_the_weeks_last_session(
    source: SyntheticSource,
) -> None:
    def expiries(symbol: str, day: date) -> list[date]:
        return sorted({contract.expiry for contract in source.contracts(symbol, day)})

    assert expiries("SPY", date(2026, 11, 25)) == [
        date(2026, 11, 25), HALF_DAY, date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2),
    ]  # fmt: skip
    assert expiries("AAPL", FRIDAY) == [
        FRIDAY, date(2026, 12, 18), date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 8),
    ]  # fmt: skip
    assert expiries("AAPL", date(2026, 12, 25)) == expiries("AAPL", date(2026, 12, 28))
    assert source.contracts("BTC/USD", DAY) == ()
    assert source.contracts("GME", DAY) == ()


@pytest.mark.parametrize("underlying", ["SPY", "TSLA"])
def test_what_is_listed_stays_listed_until_it_expires(
    source: SyntheticSource, calendar: Calendar, underlying: str
) -> None:
    days = [s.day for s in calendar.sessions(date(2026, 11, 2), date(2026, 12, 18))]
    for before, after in pairwise(days):
        alive = {c for c in source.contracts(underlying, before) if c.expiry >= after}
        assert alive <= set(source.contracts(underlying, after))


@pytest.mark.parametrize(
    "symbol",
    [
        "SPY261208C00670500",  # between two strikes
        "SPY261208C02000000",  # far beyond them
        "SPY261224C00670000",  # not listed yet
        "SPY261205C00670000",  # a Saturday
        "AAPL261208C00270000",  # a Tuesday
        "GME261211C00020000",
    ],
)
def test_what_is_not_listed_is_not_quoted(source: SyntheticSource, symbol: str) -> None:
    at = new_york(DAY, time(12))
    assert source.quote(symbol, at) is None
    assert source.greeks(symbol, at) is None
    assert source.trade(symbol, at) is None
    with pytest.raises(NoSuchContract):
        source.open_interest(OptionContract.from_occ(symbol), DAY)


def test_an_expired_contract_is_gone_the_next_day(source: SyntheticSource) -> None:
    symbol = "SPY261208C00670000"
    assert source.quote(symbol, new_york(DAY, time(23))) is not None
    assert source.quote(symbol, new_york(DAY + timedelta(days=1), time(0, 1))) is None


def test_broad_etf_options_trade_a_quarter_of_an_hour_longer(source: SyntheticSource) -> None:
    close, late = new_york(DAY, time(16)), new_york(DAY, time(16, 15))
    spy = [c.symbol for c in source.contracts("SPY", DAY) if c.expiry == DAY]
    assert source.changes(spy, close, late)
    assert source.changes(spy, late, late + timedelta(hours=3)) == []
    name = [c.symbol for c in source.contracts("NVDA", FRIDAY) if c.expiry == FRIDAY]
    assert source.changes(name, new_york(FRIDAY, time(16)), new_york(FRIDAY, time(18))) == []


@pytest.mark.parametrize("day", [DAY, HALF_DAY])
def test_at_the_close_an_option_is_worth_what_it_pays(source: SyntheticSource, day: date) -> None:
    spot = source.official_close("SPY", day)
    evening = new_york(day, time(18))
    for side in chain(source, evening, "SPY", day).values():
        for contract, quote in side:
            assert quote.bid <= contract.intrinsic(spot) + CENT
            assert quote.ask >= contract.intrinsic(spot) - CENT


def test_greeks_agree_with_the_prices_they_come_from(source: SyntheticSource) -> None:
    at = new_york(DAY, time(11))
    spot = source.spot("SPY", at)
    strike = Decimal(round(spot))
    call = OptionContract(underlying="SPY", expiry=DAY, strike=strike, right=Right.CALL)
    found, other = (
        source.greeks(contract.symbol, at) for contract in (call, replace(call, right=Right.PUT))
    )
    assert found is not None
    assert other is not None
    (iv, greeks), (_, of_put) = found, other
    assert 0.35 < greeks.delta < 0.65
    assert greeks.delta - of_put.delta == pytest.approx(1.0)
    assert greeks.delta_low <= greeks.delta <= greeks.delta_high
    assert of_put.delta_low <= of_put.delta <= of_put.delta_high
    assert greeks.gamma == pytest.approx(of_put.gamma)
    assert greeks.theta < 0 < greeks.vega
    assert iv == greeks.iv_calendar == pytest.approx(2.3126 * greeks.iv, rel=1e-3)


def test_later_expiries_cost_more_at_the_money(source: SyntheticSource) -> None:
    at = new_york(DAY, time(10, 30))
    for symbol in ("SPY", "TSLA"):
        spot = source.spot(symbol, at)
        listed = source.contracts(symbol, DAY)
        strike = min((c.strike for c in listed), key=lambda k: abs(k - spot))
        calls = [c for c in listed if c.strike == strike and c.is_call]
        quotes = source.quotes([c.symbol for c in calls], at)
        asks = [quote.ask for quote in quotes if quote is not None]
        assert len(asks) == 5
        assert asks == sorted(asks)


def test_greeks_end_with_the_session_and_are_of_options_only(source: SyntheticSource) -> None:
    strike = round(source.official_close("SPY", DAY))
    symbol = f"SPY261208C{strike:05d}000"
    assert source.greeks(symbol, new_york(DAY, time(15, 50))) is not None
    assert source.greeks(symbol, new_york(DAY, time(16, 1))) is None
    assert source.greeks("SPY", new_york(DAY, time(12))) is None


def test_open_interest_likes_round_strikes_near_the_money(source: SyntheticSource) -> None:
    listed = [c for c in source.contracts("SPY", DAY) if c.expiry == DAY and c.is_call]
    open_interest = {int(c.strike): source.open_interest(c, DAY) or 0 for c in listed}
    spot = int(source.spot("SPY", new_york(DAY, time(10))))
    near = [k for k in open_interest if abs(k - spot) < 30]
    round_ones = [open_interest[k] for k in near if k % 10 == 0]
    plain = [open_interest[k] for k in near if k % 5]
    assert sum(round_ones) / len(round_ones) > 1.5 * sum(plain) / len(plain)
    assert min(open_interest.values()) < 0.2 * max(open_interest.values())
